import type { Clock, Timer } from '#base/clock.ts';

/** A restart of the server must know the end to within this. */
const TOLD_EVERY_MS = 60_000;

export interface IdleEndOptions {
  clock: Clock;
  idleMs: number;
  /** How long before the end the learner is warned. */
  warningMs: number;
  /** The end as a restart needs to know it; told at most once a minute. */
  keep(endsAt: number): void;
  warn(leftMs: number): void;
  /** What was warned of is put off. */
  putOff(): void;
  end(): void;
}

/** The end of a session that nobody touches: moved by everything a learner does, announced before it comes. */
export class IdleEnd {
  readonly #o: IdleEndOptions;
  #timer: Timer | undefined;
  #warned = false;
  #keptAt = Number.NEGATIVE_INFINITY;
  /** When an untouched session ends, ms since the epoch. */
  at: number;

  constructor(options: IdleEndOptions) {
    this.#o = options;
    this.at = options.clock.now() + options.idleMs;
  }

  /** The learner did something. */
  touch(): void {
    const { clock, idleMs, warningMs, keep, putOff } = this.#o;
    const now = clock.now();
    this.at = now + idleMs;
    if (now - this.#keptAt >= TOLD_EVERY_MS) {
      this.#keptAt = now;
      keep(this.at);
    }
    this.#timer?.cancel();
    this.#timer = clock.setTimeout(() => this.#warn(), Math.max(0, idleMs - warningMs));
    if (!this.#warned) return;
    this.#warned = false;
    putOff();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #warn(): void {
    const { clock, warn, end } = this.#o;
    const left = Math.max(0, this.at - clock.now());
    this.#warned = true;
    this.#timer = clock.setTimeout(end, left);
    warn(left);
  }
}

/** What a learner is told who has typed nothing for a while. */
export const idleWarning = (leftMs: number): string =>
  `Nothing was typed for a while. This session ends in ${spokenMinutes(leftMs)}. Press any key or Extend to keep it.`;

function spokenMinutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}
