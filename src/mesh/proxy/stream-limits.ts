import type { Clock, Timer } from '#base/clock.ts';
import type { TimeoutSettings } from '#mesh/policy/core/outbound-settings.ts';
import type { Answer, Exchange } from './exchange.ts';

/** A time limit of a route ran out. */
export class TimedOut extends Error {
  /** What lies behind the message, as the proxy's log tells it. */
  readonly sources: string[];
  constructor(limit: 'request' | 'response stream' | 'response header' | 'idle', ms: number) {
    const source = `${limit} timeout: ${shortDuration(ms)}`;
    super(`timed out waiting for response headers: ${source}`);
    this.sources = [source];
  }
}

/** As Rust shows a duration: `300ms`, `1.5s`. */
const shortDuration = (ms: number): string => (ms < 1000 ? `${ms}ms` : `${ms / 1000}s`);

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
    if (requestMs) this.#after('request', requestMs);
    if (responseMs) {
      if (exchange.body) exchange.body.once('end', () => this.#after('response stream', responseMs));
      else this.#after('response stream', responseMs);
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
    const idleMs = this.#idleMs;
    if (!idleMs || this.#over) return;
    this.#idle?.cancel();
    this.#idle = this.#clock.setTimeout(() => this.#expire(new TimedOut('idle', idleMs)), idleMs);
  }

  /** Watches over an answer that is being passed on. */
  watch(answer: Answer): void {
    if (!this.isLimited) return;
    if (this.#idleMs) answer.body?.on('data', () => this.touch());
    this.signal.addEventListener('abort', () => answer.body?.destroy(this.signal.reason as TimedOut), { once: true });
  }

  stop(): void {
    this.#over = true;
    this.#idle?.cancel();
    for (const timer of this.#timers) timer.cancel();
  }

  #after(limit: 'request' | 'response stream', ms: number): void {
    if (!this.#over) this.#timers.push(this.#clock.setTimeout(() => this.#expire(new TimedOut(limit, ms)), ms));
  }

  #expire(why: TimedOut): void {
    if (this.#over) return;
    this.stop();
    this.#abort ??= new AbortController();
    this.#abort.abort(why);
  }
}
