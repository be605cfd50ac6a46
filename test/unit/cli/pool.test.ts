import { describe, expect, it } from 'vitest';
import { Pool } from '../../../src/cli/prove/pool.ts';

describe('a pool of jobs', () => {
  it('never runs more than its size, runs all, and goes on after one that failed', async () => {
    const pool = new Pool({ size: 2 });
    let running = 0;
    let most = 0;
    const done: number[] = [];
    const ends: (() => void)[] = [];
    const jobs = [0, 1, 2, 3, 4].map((n) =>
      pool.run('a', async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((end) => ends.push(end));
        running--;
        if (n === 1) throw new Error('one');
        done.push(n);
      }),
    );
    const results = Promise.allSettled(jobs);
    while (done.length < 4) {
      await new Promise(setImmediate);
      ends.shift()?.();
    }
    expect((await results).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(most).toBe(2);
    expect(done).toEqual([0, 2, 3, 4]);
  });

  it('begins none that waits once it is drained', async () => {
    const pool = new Pool({ size: 1 });
    let end = () => {};
    const first = pool.run('a', () => new Promise<string>((resolve) => (end = () => resolve('done'))));
    const second = pool.run('a', async () => 'never');
    await new Promise(setImmediate);
    pool.drain();
    const third = pool.run('a', async () => 'never');
    end();
    expect(await Promise.all([first, second, third])).toEqual(['done', undefined, undefined]);
  });

  it('mixes kinds, so that one alone does not take every place', async () => {
    const pool = new Pool({ size: 2 });
    const begun: string[] = [];
    const all = ['a', 'a', 'a', 'b', 'b'].map((kind) =>
      pool.run(kind, async () => {
        begun.push(kind);
        await new Promise(setImmediate);
      }),
    );
    await Promise.all(all);
    expect(begun.slice(0, 2).sort()).toEqual(['a', 'b']);
    expect(begun).toHaveLength(5);
  });
});
