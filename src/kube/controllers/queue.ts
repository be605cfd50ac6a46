import type { Clock, Timer } from '#base/clock.ts';
import { isAbort, messageOf } from '#base/errors.ts';
import { StatusError } from '#kube/api/status.ts';

const FIRST_RETRY_MS = 20;
const LONGEST_RETRY_MS = 30_000;

/**
 * The work queue of a controller: a key is worked on once at a time, however often it was added meanwhile, and is tried
 * again with growing pauses when that fails. Source of the scheme: client-go/util/workqueue.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #work: (key: string) => Promise<void>;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Map<string, Timer>();
  readonly #parallel: number;
  #closed = false;
  #scheduled = false;

  constructor(clock: Clock, work: (key: string) => Promise<void>, parallel = 4) {
    this.#clock = clock;
    this.#work = work;
    this.#parallel = parallel;
  }

  add(key: string): void {
    if (this.#closed) return;
    this.#waiting.add(key);
    this.#schedule();
  }

  /** Adds the key after a while; an earlier appointment of the same key is replaced when this one is sooner. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    this.#timers.get(key)?.cancel();
    this.#timers.set(
      key,
      this.#clock.setTimeout(() => {
        this.#timers.delete(key);
        this.add(key);
      }, delayMs),
    );
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Changes that belong together arrive in one turn; they become one piece of work. Whoever waits for the network gets
    // its turn in between, however much there is to do, and a clock that is moved waits for this.
    const release = this.#clock.hold?.();
    setImmediate(() => {
      release?.();
      this.#scheduled = false;
      for (const key of this.#waiting) {
        if (this.#running.size >= this.#parallel) return;
        if (this.#running.has(key)) continue;
        this.#waiting.delete(key);
        void this.#run(key);
      }
    });
  }

  async #run(key: string): Promise<void> {
    this.#running.add(key);
    const release = this.#clock.hold?.();
    try {
      await this.#work(key);
      this.#failures.delete(key);
    } catch (error) {
      if (!this.#closed && !isAbort(error)) this.#again(key, error);
    } finally {
      release?.();
      this.#running.delete(key);
      if (this.#waiting.size > 0) this.#schedule();
    }
  }

  #again(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    // A conflict only means that the cache was behind.
    const isConflict = error instanceof StatusError && error.reason === 'Conflict';
    if (!isConflict && !(error instanceof StatusError))
      process.emitWarning(`controller work on ${key} failed: ${messageOf(error)}`);
    this.addAfter(key, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 11)));
  }
}
