import type { KubeObject } from '#kube/api/types.ts';
import { proxyOf } from '#mesh/check/world.ts';
import { fetchMetrics } from '../metrics-fetch.ts';
import type { Invocation } from '../verb.ts';

/** One line of a Prometheus exposition. */
export interface Series {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Reads the text format; comments are left out. */
export function parseMetrics(text: string): Map<string, Series> {
  const out = new Map<string, Series>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(\{.*\})? ([^ ]+)/.exec(line);
    if (!match) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[name!] = value!.replace(/\\(.)/g, '$1');
    }
    out.set(`${match[1]}${match[2] ?? ''}`, { name: match[1]!, labels, value: Number(match[3]) });
  }
  return out;
}

/** What happened on one pod's proxy between two looks at it. */
export interface Sample {
  pod: KubeObject;
  seconds: number;
  /** Growth of counters in the window, and present values of gauges. */
  series: Series[];
}

/** How long is watched. The real viz asks Prometheus about the last minute; here the proxies are read twice. */
export const WINDOW_MS = 2_000;

const isCounter = (name: string): boolean => /(_total|_bucket|_sum|_count)$/.test(name);

/** Reads the proxies of the pods twice, a window apart. Pods without a proxy, or that don't answer, are left out. */
export async function sample(invocation: Invocation, pods: KubeObject[]): Promise<Sample[]> {
  const meshed = pods.filter((pod) => proxyOf(pod) && pod.status?.phase === 'Running');
  const read = () =>
    Promise.all(
      meshed.map((pod) =>
        fetchMetrics(invocation, pod, 4191).then(
          (text) => ({ at: invocation.clock.now(), series: parseMetrics(text) }),
          () => undefined,
        ),
      ),
    );
  const before = await read();
  await invocation.clock.sleep(WINDOW_MS, invocation.context.signal);
  const after = await read();
  return meshed.flatMap((pod, i) => {
    const [first, second] = [before[i], after[i]];
    if (!first || !second) return [];
    const series = [...second.series].map(([key, each]) =>
      isCounter(each.name) ? { ...each, value: each.value - (first.series.get(key)?.value ?? 0) } : each,
    );
    return [{ pod, seconds: (second.at - first.at) / 1000, series }];
  });
}

export interface Rates {
  success: number;
  failure: number;
  seconds: number;
  /** Cumulative counts by upper bound, ms. */
  buckets: Map<number, number>;
}

/** Adds up responses and latencies of the series that `keep` takes. */
export function rates(samples: Sample[], keep: (series: Series) => boolean): Rates {
  const out: Rates = { success: 0, failure: 0, seconds: 0, buckets: new Map() };
  for (const { series, seconds } of samples) {
    out.seconds = Math.max(out.seconds, seconds);
    for (const each of series) {
      if (each.name === 'response_total' && keep(each)) {
        if (each.labels['classification'] === 'failure') out.failure += each.value;
        else out.success += each.value;
      } else if (each.name === 'response_latency_ms_bucket' && keep(each)) {
        const bound = each.labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(each.labels['le']);
        out.buckets.set(bound, (out.buckets.get(bound) ?? 0) + each.value);
      }
    }
  }
  return out;
}

/** histogram_quantile: linear within the bucket that holds the quantile; undefined without observations. */
export function quantile(buckets: Map<number, number>, q: number): number | undefined {
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  const rank = q * total;
  let [lower, below] = [0, 0];
  for (const [bound, count] of sorted) {
    if (count >= rank) {
      if (bound === Number.POSITIVE_INFINITY) return lower;
      return lower + ((bound - lower) * (rank - below)) / Math.max(count - below, 1e-9);
    }
    [lower, below] = [bound, count];
  }
  return lower;
}

/** SUCCESS, RPS and three latencies as viz prints them; dashes when nothing happened. */
export function rateCells(each: Rates): string[] {
  const total = each.success + each.failure;
  if (total === 0) return ['-', '-', '-', '-', '-'];
  const latency = (q: number) => `${Math.round(quantile(each.buckets, q) ?? 0)}ms`;
  return [
    `${((100 * each.success) / total).toFixed(2)}%`,
    `${(total / each.seconds).toFixed(1)}rps`,
    latency(0.5),
    latency(0.95),
    latency(0.99),
  ];
}

/** The first `left` columns to the left, the others to the right, three spaces between. */
export function vizTable(header: string[], rows: string[][], left = 1): string {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => [...(row[i] ?? '')].length)));
  return all
    .map((row) => {
      const cells = row.map((cell, i) => (i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
      return `${cells.join('   ').trimEnd()}\n`;
    })
    .join('');
}
