import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { officialKubectl, whyNoKubectl } from '../support/official-kubectl.ts';
import { ourDesk } from './linkerd/pair.ts';
import { type Answer, inAnyOrder, Replay, type Step } from './real/replay.ts';
import {
  type Group,
  groupNames,
  namespaceNames,
  namespacesOf,
  plain,
  readGroup,
  withFiles,
} from './real-mesh/replay.ts';
import { type RunningCluster, runCluster } from './support/running.ts';

const ALIKE_SHARE = 0.9;
const only = process.env['ACADEMY_REAL_MESH']?.split(',');
const wanted = groupNames().filter((name) => only?.includes(name) ?? true);
const isRecorded = (name: string): boolean => readGroup(name).steps.every(({ code }) => code !== undefined);

/** What a real cluster with the real mesh answered, asked of the embedded one (see `real-mesh/record.ts`). */
describe.skipIf(whyNoKubectl !== undefined)('recorded on a real mesh', () => {
  let running: RunningCluster;

  beforeAll(async () => {
    running = await runCluster(createEmbeddedDriver(), officialKubectl(), 'linkerd');
  }, 60_000);
  afterAll(() => running?.close());

  it.skip.each(wanted.filter((name) => !isRecorded(name)))('%s is not recorded yet', () => {});

  it.each(wanted.filter(isRecorded))(
    '%s',
    async (name) => {
      const group = withFiles(readGroup(name));
      const { different, known } = await played(group);
      await running.bash(`kubectl delete namespace ${namespaceNames(group).join(' ')} --wait=false`);
      expect(different).toEqual([]);
      expect(known / group.steps.length).toBeLessThan(1 - ALIKE_SHARE);
    },
    120_000,
  );

  async function played(group: Group): Promise<{ different: string[]; known: number }> {
    await running.bash('kubectl create -f -', { stdin: JSON.stringify(namespacesOf(group)) });
    const replay = new Replay(officialKubectl(), running.kubeconfig, group, { text: plain });
    const desk = ourDesk(
      { client: running.cluster.admin, clock: running.cluster.clock },
      readFileSync(running.kubeconfig, 'utf8'),
      group.files ?? {},
    );
    const different: string[] = [];
    let known = 0;
    for (const step of group.steps) {
      const wanted: Answer = { code: step.code ?? 0, out: step.out ?? '', err: step.err ?? '' };
      const once = step.run.startsWith('linkerd ') ? () => onDesk(step) : undefined;
      const answer = await replay.answer(step, wanted, once);
      if (JSON.stringify(answer) === JSON.stringify(wanted)) continue;
      if (step.differs) known++;
      else different.push(`${step.run}\n${answer.out}${answer.err}code ${answer.code}`);
    }
    replay.close();
    desk.close();
    return { different, known };

    /** The mesh's commands are our own ones, in a lab's shell: the official CLI is not at hand everywhere. */
    async function onDesk(step: Step): Promise<Answer> {
      const { code, stdout, stderr } = await desk.run(step.run);
      const lines = plain(stdout);
      return { code, out: step.anyOrder ? inAnyOrder(lines) : lines, err: plain(stderr) };
    }
  }
});

if (whyNoKubectl !== undefined) {
  describe('the official kubectl', () => {
    it.skip(`is not asked: ${whyNoKubectl}`, () => {});
  });
}
