import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { ownCases } from '#mesh/conformance/own-cases.ts';
import { runConformance } from '#mesh/conformance/run.ts';
import type { Verdict } from '#mesh/conformance/verdict.ts';
import { clusterSettings } from '#schema/lab.ts';

const file = ownCases();
let cluster: Cluster;
let verdicts: Map<string, Verdict>;

beforeAll(async () => {
  const { signal } = new AbortController();
  const settings = clusterSettings.parse({ mesh: 'linkerd' });
  cluster = await createEmbeddedDriver().create({ id: 'conformance', settings, onStep: () => {}, signal });
  await cluster.ready;
  const ids = process.env['CASES']?.split(',');
  const all = await runConformance({ client: cluster.admin, file, signal, ...(ids ? { only: ids } : {}) });
  verdicts = new Map(all.map((each) => [each.id, each]));
}, 600_000);
afterAll(() => cluster?.destroy());

describe('policy, seen from outside', () => {
  it.each(file.cases.map(({ id, title }) => [id, title]))('%s %s', (id) => {
    const verdict = verdicts.get(id);
    if (process.env['CASES'] && !verdict) return;
    expect(verdict).toMatchObject({ result: 'agrees' });
  });
});
