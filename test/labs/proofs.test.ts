import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WallClock } from '#base/clock.ts';
import { findCourses } from '#content/courses.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { Places } from '../../src/cli/prove/places.ts';
import { Pool } from '../../src/cli/prove/pool.ts';
import { proveLab } from '../../src/cli/prove/prove.ts';
import { WarmWorkers } from '../../src/cli/prove/warm-workers.ts';
import { ROOT } from '../../src/cli/root.ts';

const source = new LabSource(join(ROOT, 'labs'));
const ids = readdirSync(join(ROOT, 'labs'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

const lessons = (await findCourses(join(ROOT, 'lessons'))).flatMap((course) => course.lessons);

/** Shared by all labs. */
const clock = new WallClock();
const places = new Places(clock);
const pool = new Pool(places);
let entry: URL;
let workers: WarmWorkers;
beforeAll(async () => {
  entry = (await ensureBuilt(() => {}, ['worker'])).workerEntry;
  workers = new WarmWorkers(entry, clock);
});
afterAll(async () => {
  places.close();
  await workers?.close();
});

/**
 * Untouched it scores 0, the solution turns everything green, every wrong solution stays red where it says, and its
 * lesson's commands print what the lesson shows.
 */
describe.concurrent('labs', () => {
  it.each(ids)('%s proves itself', { timeout: 1_200_000 }, async (id) => {
    const lab = await source.load(id);
    const proofs = await proveLab(lab, {
      entry,
      driver: 'embedded',
      lessons: lessons.filter((lesson) => lesson.lab === id),
      folder: join(ROOT, 'labs', id),
      pool,
      workers,
    });
    expect(proofs.filter((proof) => !proof.ok).map((proof) => `${proof.what}: ${proof.said}`)).toEqual([]);
    expect(proofs.length).toBeGreaterThanOrEqual(3);
  });
});
