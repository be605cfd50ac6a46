import type { Clock, Timer } from '#base/clock.ts';
import { isAbort } from '#base/errors.ts';

const FIRST_RETRY_MS = 20;

/**
 * Work by key, one piece at a time. What fails is tried again with growing pauses, as often as the limit says, and then
 * left until something changes.
 */
export class RetryQueue {
  readonly #clock: Clock;
  readonly #work: (key: string) => Promise<void>;
  readonly #limit: number;
  readonly #failed: (key: string, error: unknown, again: boolean) => void;
  readonly #waiting = new Set<string>();
  readonly #tries = new Map<string, number>();
  readonly #timers = new Map<string, Timer>();
  #running = false;
  #closed = false;

  constructor(options: {
    clock: Clock;
    /** Retries after the first try. */
    limit: number;
    work(key: string): Promise<void>;
    failed(key: string, error: unknown, again: boolean): void;
  }) {
    this.#clock = options.clock;
    this.#limit = options.limit;
    this.#work = options.work;
    this.#failed = options.failed;
  }

  add(key: string): void {
    if (this.#closed) return;
    this.#waiting.add(key);
    if (!this.#running) void this.#run();
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
    // Changes that arrive together become one piece of work.
    await new Promise((resolve) => setImmediate(resolve));
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      try {
        await this.#work(key);
        this.#tries.delete(key);
      } catch (error) {
        if (this.#closed || isAbort(error)) break;
        this.#again(key, error);
      }
    }
    release?.();
    this.#running = false;
    if (this.#waiting.size > 0 && !this.#closed) void this.#run();
  }

  #again(key: string, error: unknown): void {
    const tries = (this.#tries.get(key) ?? 0) + 1;
    const again = tries <= this.#limit;
    this.#failed(key, error, again);
    if (!again) {
      this.#tries.delete(key);
      return;
    }
    this.#tries.set(key, tries);
    this.#timers.get(key)?.cancel();
    this.#timers.set(
      key,
      this.#clock.setTimeout(
        () => {
          this.#timers.delete(key);
          this.add(key);
        },
        FIRST_RETRY_MS * 2 ** tries,
      ),
    );
  }
}
