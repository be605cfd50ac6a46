import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certified } from './rotation/certified.ts';

const PODS = 20;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** `npm run bench mesh` plays the whole year; here is enough of it for every kind of step. */
describe('leaf certificates of a day while the clock is moved', () => {
  let mesh: Certified;
  beforeAll(async () => {
    mesh = await Certified.open(PODS);
  }, 120_000);
  afterAll(() => mesh?.close());

  it('are all renewed on the way of one long step', async () => {
    const before = mesh.renewals;
    await mesh.cluster.advanceClock(60 * DAY);
    await expect.poll(() => mesh.faults(), { timeout: 20_000 }).toEqual([]);
    // 86,460 s of life, renewed after seven tenths: 85 times in sixty days.
    expect(mesh.renewals - before).toBeGreaterThanOrEqual(PODS * 84);
    expect(await mesh.request(0)).toBe(204);
  }, 120_000);

  it('are right after every hour of a week', async () => {
    for (let hour = 0; hour < 7 * 24; hour++) {
      await mesh.cluster.advanceClock(HOUR);
      await expect.poll(() => mesh.faults(), { timeout: 20_000, interval: 20 }).toEqual([]);
      if (hour % 4 === 0) expect(await mesh.request(hour / 4)).toBe(204);
    }
  }, 120_000);
});
