import { type Due, TimerHeap } from './timer-heap.ts';

/**
 * All time in the academy passes through a {@link Clock}. The server runs on {@link WallClock}; an embedded cluster owns
 * a {@link MovableClock}, so that a certificate's year can pass in a second while every timer fires in order.
 * Instants are milliseconds since the Unix epoch, durations are milliseconds.
 */
export interface Clock {
  /** The present instant, ms since the epoch. */
  now(): number;
  /** Runs `fn` once after `delayMs` of this clock. The timer never keeps the process alive. */
  setTimeout(fn: () => void, delayMs: number, options?: TimerOptions): Timer;
  /** Runs `fn` every `periodMs` of this clock until cancelled. */
  setInterval(fn: () => void, periodMs: number, options?: TimerOptions): Timer;
  /** Resolves after `ms` of this clock; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal, options?: TimerOptions): Promise<void>;
  /**
   * Says that work goes on which takes no time of this clock (a handshake, a call); the returned function ends it. A
   * clock that is being moved waits for such work, as long as it makes progress, before it goes to the next instant.
   */
  hold?(): () => void;
}

export interface TimerOptions {
  /**
   * A clock that is being moved goes past this timer and fires it once it has arrived and rested there for a moment, so
   * that steps which follow each other at once are one move to it. For what is done again and again and would only be
   * done more often otherwise: heartbeats, probes, polls, a loop with a pause.
   */
  lazy?: boolean;
}

export interface Timer {
  cancel(): void;
}

