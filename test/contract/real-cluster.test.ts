import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { officialKubectl, whyNoKubectl } from '../support/official-kubectl.ts';
import { type Answer, groupNames, Replay, readGroup } from './real/replay.ts';
import { type RunningCluster, runCluster } from './support/running.ts';

const ALIKE_SHARE = 0.9;

/** What a real 1.35 cluster answered the official kubectl, asked of the embedded one (see `real/record.ts`). */
describe.skipIf(whyNoKubectl !== undefined)('recorded on a real cluster', () => {
  let running: RunningCluster;

  beforeAll(async () => {
    running = await runCluster(createEmbeddedDriver(), officialKubectl());
  });
  afterAll(() => running?.close());

  it.each(groupNames())(
    '%s',
    async (name) => {
      const group = readGroup(name);
      await running.bash(`kubectl create namespace ${group.group}`);
      const replay = new Replay(officialKubectl(), running.kubeconfig, group);
      const different: string[] = [];
      let known = 0;
      for (const step of group.steps) {
        const wanted: Answer = { code: step.code ?? 0, out: step.out ?? '', err: step.err ?? '' };
        const answer = await replay.answer(step, wanted);
        if (JSON.stringify(answer) === JSON.stringify(wanted)) continue;
        if (step.differs) known++;
        else different.push(`${step.run}\n${answer.out}${answer.err}`);
      }
      replay.close();
      await running.bash(`kubectl delete namespace ${group.group} --wait=false`);
      expect(different).toEqual([]);
      expect(known / group.steps.length).toBeLessThan(1 - ALIKE_SHARE);
    },
    300_000,
  );
});

if (whyNoKubectl !== undefined) {
  describe('the official kubectl', () => {
    it.skip(`is not asked: ${whyNoKubectl}`, () => {});
  });
}
