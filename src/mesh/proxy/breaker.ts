import type { Clock } from '#base/clock.ts';
import type { AccrualSettings } from '#mesh/policy/core/outbound-settings.ts';

/** Windows of the success rate are kept in this many parts. */
const PARTS = 10;

interface Part {
  startedAt: number;
  good: number;
  all: number;
}

/** An open breaker: until when, the penalty without jitter, and whether the one try is on its way. */
interface Open {
  until: number;
  penaltyMs: number;
  trying: boolean;
}

export interface BreakerLog {
  tripped(): void;
  recovered(): void;
}

/**
 * The circuit breaker of one endpoint as one client's proxy keeps it: after so many failures in a row (or, `unified`,
 * too few successes in a window) nothing is sent for a penalty; then one request tries, and its outcome closes the case
 * or lengthens the penalty (linkerd/app/outbound/src/http/breaker).
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #settings: AccrualSettings;
  readonly #log: BreakerLog;
  #failures = 0;
  #parts: Part[] = [];
  #open: Open | undefined;

  constructor(clock: Clock, settings: AccrualSettings, log: BreakerLog) {
    this.#clock = clock;
    this.#settings = settings;
    this.#log = log;
  }

  /** Whether a request may be sent now. */
  get admits(): boolean {
    return !this.#open || (!this.#open.trying && this.#clock.now() >= this.#open.until);
  }

  /** When {@link admits} may change by itself. */
  get retryAt(): number {
    if (!this.#open) return 0;
    return this.#open.trying ? Number.POSITIVE_INFINITY : this.#open.until;
  }

  /** Says that a request is sent; the returned function must hear its outcome once, `undefined` when it had none. */
  begin(): (failed: boolean | undefined, retryAfterMs?: number) => void {
    const probe = this.#open;
    if (probe) probe.trying = true;
    let told = false;
    return (failed, retryAfterMs) => {
      if (told) return;
      told = true;
      if (probe) this.#tried(probe, failed, retryAfterMs);
      else if (failed !== undefined && !this.#open) this.#observe(failed, retryAfterMs);
    };
  }

  #tried(probe: Open, failed: boolean | undefined, retryAfterMs: number | undefined): void {
    if (this.#open !== probe) return;
    if (failed === false) {
      this.#open = undefined;
      this.#failures = 0;
      this.#parts = [];
      this.#log.recovered();
    } else if (failed) this.#trip(probe.penaltyMs * 2, retryAfterMs);
    else probe.trying = false;
  }

  #observe(failed: boolean, retryAfterMs: number | undefined): void {
    this.#failures = failed ? this.#failures + 1 : 0;
    const { maxFailures, minPenaltyMs } = this.#settings;
    if ((maxFailures > 0 && this.#failures >= maxFailures) || this.#rateTooLow(failed)) {
      this.#log.tripped();
      this.#trip(minPenaltyMs, retryAfterMs);
    }
  }

  #rateTooLow(failed: boolean): boolean {
    const rate = this.#settings.successRate;
    if (!rate || rate.threshold === 0) return false;
    const now = this.#clock.now();
    const last = this.#parts.at(-1);
    if (!last || now - last.startedAt >= rate.windowMs / PARTS) this.#parts.push({ startedAt: now, good: 0, all: 0 });
    const part = this.#parts.at(-1)!;
    part.all++;
    if (!failed) part.good++;
    this.#parts = this.#parts.filter(({ startedAt }) => now - startedAt < rate.windowMs);
    const all = this.#parts.reduce((sum, each) => sum + each.all, 0);
    const good = this.#parts.reduce((sum, each) => sum + each.good, 0);
    return all >= Math.max(1, rate.minRequests) && good / all < rate.threshold;
  }

  #trip(penaltyMs: number, retryAfterMs: number | undefined): void {
    const { minPenaltyMs, maxPenaltyMs, jitterRatio, honorRetryAfter } = this.#settings;
    const hinted = honorRetryAfter && retryAfterMs !== undefined ? Math.max(minPenaltyMs, retryAfterMs) : penaltyMs;
    const bounded = Math.min(hinted, maxPenaltyMs);
    const until = this.#clock.now() + bounded + Math.random() * jitterRatio * bounded;
    this.#open = { until, penaltyMs: bounded, trying: false };
  }
}

/** A Retry-After header in milliseconds; dates are not read. */
export function retryAfterOf(header: string | string[] | undefined): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) * 1_000 : undefined;
}
