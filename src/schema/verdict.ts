import { z } from 'zod';
import { evidence } from './evidence.ts';

/** waiting ○ not looked at yet or nothing seen, underway ◐ true but not long enough, passed ✓, failed ✕, blocked ⧖ by
 *  another task, broken ⚠ the probe itself failed (ours, never the learner's), lost: the world can't be repaired. */
export const taskState = z.enum(['waiting', 'underway', 'passed', 'failed', 'blocked', 'broken', 'lost']);
export type TaskState = z.infer<typeof taskState>;

/** What the grader says of one task, and from what it concluded it. */
export const verdict = z.object({
  task: z.string(),
  state: taskState,
  /** One sentence with figures: what was seen, or what is still different from what was asked. */
  said: z.string(),
  /** Instant of the observation, ms since the epoch, wall clock. */
  at: z.number(),
  /** Instant on the cluster's clock, where it differs. */
  clusterAt: z.number().optional(),
  points: z.number(),
  evidence: z.array(evidence).default([]),
});
export type Verdict = z.infer<typeof verdict>;
