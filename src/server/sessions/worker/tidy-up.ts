import type { Clock } from '#base/clock.ts';

/** When a lab stands, what its making left behind goes; the second time, code that was not run since the first, ms. */
const AFTER_READY_MS = [150, 3_000];

/**
 * V8 collects when it has to make room, and a session that waits for its learner makes none. Does nothing where the
 * server did not ask for small heaps.
 */
export function tidyUp(wall: Clock): void {
  const collect = (globalThis as { gc?: (options: { type: 'major'; execution: 'async' }) => Promise<void> }).gc;
  if (!collect) return;
  for (const delay of AFTER_READY_MS) wall.setTimeout(() => void collect({ type: 'major', execution: 'async' }), delay);
}
