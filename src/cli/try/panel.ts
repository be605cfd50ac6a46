import type { StepEvent } from '#cluster/driver.ts';
import type { TaskView } from '#schema/protocol.ts';
import { evidenceLines } from '#workbench/tasks/evidence-lines.ts';

/** What is known of a task beside its verdict. */
export interface Look {
  looks: number;
  tookMs: number;
  saw: string[];
}

export interface PanelState {
  title: string;
  steps: readonly StepEvent[];
  tasks: readonly TaskView[];
  looks: ReadonlyMap<string, Look>;
  /** The cluster's clock, ms since the epoch. */
  now: number;
}

const MARKS: Record<string, string> = {
  waiting: '○',
  underway: '◐',
  passed: '✓',
  failed: '✕',
  blocked: '⧖',
  broken: '⚠',
  lost: '☓',
};
/** Lines of evidence shown for a task. */
const MOST_EVIDENCE = 6;

/** The author's panel: every task with its state, what was said, what hints can depend on, its evidence and the probe's time. */
export function panelLines({ title, steps, tasks, looks, now }: PanelState, columns: number): string[] {
  const lines = [title];
  const unfinished = steps.filter(({ state }) => state === 'started' || state === 'failed');
  for (const { title: step, state, message } of unfinished)
    lines.push(`  ${state === 'failed' ? '✕' : '…'} ${step}${message ? `: ${message}` : ''}`);
  for (const task of tasks) {
    const { verdict, id, mode, points } = task;
    const state = verdict?.state ?? 'waiting';
    const look = looks.get(id);
    const timing = look ? `, looked ${look.looks}×, the last took ${look.tookMs.toFixed(0)} ms` : '';
    lines.push('', `${MARKS[state]} ${id}  ${state}, ${points} points, ${mode}${timing}`);
    if (verdict) lines.push(`    ${verdict.said}`);
    if (look && look.saw.length > 0) lines.push(`    saw: ${look.saw.join('; ')}`);
    const evidence = evidenceLines(verdict?.evidence ?? [], now);
    for (const line of evidence.slice(0, MOST_EVIDENCE)) lines.push(`    · ${line.split('\n')[0]}`);
    if (evidence.length > MOST_EVIDENCE) lines.push(`    · and ${evidence.length - MOST_EVIDENCE} more`);
  }
  return lines.map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line));
}
