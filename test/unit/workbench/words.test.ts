import { describe, expect, it } from 'vitest';
import type { TaskView } from '#schema/protocol.ts';
import type { TaskState } from '#schema/verdict.ts';
import { announcement, currentTask, MARKS, passedCount, wordFor } from '#workbench/tasks/words.ts';
import { count, duration, instant, listed, several } from '#workbench/words.ts';

describe('words', () => {
  it.each([
    [38, '38 ms'],
    [1_240, '1.2 s'],
    [14_000, '14 s'],
    [250_000, '4 min 10 s'],
    [15 * 60_000, '15 min'],
    [112 * 60_000, '1 h 52 min'],
    [16 * 3_600_000, '16 h'],
    [76 * 3_600_000, '3 days 4 h'],
    [364 * 86_400_000, '364 days'],
    [9.7 * 365.25 * 86_400_000, '9.7 years'],
  ])('%d ms is %s', (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  it('gives instants their zone, and the day where it is another', () => {
    const now = Date.UTC(2026, 10, 25, 14, 2, 11);
    expect(instant(now, now)).toBe('14:02:11 UTC');
    expect(instant(now + 86_400_000, now)).toBe('26 Nov 14:02 UTC');
    expect(instant(Date.UTC(2036, 0, 2), now)).toBe('2 Jan 2036 00:00 UTC');
  });

  it('counts and lists', () => {
    expect(count(4_812)).toBe('4\u202f812');
    expect(several(1, 'request')).toBe('1 request');
    expect(several(2, 'request')).toBe('2 requests');
    expect(listed(['web', 'api', 'load'])).toBe('web, api and load');
  });
});

const task = (id: string, state: TaskState, mode: TaskView['mode'] = 'once'): TaskView => ({
  id,
  title: `Task ${id}`,
  points: 1,
  mode,
  needs: [],
  hintsTotal: 0,
  hintsShown: [],
  verdict: { task: id, state, said: 'Seen', at: 0, points: 0, evidence: [] },
});

describe('tasks', () => {
  it('have a mark and a word for every state', () => {
    for (const { mark, word } of Object.values(MARKS)) {
      expect(mark).not.toBe('');
      expect(word).not.toBe('');
    }
    expect(new Set(Object.values(MARKS).map(({ word }) => word)).size).toBe(Object.keys(MARKS).length);
  });

  it('an invariant holds or is violated', () => {
    expect(wordFor(task('a', 'passed', 'invariant'))).toBe('holds');
    expect(wordFor(task('a', 'failed', 'invariant'))).toBe('violated');
  });

  it('are announced in one sentence each', () => {
    expect(announcement(task('a', 'passed'))).toBe('Task “Task a”: passed. Seen.');
  });

  it('the one to work on is the first that is open and can be worked on', () => {
    const tasks = [task('a', 'passed'), task('c', 'blocked'), task('i', 'failed', 'invariant'), task('b', 'failed')];
    expect(currentTask(tasks)?.id).toBe('b');
    expect(passedCount(tasks)).toBe(1);
    expect(currentTask([task('a', 'passed')])).toBeUndefined();
  });
});