function sleepOn(clock: Clock, ms: number, signal?: AbortSignal, options?: TimerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      ms,
      options,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** setTimeout of JavaScript overflows past 2^31-1 ms; longer waits are taken in several steps. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The host's clock. */
export class WallClock implements Clock {
  now(): number {
    return Date.now();
  }
  setTimeout(fn: () => void, delayMs: number): Timer {
    let handle: ReturnType<typeof setTimeout>;
    const arm = (left: number) => {
      handle =
        left > LONGEST_TIMEOUT_MS
          ? setTimeout(() => arm(left - LONGEST_TIMEOUT_MS), LONGEST_TIMEOUT_MS)
          : setTimeout(fn, left);
      handle.unref?.();
    };
    arm(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  }
  setInterval(fn: () => void, periodMs: number): Timer {
    const handle = setInterval(fn, periodMs);
    handle.unref?.();
    return { cancel: () => clearInterval(handle) };
  }
  sleep(ms: number, signal?: AbortSignal, options?: TimerOptions): Promise<void> {
    return sleepOn(this, ms, signal, options);
  }
}

/**
 * Held work that is still there after so many looks, by the wall's clock, is taken to wait for a timer of the clock itself. A
 * process that was not let run for a while counts that as one look: its work stood still as well.
 */
const MOST_LOOKS = 6;
const LOOK_MS = 100;
/** Wall time after a move until the lazy timers fire that it went past. */
const REST_MS = 20;

interface Entry extends Due {
  fn: () => void;
  lazy: boolean;
}

/**
 * A clock that runs with the wall's and can be moved forward. Timers are kept in order of their instant; moving the
 * clock fires every timer that falls due on the way, each at its own instant, and lets promise callbacks settle between
 * two instants, so that a chain (renew, then schedule the next renewal) unrolls as it would have in real time.
 */
export class MovableClock implements Clock {
  #offsetMs: number;
  #frozenAt: number | undefined;
  readonly #heap = new TimerHeap<Entry>();
  #order = 0;
  #handle: ReturnType<typeof setTimeout> | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  /** Lazy timers that a move went past. */
  readonly #passed = new Set<Entry>();
  #rest: ReturnType<typeof setTimeout> | undefined;
  readonly #holds = new Set<object>();
  readonly #stuck = new Set<object>();
  #wake: ((gaveUp: boolean) => void) | undefined;
  /** Looks at the held work that is waited for. */
  #looks = 0;
  readonly #wall: () => number;
  /** The last move that was asked for, and how many are not over. */
  #moving: Promise<void> = Promise.resolve();
  #moves = 0;

  constructor(options: { startAtMs?: number; wall?: () => number } = {}) {
    this.#wall = options.wall ?? Date.now;
    this.#offsetMs = options.startAtMs === undefined ? 0 : options.startAtMs - this.#wall();
  }

  now(): number {
    return this.#frozenAt ?? this.#wall() + this.#offsetMs;
  }

  /** How far this clock is ahead of the wall, ms. */
  get aheadMs(): number {
    return this.#offsetMs;
  }

  setTimeout(fn: () => void, delayMs: number, { lazy = false }: TimerOptions = {}): Timer {
    const entry: Entry = { at: this.now() + Math.max(0, delayMs), order: this.#order++, fn, lazy, index: -1 };
    this.#heap.add(entry);
    this.#arm();
    return {
      cancel: () => {
        this.#passed.delete(entry);
        this.#heap.remove(entry);
      },
    };
  }

  setInterval(fn: () => void, periodMs: number, options?: TimerOptions): Timer {
    let timer: Timer;
    const again = () => {
      timer = this.setTimeout(
        () => {
          again();
          fn();
        },
        periodMs,
        options,
      );
    };
    again();
    return { cancel: () => timer.cancel() };
  }

  sleep(ms: number, signal?: AbortSignal, options?: TimerOptions): Promise<void> {
    return sleepOn(this, ms, signal, options);
  }

  /**
   * Moves this clock `ms` forward, firing due timers in order. Resolves when the last of them has run and the work that
   * they started has had `settle` (default: a turn of the event loop) to finish. Moves follow one after the other.
   */
  async advance(ms: number, settle: () => Promise<void> = turn): Promise<void> {
    if (ms < 0) throw new RangeError('a clock only moves forward');
    const move = () => this.#move(ms, settle);
    this.#moving = this.#moves++ === 0 ? move() : this.#moving.then(move, move);
    try {
      await this.#moving;
    } finally {
      this.#moves--;
    }
  }

  async #move(ms: number, settle: () => Promise<void>): Promise<void> {
    const target = this.now() + ms;
    this.#frozenAt = this.now();
    // From here on timers fire from the loop below, one instant after the other.
    this.#disarm();
    clearTimeout(this.#rest);
    // One for the whole move: a timer a wait would cost as much as what is waited for.
    const watchdog = setInterval(() => {
      if (++this.#looks >= MOST_LOOKS) this.#wake?.(true);
    }, LOOK_MS);
    try {
      await this.#quiet(settle);
      for (let next = this.#heap.first; next && next.at <= target; next = this.#heap.first) {
        this.#heap.remove(next);
        if (next.lazy) {
          this.#passed.add(next);
          continue;
        }
        this.#frozenAt = Math.max(this.#frozenAt, next.at);
        next.fn();
        await this.#quiet(settle);
      }
    } finally {
      clearInterval(watchdog);
      this.#offsetMs = target - this.#wall();
      this.#frozenAt = undefined;
      this.#arm();
      if (this.#passed.size > 0) this.#rest = setTimeout(() => this.#firePassed(), REST_MS).unref();
    }
  }

  #firePassed(): void {
    for (const entry of this.#passed) this.#heap.add(entry);
    this.#passed.clear();
    this.#arm();
  }

  hold(): () => void {
    const token = {};
    this.#holds.add(token);
    return () => {
      if (!this.#holds.delete(token)) return;
      this.#stuck.delete(token);
      this.#wake?.(false);
    };
  }

  /** Lets work settle, and waits for held work; what does not end by itself waits for this clock and is left alone. */
  async #quiet(settle: () => Promise<void>): Promise<void> {
    await settle();
    while (this.#holds.size > this.#stuck.size) {
      this.#looks = 0;
      const gaveUp = await new Promise<boolean>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
      if (gaveUp) for (const token of this.#holds) this.#stuck.add(token);
      await settle();
    }
  }

  /** Stops every timer; the clock can still be read. */
  stop(): void {
    this.#heap.clear();
    this.#passed.clear();
    clearTimeout(this.#rest);
    this.#disarm();
  }

  #disarm(): void {
    clearTimeout(this.#handle);
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const next = this.#heap.first;
    if (this.#frozenAt !== undefined) return;
    if (!next) return this.#disarm();
    if (next.at === this.#armedFor) return;
    clearTimeout(this.#handle);
    this.#armedFor = next.at;
    this.#handle = setTimeout(
      () => {
        this.#armedFor = Number.POSITIVE_INFINITY;
        this.#fireDue();
      },
      Math.min(Math.max(0, next.at - this.now()), LONGEST_TIMEOUT_MS),
    );
    this.#handle.unref?.();
  }

  #fireDue(): void {
    const now = this.now();
    for (let next = this.#heap.first; next && next.at <= now; next = this.#heap.first) {
      this.#heap.remove(next);
      try {
        next.fn();
      } catch (error) {
        this.#arm();
        throw error;
      }
    }
    this.#arm();
  }
}

/** Another clock's time for programs whose every timer is lazy: they sleep through a move of the clock. */
export function lazyClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    setTimeout: (fn, delayMs) => clock.setTimeout(fn, delayMs, { lazy: true }),
    setInterval: (fn, periodMs) => clock.setInterval(fn, periodMs, { lazy: true }),
    sleep: (ms, signal) => clock.sleep(ms, signal, { lazy: true }),
    ...(clock.hold ? { hold: () => clock.hold!() } : {}),
  };
}

/** One full turn of the event loop: promise callbacks, then I/O and immediates. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
