import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WallClock } from '#base/clock.ts';
import { Engine } from '#cluster/kind/engine.ts';
import { sweep } from '#cluster/kind/sweep.ts';
import { findCourses } from '#content/courses.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { Pool } from '../../src/cli/prove/pool.ts';
import { proveLab } from '../../src/cli/prove/prove.ts';
import { WarmWorkers } from '../../src/cli/prove/warm-workers.ts';
import { ROOT } from '../../src/cli/root.ts';
import { NODE_IMAGE, skipReason, skipToolbox, TOOLBOX_IMAGE } from './engine-here.ts';

/**
 * Where the public images of BusyBox and curl can't be had, labs run the tools that the node image of these tests brings along,
 * under their own name: they hold both programs. What the Engine has is used as it is.
 */
const IN_THE_NODE_IMAGE = { 'busybox:1.37': 'academy/tools:dev', 'curlimages/curl:8.16.0': 'academy/tools:dev' };

const source = new LabSource(join(ROOT, 'labs'));
const labs = skipReason ? [] : await Promise.all((await source.ids()).map((id) => source.load(id)));
/** Those that need none of the mesh's images. */
const bare = labs.filter(
  ({ definition: { drivers, cluster } }) =>
    cluster.mesh === 'none' && cluster.others.length === 0 && (drivers === 'any' || drivers.includes('kind')),
);

describe.skipIf(skipReason)('labs without a mesh, on real Kubernetes', () => {
  const engine = new Engine();
  const owner = `test${process.pid}`;
  const clock = new WallClock();
  const pool = new Pool({ size: 1 });
  let entry: URL;
  let workers: WarmWorkers;
  const mirrors: Record<string, string> = {};
  beforeAll(async () => {
    entry = (await ensureBuilt(() => {}, ['worker'])).workerEntry;
    workers = new WarmWorkers(entry, clock);
    for (const [image, other] of Object.entries(IN_THE_NODE_IMAGE))
      if (!(await engine.hasImage(image))) mirrors[image] = other;
  }, 300_000);
  afterAll(async () => {
    await workers?.close();
    await sweep(engine, { owner, keep: new Set(), keepPool: false, now: Date.now() });
  });

  it('are there', () => {
    expect(bare.map(({ id }) => id)).toContain('who-answers');
  });

  it.each(bare.map((lab) => [lab.id, lab] as const))('%s proves itself', { timeout: 1_200_000 }, async (id, lab) => {
    const lessons = (await findCourses(join(ROOT, 'lessons'))).flatMap((course) => course.lessons);
    const proofs = await proveLab(lab, {
      entry,
      driver: 'kind',
      kind: { nodeImage: NODE_IMAGE, owner, mirrors, ...(skipToolbox ? {} : { toolboxImage: TOOLBOX_IMAGE }) },
      lessons: lessons.filter((lesson) => lesson.lab === id),
      folder: join(ROOT, 'labs', id),
      pool,
      workers,
      onProof: ({ what, ok, tookMs, said }) =>
        console.log(`${ok ? '✓' : '✕'} ${id} ${what} ${(tookMs / 1000).toFixed(0)} s: ${said}`),
    });
    expect(proofs.filter((proof) => !proof.ok).map((proof) => `${proof.what}: ${proof.said}`)).toEqual([]);
    expect(proofs.length).toBeGreaterThanOrEqual(5);
  });
});
