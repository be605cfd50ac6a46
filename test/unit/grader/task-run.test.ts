import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MovableClock } from '#base/clock.ts';
import type { CheckContext, Outcome } from '#grader/check.ts';
import { defineCheck, failed, passed, waiting } from '#grader/check.ts';
import { TaskRun } from '#grader/task-run.ts';
import type { Task } from '#schema/lab.ts';
import { task as taskSchema } from '#schema/lab.ts';

/** One task whose check answers what the test says; time stands still unless moved. */
function run(
  fields: Partial<Task>,
  options: { blockedBy?: () => string | undefined; othersPassed?: () => boolean } = {},
) {
  const wall = new MovableClock({ wall: () => 1_000_000 });
  let answer: Outcome | Error = waiting('nothing yet');
  const check = defineCheck({
    name: 'fake',
    summary: '',
    params: z.strictObject({}),
    triggers: () => [],
    run: async () => {
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  const said: string[] = [];
  const task = new TaskRun({
    task: taskSchema.parse({ id: 'a-task', title: 'A task', points: 3, check: 'fake', ...fields }),
    check,
    context: { clock: wall, signal: new AbortController().signal } as Partial<CheckContext> as CheckContext,
    wall,
    blockedBy: options.blockedBy ?? (() => undefined),
    othersPassed: options.othersPassed ?? (() => true),
    report: (reported) => said.push(`${reported.verdict.state}: ${reported.verdict.said}`),
  });
  const look = async (next: Outcome | Error) => {
    answer = next;
    await wall.advance(300);
    await task.look();
    return task.verdict;
  };
  return { task, wall, look, said };
}

describe('a task', () => {
  it('turns green, and red again when it is no longer true', async () => {
    const { look } = run({});
    expect(await look(passed('it is so'))).toMatchObject({ state: 'passed', points: 3, said: 'it is so' });
    expect(await look(failed('no longer'))).toMatchObject({ state: 'failed', points: 0 });
  });

  it('reports only what changed', async () => {
    const { look, said } = run({});
    await look(failed('no'));
    await look(failed('no'));
    await look(passed('yes'));
    expect(said).toEqual(['failed: no', 'passed: yes']);
  });

  it('is blocked by what it needs, and says by what', async () => {
    let blocker: string | undefined = 'The other task';
    const { look } = run({ needs: ['other'] }, { blockedBy: () => blocker });
    expect(await look(passed('yes'))).toMatchObject({ state: 'blocked', said: 'First: The other task.' });
    blocker = undefined;
    expect(await look(passed('yes'))).toMatchObject({ state: 'passed' });
  });

  it('is broken, not failed, when the probe itself fails, and recovers', async () => {
    const { look } = run({});
    const broken = await look(new Error('no route to the pod'));
    expect(broken).toMatchObject({ state: 'broken', points: 0 });
    expect(broken.said).toContain('costs you nothing');
    expect(await look(passed('yes'))).toMatchObject({ state: 'passed' });
  });

  it('that must hold passes only after it was true on end for so long', async () => {
    const { look, wall, task } = run({ mode: 'hold', holdSeconds: 6 });
    expect(await look(passed('ready'))).toMatchObject({ state: 'underway' });
    await wall.advance(3_000);
    expect(await look(failed('not ready'))).toMatchObject({ state: 'failed' });
    expect(await look(passed('ready'))).toMatchObject({ state: 'underway' });
    await wall.advance(5_000);
    expect(task.verdict.state).toBe('underway');
    await wall.advance(1_500);
    expect(task.verdict).toMatchObject({ state: 'passed', said: 'ready' });
  });

  it('that is an invariant counts only when all else has passed, and stays broken once broken', async () => {
    let others = false;
    const { look } = run({ mode: 'invariant' }, { othersPassed: () => others });
    expect(await look(passed('100 requests, none lost'))).toMatchObject({ state: 'underway', points: 0 });
    others = true;
    expect(await look(passed('120 requests, none lost'))).toMatchObject({ state: 'passed', points: 3 });
    expect(await look(failed('1 of 130 failed'))).toMatchObject({ state: 'failed' });
    expect(await look(passed('none lost'))).toMatchObject({
      state: 'failed',
      said: expect.stringContaining('1 of 130'),
    });
  });

  it('says honestly when the world can’t be repaired', async () => {
    const { look } = run({ 'lost-if': { check: 'fake', saw: 'expired', say: 'Too late. Start again.' } });
    expect(await look(failed('certificate expired', [], ['expired']))).toMatchObject({
      state: 'lost',
      said: 'Too late. Start again.',
    });
  });
});

describe('a task under a rain of changes', () => {
  it('is looked at although changes never cease', async () => {
    const { task, wall, said } = run({});
    for (let i = 0; i < 10; i++) {
      task.changed();
      await wall.advance(20);
    }
    expect(said).toEqual(['waiting: nothing yet']);
  });
});
