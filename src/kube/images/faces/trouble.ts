import type { ContainerContext } from '../program.ts';

/** How a workload of the set answers a request, before it looks at what is asked. */
export interface Verdict {
  /** 200, 429 (too fast), 500 (error fraction) or 599 (latched). */
  status: number;
  message: string;
}

const UNLATCH_AFTER_MS = 30_000;
const RATE_WINDOW_MS = 10_000;

const integer = (text: string | undefined): number => Number.parseInt(text ?? '', 10) || 0;
const percentage = (text: string | undefined): number => Math.min(100, Math.max(0, integer(text)));

/** The set's deliberate faults, each from an environment variable: delays, errors, latching, a highest rate. */
export class Trouble {
  readonly #context: ContainerContext;
  readonly #name: string;
  readonly #delays: number[];
  readonly #errorFraction: number;
  readonly #latchFraction: number;
  readonly #maxRate: number;
  readonly #recent: number[] = [];
  #latched = false;
  #lastRequestAt: number;

  constructor(context: ContainerContext, name: string) {
    const { env } = context;
    this.#context = context;
    this.#name = name;
    this.#delays = (env['DELAY_BUCKETS'] ?? '')
      .split(',')
      .filter((word) => /^-?\d+$/.test(word.trim()))
      .map((word) => Math.max(0, Number(word)));
    this.#errorFraction = percentage(env['ERROR_FRACTION']);
    this.#latchFraction = percentage(env['LATCH_FRACTION']);
    this.#maxRate = Number.parseFloat(env['MAX_RATE'] ?? '') || 0;
    this.#lastRequestAt = context.clock.now();
  }

  describe(): string[] {
    return [
      `booted on ${this.host}`,
      `delay_buckets [${this.#delays.join(' ')}]`,
      `error_fraction ${this.#errorFraction}`,
      `latch_fraction ${this.#latchFraction}`,
      `max_rate ${this.#maxRate.toFixed(6)}`,
    ];
  }

  get host(): string {
    return this.#context.env['HOST_IP'] ?? this.#context.env['HOSTNAME'] ?? 'unknown';
  }

  async verdict(signal: AbortSignal): Promise<Verdict> {
    const { clock } = this.#context;
    if (this.#latched && clock.now() - this.#lastRequestAt > UNLATCH_AFTER_MS) this.#latched = false;
    this.#lastRequestAt = clock.now();
    const verdict = this.#judge();
    if (this.#delays.length > 0) {
      await clock.sleep(this.#delays[Math.floor(Math.random() * this.#delays.length)]!, signal).catch(() => {});
    }
    return verdict;
  }

  #judge(): Verdict {
    const now = this.#context.clock.now();
    if (this.#maxRate >= 0.1) {
      this.#recent.push(now);
      while (this.#recent[0]! <= now - RATE_WINDOW_MS) this.#recent.shift();
      const rate = this.#recent.length / (RATE_WINDOW_MS / 1_000);
      if (rate >= this.#maxRate) {
        const message = `Rate limited (${rate.toFixed(1)} RPS > max ${this.#maxRate.toFixed(1)} RPS)`;
        return { status: 429, message };
      }
    }
    if (this.#latched) return { status: 599, message: 'Latched into error state' };
    // Inclusive, as in the original: a fraction of 20 gives 21 %.
    if (this.#errorFraction > 0 && Math.floor(Math.random() * 100) <= this.#errorFraction) {
      if (this.#latchFraction > 0 && Math.floor(Math.random() * 100) <= this.#latchFraction) {
        this.#latched = true;
        return { status: 599, message: 'Latched into error state' };
      }
      return { status: 500, message: `${this.#name} error! (error fraction ${this.#errorFraction}%)` };
    }
    return { status: 200, message: '' };
  }
}

const SMILEYS: Record<string, string> = {
  Grinning: '&#x1F603;',
  Sleeping: '&#x1F634;',
  Cursing: '&#x1F92C;',
  Kaboom: '&#x1F92F;',
  HeartEyes: '&#x1F60D;',
  Neutral: '&#x1F610;',
  RollingEyes: '&#x1F644;',
  Screaming: '&#x1F631;',
  Vomiting: '&#x1F92E;',
};

const COLORS: Record<string, string> = {
  grey: '#BBBBBB',
  black: '#000000',
  white: '#FFFFFF',
  darkblue: '#4477AA',
  blue: '#66CCEE',
  green: '#228833',
  yellow: '#CCBB44',
  red: '#EE6677',
  purple: '#AA3377',
};

/** The HTML entity of a smiley by its name, `U+1F603`, or itself; undefined when it is none. */
export function smileyOf(name: string): string | undefined {
  if (SMILEYS[name]) return SMILEYS[name];
  if (name.startsWith('&#x') || /[^\x00-\x7f]/.test(name)) return name;
  return name.startsWith('U+') ? `${name.replace('U+', '&#x')};` : undefined;
}

/** A colour by its name or as `#rrggbb`; yellow for what is neither. */
export function colorOf(name: string): string {
  return COLORS[name] ?? (name.startsWith('#') ? name : COLORS['yellow']!);
}

/** What the face workload shows for a backend's failure. */
export function shownFor(backend: 'smiley' | 'color', status: number): string {
  if (backend === 'smiley') return SMILEYS[status === 504 ? 'Sleeping' : status === 429 ? 'Kaboom' : 'Cursing']!;
  return COLORS[status === 504 ? 'red' : status === 429 ? 'yellow' : 'grey']!;
}
