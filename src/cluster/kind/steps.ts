import { AcademyError, isAbort, messageOf } from '#base/errors.ts';
import type { StepEvent } from '#cluster/driver.ts';

export interface Steps {
  onStep(event: StepEvent): void;
  /** Wall clock, ms since the epoch. */
  now(): number;
  signal: AbortSignal;
}

/** One step of a bring-up: told when it starts, when it ends, and with the reason when it fails. */
export async function step<T>(
  o: Steps,
  key: string,
  title: string,
  usualMs: number,
  work: () => Promise<T>,
): Promise<T> {
  o.signal.throwIfAborted();
  const base = { step: key, title, usualMs };
  o.onStep({ ...base, state: 'started', at: o.now() });
  try {
    const result = await work();
    o.onStep({ ...base, state: 'done', at: o.now() });
    return result;
  } catch (error) {
    // What is cancelled has not failed.
    o.onStep({ ...base, state: isAbort(error) ? 'skipped' : 'failed', at: o.now(), message: messageOf(error) });
    throw error;
  }
}

/** Waits for what may never come, and not for ever: rejects with `driver/timeout` after that long. */
export async function atMost<T>(
  ms: number,
  what: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(ms);
  try {
    return await work(AbortSignal.any([signal, deadline]));
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error;
    throw new AcademyError('driver/timeout', `${what} within ${ms / 60_000} minutes.`, { cause: error });
  }
}
