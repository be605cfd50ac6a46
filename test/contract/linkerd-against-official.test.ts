import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { officialKubectl, whyNoKubectl } from '../support/official-kubectl.ts';
import { likeness } from './linkerd/likeness.ts';
import { type Desk, officialDesk, ourDesk } from './linkerd/pair.ts';
import { type RunningCluster, runCluster } from './support/running.ts';

/** A line for bash, played on both desks against one cluster, or what brings the cluster into another state first. */
interface Line {
  run: string;
  /** What is compared: the words (default), or manifests as objects, certificates and hashes put aside. */
  as?: 'words' | 'manifests';
  /** Objects and scrape jobs of the official rendering that ours leaves out on purpose, by name. */
  without?: string[];
  /** Why the texts are not the same; the exit codes still are. */
  differs?: string;
}
interface Group {
  group: string;
  mesh?: boolean;
  /** Done once, with the official kubectl, before the lines. */
  before?: string;
  lines: (string | Line)[];
}
interface Suite {
  files: Record<string, string>;
  groups: Group[];
}

const LEAST_ALIKE = 150;
const linkerd = process.env['ACADEMY_LINKERD_CLI'];
const whyNot =
  linkerd === undefined
    ? 'ACADEMY_LINKERD_CLI does not name an official linkerd CLI; a build of edge-26.8.3 is meant'
    : existsSync(linkerd)
      ? whyNoKubectl
      : `ACADEMY_LINKERD_CLI names ${linkerd}, which is not there`;
const { files, groups } = parse(readFileSync(join(import.meta.dirname, 'linkerd/lines.yaml'), 'utf8')) as Suite;
const linesOf = ({ lines }: Group): Line[] => lines.map((each) => (typeof each === 'string' ? { run: each } : each));
const all = groups.flatMap(linesOf);

it(`holds ${LEAST_ALIKE} lines or more of our linkerd to the official one`, () => {
  expect(all.filter(({ differs }) => differs === undefined).length).toBeGreaterThanOrEqual(LEAST_ALIKE);
});

describe.skipIf(whyNot !== undefined)('our linkerd and the official one', () => {
  describe.each(groups)('$group', (group) => {
    let running: RunningCluster;
    let desks: { official: Desk; ours: Desk };

    beforeAll(async () => {
      const kubectl = officialKubectl();
      running = await runCluster(createEmbeddedDriver(), kubectl, group.mesh === false ? 'none' : 'linkerd');
      const { admin: client, clock } = running.cluster;
      const kubeconfig = readFileSync(running.kubeconfig, 'utf8');
      desks = {
        official: officialDesk({ linkerd: linkerd!, kubectl }, kubeconfig, files),
        ours: ourDesk({ client, clock }, kubeconfig, files),
      };
      if (group.before) {
        const answer = await desks.official.run(group.before);
        expect(answer, answer.stderr).toMatchObject({ code: 0 });
      }
    }, 120_000);
    afterAll(async () => {
      desks?.official.close();
      desks?.ours.close();
      await running?.close();
    });

    // In order: what a line changed, the next ones see.
    it.each(linesOf(group))('$run', async ({ run, as = 'words', without, differs }) => {
      const expected = await desks.official.run(run);
      const actual = await desks.ours.run(run);
      if (differs) expect(actual.code, differs).toBe(expected.code);
      else expect(likeness(actual, as)).toEqual(likeness(expected, as, without));
    });
  });
});

if (whyNot !== undefined) {
  describe('the official linkerd', () => {
    it.skip(`is not compared: ${whyNot}`, () => {});
  });
}
