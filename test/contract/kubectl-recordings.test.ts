import { InMemoryFs } from 'just-bash';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { clusterSettings } from '#schema/lab.ts';
import { collector, readerOf } from '#shell/pipe.ts';
import { standardPrograms } from '#shell/programs/programs.ts';
import { createShell, type Shell } from '#shell/shell.ts';
import { createKubectl } from '#terminal/kubectl/kubectl.ts';
import { alike, DIFFERENT, recordedCommands, whyNoRecordings } from './support/recorded.ts';

const HOME = '/home/learner';

/** The recorded session once more, typed in the lab terminal: its shell, its kubectl, an embedded cluster. */
describe.skipIf(whyNoRecordings !== undefined)('recorded kubectl commands in the lab terminal', () => {
  let cluster: Cluster;
  let shell: Shell;
  const recorded = whyNoRecordings ? [] : recordedCommands();

  beforeAll(async () => {
    const settings = clusterSettings.parse({ mesh: 'none' });
    const { signal } = new AbortController();
    cluster = await createEmbeddedDriver().create({ id: 'contract', settings, onStep: () => {}, signal });
    await cluster.ready;
    const fs = new InMemoryFs();
    await fs.mkdir(HOME, { recursive: true });
    const kubectl = createKubectl({ client: cluster.admin, clock: cluster.clock });
    const commands = new Map([...standardPrograms(), kubectl].map((each) => [each.name, each]));
    shell = createShell({ fs, clock: cluster.clock, env: { HOME }, cwd: HOME, commands });
  });
  afterAll(async () => {
    shell?.close();
    await cluster?.destroy();
  });

  it.each(recorded.map((each, index) => ({ ...each, index })))('$index: $command', async (each) => {
    const wanted = { exit: each.exit, stdout: alike(each.stdout), stderr: alike(each.stderr) };
    const look = async () => {
      const [stdout, stderr] = [collector(), collector()];
      const stdio = { stdin: readerOf(''), stdout: stdout.writer, stderr: stderr.writer };
      const exit = await shell.run(each.command, stdio, AbortSignal.timeout(60_000));
      const got = { exit, stdout: alike(stdout.text()), stderr: alike(stderr.text()) };
      if (each.command in DIFFERENT) expect(got, DIFFERENT[each.command]).not.toEqual(wanted);
      else expect(got).toEqual(wanted);
    };
    await controllersHaveSeen(cluster);
    // Pods are counted in the middle of a rollout, which had more time when it was recorded.
    if (each.command.endsWith('| wc -l')) await vi.waitFor(look, { timeout: 10_000, interval: 100 });
    else await look();
  });
});

/**
 * Between two recorded commands seconds passed, and a controller met each state of a Deployment. Here milliseconds pass, in which
 * two states may become one ReplicaSet.
 */
async function controllersHaveSeen({ admin }: Cluster): Promise<void> {
  await vi.waitFor(async () => {
    const { items } = await admin.list({ group: 'apps', version: 'v1', resource: 'deployments' });
    for (const { metadata, status } of items) expect(status?.observedGeneration).toBe(metadata.generation);
  }, 10_000);
}
