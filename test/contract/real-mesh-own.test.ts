import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { officialKubectl, whyNoKubectl } from '../support/official-kubectl.ts';
import { ourDesk } from './linkerd/pair.ts';
import { type Answer, inAnyOrder, Replay, type Step } from './real/replay.ts';
import { groupNames, namespacesOf, plain, readGroup, withFiles } from './real-mesh/replay.ts';
import { runCluster } from './support/running.ts';

const ALIKE_SHARE = 0.9;
/** How far the clock goes between two looks at what comes of itself. */
const PASS_MS = 5_000;
const only = process.env['ACADEMY_REAL_MESH']?.split(',');

/** Groups that break and mend the mesh itself (see `real-mesh/record.ts`): each has a cluster of its own. */
describe.skipIf(whyNoKubectl !== undefined)('recorded on a real mesh of its own', () => {
  it.each(groupNames('own').filter((name) => only?.includes(name) ?? true))(
    '%s',
    async (name) => {
      const group = withFiles(readGroup(name));
      const running = await runCluster(createEmbeddedDriver(), officialKubectl(), group.mesh ?? 'linkerd');
      const { cluster, kubeconfig } = running;
      await running.bash('kubectl create -f -', { stdin: JSON.stringify(namespacesOf(group)) });
      const replay = new Replay(officialKubectl(), kubeconfig, group, { text: plain });
      const desk = ourDesk(
        { client: cluster.admin, clock: cluster.clock },
        readFileSync(kubeconfig, 'utf8'),
        group.files ?? {},
      );
      const different: string[] = [];
      let known = 0;
      try {
        for (const step of group.steps) {
          const wanted: Answer = { code: step.code ?? 0, out: step.out ?? '', err: step.err ?? '' };
          const once = step.run.startsWith('linkerd ') ? () => onDesk(step) : undefined;
          const answer = await replay.answer(step, wanted, once, () => cluster.advanceClock(PASS_MS));
          if (JSON.stringify(answer) === JSON.stringify(wanted)) continue;
          if (step.differs) known++;
          else
            different.push(
              `${step.run}\n${answer.out}${answer.err}code ${answer.code}, not\n${wanted.out}${wanted.err}`,
            );
        }
      } finally {
        replay.close();
        desk.close();
        await running.close();
      }
      expect(different).toEqual([]);
      expect(known / group.steps.length).toBeLessThan(1 - ALIKE_SHARE);

      /** The mesh's commands are our own ones, in a lab's shell: the official CLI is not at hand everywhere. */
      async function onDesk(step: Step): Promise<Answer> {
        const { code, stdout, stderr } = await desk.run(step.run);
        const lines = plain(stdout);
        return { code, out: step.anyOrder ? inAnyOrder(lines) : lines, err: plain(stderr) };
      }
    },
    180_000,
  );
});
