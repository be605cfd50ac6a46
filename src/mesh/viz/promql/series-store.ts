import type { SeriesLabels } from './exposition.ts';

/** Written where a series ended: from there on it has no value. */
export const STALE = Number.NaN;

export interface Series {
  labels: SeriesLabels;
  /** ms, ascending; `values` has one for each. */
  times: number[];
  values: number[];
}

export interface Matcher {
  label: string;
  op: '=' | '!=' | '=~' | '!~';
  matches(value: string): boolean;
  value: string;
}

const keyOf = (labels: SeriesLabels): string =>
  Object.keys(labels)
    .sort()
    .map((name) => `${name}\xff${labels[name]}`)
    .join('\xfe');

/** Series with what was measured of them lately, all in memory. */
export class SeriesStore {
  readonly #retentionMs: number;
  readonly #most: number;
  readonly #series = new Map<string, Series>();
  readonly #byName = new Map<string, Map<string, Series>>();

  /** `most` series at the same time; what comes beyond is refused. */
  constructor({ retentionMs, most = 200_000 }: { retentionMs: number; most?: number }) {
    this.#retentionMs = retentionMs;
    this.#most = most;
  }

  get size(): number {
    return this.#series.size;
  }

  /** The series of these labels, made when it is new. Throws when there are too many. */
  series(labels: SeriesLabels): Series {
    const key = keyOf(labels);
    const old = this.#series.get(key);
    if (old) return old;
    if (this.#series.size >= this.#most) throw new Error(`more than ${this.#most} series`);
    const made: Series = { labels, times: [], values: [] };
    this.#series.set(key, made);
    const name = labels['__name__'] ?? '';
    let named = this.#byName.get(name);
    if (!named) {
      named = new Map();
      this.#byName.set(name, named);
    }
    named.set(key, made);
    return made;
  }

  append({ times, values }: Series, at: number, value: number): void {
    times.push(at);
    values.push(value);
    // Cut in pieces: taking the first off each time costs the most where there is most.
    if (times.length > 64 && times[32]! < at - this.#retentionMs) {
      times.splice(0, 32);
      values.splice(0, 32);
    }
  }

  select(matchers: Matcher[]): Series[] {
    const name = matchers.find(({ label, op }) => label === '__name__' && op === '=');
    const among = name ? this.#byName.get(name.value) : this.#series;
    if (!among) return [];
    const rest = matchers.filter((each) => each !== name);
    return [...among.values()].filter(({ labels }) => rest.every(({ label, matches }) => matches(labels[label] ?? '')));
  }

  /** Forgets what nobody has written for as long as it is kept. */
  prune(now: number): void {
    for (const [key, { labels, times }] of this.#series) {
      if ((times.at(-1) ?? 0) >= now - this.#retentionMs) continue;
      this.#series.delete(key);
      const name = labels['__name__'] ?? '';
      const named = this.#byName.get(name);
      named?.delete(key);
      if (named?.size === 0) this.#byName.delete(name);
    }
  }
}
