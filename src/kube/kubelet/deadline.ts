import type { Clock, Timer } from '#base/clock.ts';

/** An instant that may come nearer: how long a pod has for ending. */
export class Deadline {
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  #at: number;
  #timer: Timer;

  constructor(clock: Clock, afterMs: number) {
    this.#clock = clock;
    this.#at = clock.now() + afterMs;
    this.#timer = clock.setTimeout(() => this.#pass(), afterMs);
  }

  /** Aborted when the instant is there. */
  get passed(): AbortSignal {
    return this.#abort.signal;
  }

  get leftMs(): number {
    return Math.max(0, this.#at - this.#clock.now());
  }

  /** Moves it to `afterMs` from now, when that is earlier. */
  shorten(afterMs: number): void {
    if (this.#clock.now() + afterMs >= this.#at || this.#abort.signal.aborted) return;
    this.#timer.cancel();
    this.#at = this.#clock.now() + afterMs;
    this.#timer = this.#clock.setTimeout(() => this.#pass(), afterMs);
  }

  cancel(): void {
    this.#timer.cancel();
  }

  #pass(): void {
    this.#abort.abort(new DOMException('the time is over', 'TimeoutError'));
  }
}

/** Resolves with true when the promise settles before the signal aborts, else with false. */
export function before(promise: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onAbort = () => resolve(false);
    signal.addEventListener('abort', onAbort, { once: true });
    const done = () => {
      signal.removeEventListener('abort', onAbort);
      resolve(true);
    };
    promise.then(done, done);
  });
}
