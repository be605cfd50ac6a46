import type { Clock, Timer } from '#base/clock.ts';
import type { TimeoutSettings } from '#mesh/policy/core/outbound-settings.ts';
import type { Answer, Exchange } from './exchange.ts';

/** A time limit of a route ran out. */
export class TimedOut extends Error {
  constructor(message = 'HTTP response timeout') {
    super(message);
  }
}

/**
 * The time limits of one exchange, all tries together: `request` over its whole life, `response` from the end of the
 * request, `idle` while nothing passes. When one runs out, `signal` aborts; a body that is on its way breaks off.
 */
export class StreamLimits {
  #abort: AbortController | undefined;
  readonly #clock: Clock;
  readonly #timers: Timer[] = [];
  readonly #idleMs: number | undefined;
  #idle: Timer | undefined;
  #over = false;

  constructor(clock: Clock, exchange: Exchange, limits: TimeoutSettings) {
    this.#clock = clock;
    this.isLimited = Boolean(limits.idleMs || limits.requestMs || limits.responseMs);
    if (!this.isLimited) return;
    this.#idleMs = limits.idleMs;
    const { requestMs, responseMs } = limits;
    if (requestMs) this.#after(requestMs);
    if (responseMs) {
      if (exchange.body) exchange.body.once('end', () => this.#after(responseMs));
      else this.#after(responseMs);
    }
    this.touch();
    exchange.onDone(() => this.stop());
  }

  /** False when nothing can run out: `signal` never aborts. */
  readonly isLimited: boolean;

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** Says that something passed. */
  touch(): void {
    if (!this.#idleMs || this.#over) return;
    this.#idle?.cancel();
    this.#idle = this.#clock.setTimeout(() => this.#expire(), this.#idleMs);
  }

  /** Watches over an answer that is being passed on. */
  watch(answer: Answer): void {
    if (!this.isLimited) return;
    if (this.#idleMs) answer.body?.on('data', () => this.touch());
    this.signal.addEventListener('abort', () => answer.body?.destroy(new TimedOut()), { once: true });
  }

  stop(): void {
    this.#over = true;
    this.#idle?.cancel();
    for (const timer of this.#timers) timer.cancel();
  }

  #after(ms: number): void {
    if (!this.#over) this.#timers.push(this.#clock.setTimeout(() => this.#expire(), ms));
  }

  #expire(): void {
    if (this.#over) return;
    this.stop();
    this.#abort ??= new AbortController();
    this.#abort.abort(new TimedOut());
  }
}
