import { describe, expect, it } from 'vitest';
import { MovableClock, turn } from '#base/clock.ts';

/** A wall that stands still unless told otherwise, so that only `advance` moves the clock. */
const still = () => ({ wall: () => 1_000_000 });

describe('MovableClock', () => {
  it('starts where it is told and reads the wall from there', () => {
    let wall = 5_000;
    const clock = new MovableClock({ startAtMs: 1_700_000_000_000, wall: () => wall });
    expect(clock.now()).toBe(1_700_000_000_000);
    wall += 250;
    expect(clock.now()).toBe(1_700_000_000_250);
  });

  it('fires timers in order of their instant, each at its own instant', async () => {
    const clock = new MovableClock(still());
    const start = clock.now();
    const fired: [string, number][] = [];
    clock.setTimeout(() => fired.push(['late', clock.now() - start]), 3_600_000);
    clock.setTimeout(() => fired.push(['early', clock.now() - start]), 1_000);
    clock.setTimeout(() => fired.push(['beyond', clock.now() - start]), 10_000_000);
    await clock.advance(3_600_000);
    expect(fired).toEqual([
      ['early', 1_000],
      ['late', 3_600_000],
    ]);
    expect(clock.now() - start).toBe(3_600_000);
  });

  it('unrolls a chain that schedules its next link when the last one ran', async () => {
    const clock = new MovableClock(still());
    const start = clock.now();
    const renewals: number[] = [];
    const renew = async () => {
      await turn();
      renewals.push(clock.now() - start);
      clock.setTimeout(renew, 1_000);
    };
    clock.setTimeout(renew, 1_000);
    await clock.advance(3_000, async () => {
      await turn();
      await turn();
    });
    expect(renewals).toEqual([1_000, 2_000, 3_000]);
  });

  it('does not fire a cancelled timer, and keeps the others', async () => {
    const clock = new MovableClock(still());
    const fired: number[] = [];
    const timers = Array.from({ length: 50 }, (_, i) => clock.setTimeout(() => fired.push(i), (i * 37) % 50));
    for (const [i, timer] of timers.entries()) if (i % 3 === 0) timer.cancel();
    await clock.advance(100);
    expect([...fired].sort((a, b) => a - b)).toEqual(timers.map((_, i) => i).filter((i) => i % 3 !== 0));
    expect(fired.map((i) => (i * 37) % 50)).toEqual([...fired.map((i) => (i * 37) % 50)].sort((a, b) => a - b));
  });

  it('repeats an interval until it is cancelled', async () => {
    const clock = new MovableClock(still());
    let count = 0;
    const timer = clock.setInterval(() => count++, 10);
    await clock.advance(35);
    expect(count).toBe(3);
    timer.cancel();
    await clock.advance(100);
    expect(count).toBe(3);
  });

  it('rejects a sleep with the reason of the signal, and refuses to go back', async () => {
    const clock = new MovableClock(still());
    const abort = new AbortController();
    const sleeping = clock.sleep(1_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
  });

  it('goes past lazy timers while it is moved, and fires each once when it has arrived', async () => {
    let wall = 1_000_000;
    const clock = new MovableClock({ wall: () => wall });
    const fired: [string, number][] = [];
    const start = clock.now();
    const poll = () => {
      fired.push(['poll', clock.now() - start]);
      clock.setTimeout(poll, 1_000, { lazy: true });
    };
    clock.setTimeout(poll, 1_000, { lazy: true });
    clock.setTimeout(() => fired.push(['renewal', clock.now() - start]), 5_000);
    await clock.advance(60_000);
    await expect
      .poll(() => fired)
      .toEqual([
        ['renewal', 5_000],
        ['poll', 60_000],
      ]);
    wall += 1_000;
    await expect.poll(() => fired.length).toBe(3);
    clock.stop();
  });

  it('takes moves that follow each other at once for one, as far as lazy timers go', async () => {
    const clock = new MovableClock(still());
    const start = clock.now();
    const fired: number[] = [];
    clock.setInterval(() => fired.push(clock.now() - start), 1_000, { lazy: true });
    for (let hour = 0; hour < 5; hour++) await clock.advance(3_600_000);
    expect(fired).toEqual([]);
    await expect.poll(() => fired).toEqual([5 * 3_600_000]);
    clock.stop();
  });

  it('does one move after the other when two are asked for at once', async () => {
    const clock = new MovableClock(still());
    const start = clock.now();
    const fired: number[] = [];
    clock.setInterval(() => fired.push(clock.now() - start), 1_000);
    await Promise.all([clock.advance(2_500), clock.advance(2_000)]);
    expect(fired).toEqual([1_000, 2_000, 3_000, 4_000]);
    expect(clock.now() - start).toBe(4_500);
    clock.stop();
  });
});
