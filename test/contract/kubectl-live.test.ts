import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InMemoryFs } from 'just-bash';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { clusterSettings } from '#schema/lab.ts';
import { collector, readerOf } from '#shell/pipe.ts';
import { standardPrograms } from '#shell/programs/programs.ts';
import { createShell, type Shell } from '#shell/shell.ts';
import { createKubectl } from '#terminal/kubectl/kubectl.ts';
import { officialKubectl, whyNoKubectl } from '../support/official-kubectl.ts';
import { normalise } from './kubectl/run.ts';
import { type RunningCluster, runCluster } from './support/running.ts';

const HOME = '/home/learner';
const WITHIN_MS = 40_000;
const commands = parse(readFileSync(join(import.meta.dirname, 'kubectl-live.yaml'), 'utf8')) as string[];

/** Names that are made up anew each time, addresses, and what columns are padded with. */
const ASIDE: [RegExp, string][] = [
  [/\b[0-9a-f]{64}\b/g, '<id>'],
  [/\b10\.(96|244)\.\d+\.\d+\b/g, '<ip>'],
  [/\b(web)-[a-z0-9]{8,10}-[a-z0-9]{5}\b/g, '$1-<hash>-<suffix>'],
  [/\b(web)-[a-z0-9]{8,10}\b/g, '$1-<hash>'],
  [/\b(j|kube-api-access)-[a-z0-9]{5}\b/g, '$1-<suffix>'],
  // Two clusters, in which pods start in their own time, count their changes differently.
  [/(resourceVersion"?: ?)"\d+"/g, '$1"<n>"'],
  [/pod-template-hash(=|: )\w+/g, 'pod-template-hash=<hash>'],
  [/[ \t]+/g, ' '],
  [/ $/gm, ''],
  [/-{4,}/g, '----'],
];
const alike = (text: string): string =>
  ASIDE.reduce((so, [pattern, word]) => so.replaceAll(pattern, word), normalise(text));

describe.skipIf(whyNoKubectl !== undefined)('our kubectl and the official one where pods run', () => {
  let official: RunningCluster;
  let cluster: Cluster;
  let shell: Shell;

  beforeAll(async () => {
    official = await runCluster(createEmbeddedDriver(), officialKubectl());
    const settings = clusterSettings.parse({ mesh: 'none' });
    const { signal } = new AbortController();
    cluster = await createEmbeddedDriver().create({ id: 'ours', settings, onStep: () => {}, signal });
    await cluster.ready;
    const fs = new InMemoryFs({ [`${HOME}/.kube/config`]: readFileSync(official.kubeconfig, 'utf8') });
    const kubectl = createKubectl({ client: cluster.admin, clock: cluster.clock });
    const programs = new Map([...standardPrograms(), kubectl].map((each) => [each.name, each]));
    shell = createShell({ fs, clock: cluster.clock, env: { HOME }, cwd: HOME, commands: programs });
  });
  afterAll(async () => {
    shell?.close();
    await Promise.all([official?.close(), cluster?.destroy()]);
  });

  it.each(commands)('%s', async (line) => {
    const [stdout, stderr] = [collector(), collector()];
    const stdio = { stdin: readerOf(''), stdout: stdout.writer, stderr: stderr.writer };
    const [expected, code] = await Promise.all([
      official.bash(line, { timeoutMs: WITHIN_MS }),
      shell.run(line, stdio, AbortSignal.timeout(WITHIN_MS)),
    ]);
    const got = { code, stdout: alike(stdout.text()), stderr: alike(stderr.text()) };
    expect(got).toEqual({ code: expected.code, stdout: alike(expected.stdout), stderr: alike(expected.stderr) });
  });
});
