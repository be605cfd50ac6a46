import { type Clock, type Timer, turn } from '#base/clock.ts';
import { isAbort } from '#base/errors.ts';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 60_000;
/** Turns of the event loop after which what was written has come back over the watches. */
const ECHO_TURNS = 6;

/**
 * The keys a controller has to look at. One key is worked on once at a time, and tried again with growing pauses when it
 * failed. A clock that is being moved waits for the work and for what follows from it: a certificate that is due in the
 * middle of a long step is there before the next timer fires.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #work: (key: string) => Promise<void>;
  readonly #failed: (key: string, error: unknown) => void;
  readonly #waiting = new Set<string>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  #running = false;
  #closed = false;

  constructor(clock: Clock, work: (key: string) => Promise<void>, failed: (key: string, error: unknown) => void) {
    this.#clock = clock;
    this.#work = work;
    this.#failed = failed;
  }

  add(key: string): void {
    if (this.#closed) return;
    this.#waiting.add(key);
    if (!this.#running) void this.#run();
  }

  /** Adds the key at an instant of the clock; a later appointment of the same key takes the place of an earlier one. */
  addAt(key: string, at: number): void {
    if (this.#closed) return;
    this.#timers.get(key)?.cancel();
    this.#timers.set(
      key,
      this.#clock.setTimeout(() => {
        this.#timers.delete(key);
        this.add(key);
      }, at - this.#clock.now()),
    );
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  async #run(): Promise<void> {
    this.#running = true;
    const release = this.#clock.hold?.();
    // Changes that arrive in one turn are one piece of work.
    await turn();
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      try {
        await this.#work(key);
        this.#failures.delete(key);
      } catch (error) {
        if (!this.#closed && !isAbort(error)) this.#again(key, error);
      }
    }
    this.#running = false;
    for (let i = 0; i < ECHO_TURNS; i++) await turn();
    release?.();
  }

  #again(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#failed(key, error);
    this.addAt(key, this.#clock.now() + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 11)));
  }
}
