import type { TaskView } from '#schema/protocol.ts';
import type { TaskState } from '#schema/verdict.ts';

/** The mark and the word of each state. One is never shown without the other. */
export const MARKS: Record<TaskState, { mark: string; word: string }> = {
  waiting: { mark: '○', word: 'waiting' },
  underway: { mark: '◐', word: 'under way' },
  passed: { mark: '✓', word: 'passed' },
  failed: { mark: '✕', word: 'not yet' },
  blocked: { mark: '⧖', word: 'blocked' },
  broken: { mark: '⚠', word: 'check broken' },
  lost: { mark: '✕', word: 'cannot be repaired' },
};

export function stateOf(task: TaskView): TaskState {
  return task.verdict?.state ?? 'waiting';
}

/** The word for a task's state, as its mode asks for: an invariant holds or is broken, a task under way is held. */
export function wordFor(task: TaskView): string {
  const state = stateOf(task);
  if (task.mode === 'invariant' && state === 'passed') return 'holds';
  if (task.mode === 'invariant' && state === 'failed') return 'violated';
  return MARKS[state].word;
}

/** One sentence for a screen reader. */
export function announcement(task: TaskView): string {
  const said = task.verdict?.said ?? '';
  const sentence = said && !/[.!?]$/.test(said) ? `${said}.` : said;
  return `Task “${task.title}”: ${wordFor(task)}. ${sentence}`.trim();
}

/** The task a learner works on now: the first that has not passed and is not a condition that holds throughout. */
export function currentTask(tasks: readonly TaskView[]): TaskView | undefined {
  const open = tasks.filter((task) => stateOf(task) !== 'passed');
  return open.find((task) => task.mode !== 'invariant' && stateOf(task) !== 'blocked') ?? open[0];
}

export function passedCount(tasks: readonly TaskView[]): number {
  return tasks.filter((task) => stateOf(task) === 'passed').length;
}
