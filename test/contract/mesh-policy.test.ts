import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { parseCaseFile } from '#mesh/conformance/case-file.ts';
import { ownCases } from '#mesh/conformance/own-cases.ts';
import { runConformance } from '#mesh/conformance/run.ts';
import type { Verdict } from '#mesh/conformance/verdict.ts';
import { clusterSettings } from '#schema/lab.ts';

const GIVEN = '../shared/facts/policy-cases.json';
const file = ownCases();
let cluster: Cluster;
let verdicts: Map<string, Verdict>;

beforeAll(async () => {
  const { signal } = new AbortController();
  const settings = clusterSettings.parse({ mesh: 'linkerd' });
  cluster = await createEmbeddedDriver().create({ id: 'conformance', settings, onStep: () => {}, signal });
  await cluster.ready;
  const all = await runConformance({ client: cluster.admin, file, signal });
  verdicts = new Map(all.map((each) => [each.id, each]));
}, 600_000);
afterAll(() => cluster?.destroy());

describe('policy, seen from outside', () => {
  it.each(file.cases.map(({ id, title }) => [id, title]))('%s %s', (id) => {
    expect(verdicts.get(id)).toMatchObject({ result: 'agrees' });
  });

  it.skipIf(!existsSync(GIVEN))('has every case that was given', () => {
    const given = parseCaseFile(readFileSync(GIVEN, 'utf8')).cases.map(({ id }) => id);
    expect(file.cases.map(({ id }) => id)).toEqual(given);
  });
});
