import type { Clock } from '#base/clock.ts';
import { SessionWorker } from '#server/sessions/session-worker.ts';

/** A proof makes and drops worlds all the time; with room for what is young its thread collects a tenth as often. */
const YOUNG_MB = 32;
const MEMORY_MB = 512;
/** A thread is let go after so many sessions, so that nothing can pile up in it. */
const SESSIONS_EACH = 12;

/**
 * The threads of proofs. Each holds one session at a time, as every session's thread does, and when that has ended it
 * takes the next one: its code is compiled by then, which is half of what a session costs.
 */
export class WarmWorkers {
  readonly #entry: URL;
  readonly #clock: Clock;
  readonly #idle: SessionWorker[] = [];
  readonly #sessions = new Map<SessionWorker, number>();

  constructor(entry: URL, clock: Clock) {
    this.#entry = entry;
    this.#clock = clock;
  }

  take(): SessionWorker {
    const worker =
      this.#idle.pop() ??
      new SessionWorker({ entry: this.#entry, memoryMb: MEMORY_MB, youngMb: YOUNG_MB, clock: this.#clock });
    this.#sessions.set(worker, (this.#sessions.get(worker) ?? 0) + 1);
    return worker;
  }

  /** Ends the worker's session; the worker is used again if that went well. */
  async giveBack(worker: SessionWorker): Promise<void> {
    if (this.#sessions.get(worker)! < SESSIONS_EACH && (await worker.rest())) {
      this.#idle.push(worker);
      return;
    }
    this.#sessions.delete(worker);
    await worker.stop();
  }

  /** Ends the threads that nobody uses. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((worker) => worker.stop()));
  }

  /** Ends every thread and takes away what its session made: the clusters of sessions that run are gone afterwards. */
  async abandon(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((worker) => worker.stop()));
  }
}
