import { boundsOf, headLines, isFloat, LATENCY_MS } from './families.ts';

export type Labels = Record<string, string>;

/** Hardly any value needs it. */
const escaped = (value: string): string =>
  /["\\\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;

/** `{a="b",c="d"}`, in the order given. */
export function renderLabels(labels: Labels): string {
  const parts: string[] = [];
  for (const name in labels) parts.push(`${name}="${escaped(labels[name]!)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

const keyOf = (labels: Labels | string): string => (typeof labels === 'string' ? labels : renderLabels(labels));

const float = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/** How often a value was at most so large, in one series. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: Uint32Array;
  sum = 0;
  total = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Uint32Array(bounds.length);
  }

  /** In the family's unit. */
  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    if (bucket < bounds.length) this.counts[bucket]!++;
    this.sum += value;
    this.total++;
  }
}

/** The value of `key`, made where there is none. */
function held<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

const newMap = <T>() => new Map<string, T>();

/** Counters, gauges and latencies of one proxy. Nothing is held for a series before its first use. */
export class Metrics {
  readonly #values = new Map<string, Map<string, number>>();
  readonly #latencies = new Map<string, Map<string, Histogram>>();
  readonly #histograms = new Map<string, Map<string, Histogram>>();
  readonly #collectors = new Set<() => void>();

  /** Calls `collector` before each rendering, for gauges that are only then worth computing. */
  collect(collector: () => void): () => void {
    this.#collectors.add(collector);
    return () => this.#collectors.delete(collector);
  }

  add(name: string, labels: Labels | string, amount = 1): void {
    const key = keyOf(labels);
    const series = held<Map<string, number>>(this.#values, name, newMap);
    series.set(key, (series.get(key) ?? 0) + amount);
  }

  set(name: string, value: number, labels: Labels | string = ''): void {
    held<Map<string, number>>(this.#values, name, newMap).set(keyOf(labels), value);
  }

  get(name: string, labels: Labels): number {
    return this.#values.get(name)?.get(renderLabels(labels)) ?? 0;
  }

  /** One observation of a family that counts in milliseconds. */
  observe(name: string, labels: Labels | string, ms: number): void {
    const series = held<Map<string, Histogram>>(this.#latencies, name, newMap);
    held(series, keyOf(labels), () => new Histogram(LATENCY_MS)).observe(Math.round(ms));
  }

  /** The series of a newer family, there from now on; it counts in the unit that its name ends with. */
  histogram(name: string, labels: Labels | string): Histogram {
    const series = held<Map<string, Histogram>>(this.#histograms, name, newMap);
    return held(series, keyOf(labels), () => new Histogram(boundsOf(name)));
  }

  /** One observation of such a family that counts in seconds. */
  observeSeconds(name: string, labels: Labels | string, ms: number): void {
    this.histogram(name, labels).observe(ms / 1000);
  }

  /** Prometheus text, without what the caller knows itself. */
  render(): string {
    for (const collector of this.#collectors) collector();
    const out: string[] = [];
    for (const [name, series] of this.#values) {
      out.push(...headLines(name, name.endsWith('_total') ? 'counter' : 'gauge'));
      const print = isFloat(name) ? float : String;
      for (const [labels, value] of series) out.push(`${name}${labels} ${print(value)}`);
    }
    for (const [name, series] of this.#latencies) {
      out.push(...headLines(name, 'histogram'));
      for (const [labels, { bounds, counts, sum, total }] of series) {
        const open = labels === '' ? '{' : `${labels.slice(0, -1)},`;
        let below = 0;
        bounds.forEach((bound, index) => {
          below += counts[index]!;
          out.push(`${name}_bucket${open}le="${bound}"} ${below}`);
        });
        out.push(`${name}_bucket${open}le="+Inf"} ${total}`, `${name}_count${labels} ${total}`);
        out.push(`${name}_sum${labels} ${sum}`);
      }
    }
    for (const [name, series] of this.#histograms) {
      out.push(...headLines(name, 'histogram'));
      for (const [labels, { bounds, counts, sum, total }] of series) {
        const rest = labels === '' ? '}' : `,${labels.slice(1)}`;
        out.push(`${name}_sum${labels} ${float(sum)}`, `${name}_count${labels} ${total}`);
        let below = 0;
        bounds.forEach((bound, index) => {
          below += counts[index]!;
          out.push(`${name}_bucket{le="${float(bound)}"${rest} ${below}`);
        });
        out.push(`${name}_bucket{le="+Inf"${rest} ${total}`);
      }
    }
    return `${out.join('\n')}\n`;
  }
}
