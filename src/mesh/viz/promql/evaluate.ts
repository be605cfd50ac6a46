import type { SeriesLabels } from './exposition.ts';
import { type Expression, parseQuery, QueryError } from './parse.ts';
import type { Matcher, Series, SeriesStore } from './series-store.ts';

export interface Sample {
  labels: SeriesLabels;
  value: number;
}
export type Result =
  | { type: 'scalar'; value: number }
  | { type: 'vector'; samples: Sample[] }
  | { type: 'matrix'; series: { labels: SeriesLabels; points: [at: number, value: number][] }[] };

/** How far back an instant looks for a value. */
const LOOKBACK_MS = 5 * 60_000;

/** Evaluates a query at an instant. Throws a QueryError where it makes no sense. */
export function query(store: SeriesStore, text: string, at: number): Result {
  return evaluate(store, parseQuery(text), at);
}

function evaluate(store: SeriesStore, expression: Expression, at: number): Result {
  switch (expression.kind) {
    case 'number':
      return { type: 'scalar', value: expression.value };
    case 'selector': {
      const { matchers, rangeMs, offsetMs = 0 } = expression;
      if (rangeMs === undefined) return { type: 'vector', samples: instant(store, matchers, at - offsetMs) };
      const end = at - offsetMs;
      const series = store
        .select(matchers)
        .map((each) => ({ labels: each.labels, points: within(each, end, rangeMs) }));
      return { type: 'matrix', series: series.filter(({ points }) => points.length > 0) };
    }
    case 'aggregate': {
      const { op, grouping, labels } = expression;
      return { type: 'vector', samples: aggregate(vector(store, expression.of, at, op), op, grouping, labels) };
    }
    case 'call':
      return { type: 'vector', samples: call(store, expression.name, expression.args, at) };
    case 'binary':
      return binary(expression.op, evaluate(store, expression.left, at), evaluate(store, expression.right, at));
  }
}

function vector(store: SeriesStore, expression: Expression, at: number, where: string): Sample[] {
  const found = evaluate(store, expression, at);
  if (found.type === 'vector') return found.samples;
  throw new QueryError(`parse error: expected type instant vector in ${where}, got ${nameOf(found)}`);
}

const nameOf = ({ type }: Result): string => (type === 'matrix' ? 'range vector' : type);

/** Index of the last sample that is not after `at`; -1 when there is none. */
function lastBefore(times: number[], at: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function instant(store: SeriesStore, matchers: Matcher[], at: number): Sample[] {
  return store.select(matchers).flatMap(({ labels, times, values }) => {
    const index = lastBefore(times, at);
    if (index < 0 || times[index]! <= at - LOOKBACK_MS || Number.isNaN(values[index]!)) return [];
    return [{ labels, value: values[index]! }];
  });
}

function within({ times, values }: Series, end: number, rangeMs: number): [at: number, value: number][] {
  const points: [number, number][] = [];
  for (let index = lastBefore(times, end); index >= 0 && times[index]! > end - rangeMs; index--) {
    if (!Number.isNaN(values[index]!)) points.push([times[index]!, values[index]!]);
  }
  return points.reverse();
}

const withoutName = ({ __name__, ...labels }: SeriesLabels): SeriesLabels => labels;

function aggregate(samples: Sample[], op: string, grouping: 'by' | 'without', names: string[]): Sample[] {
  const groups = new Map<string, { labels: SeriesLabels; values: number[] }>();
  for (const { labels, value } of samples) {
    const kept: SeriesLabels = {};
    if (grouping === 'by') {
      for (const name of names) if (labels[name]) kept[name] = labels[name];
    } else {
      for (const name in labels) if (name !== '__name__' && !names.includes(name)) kept[name] = labels[name]!;
    }
    const key = signature(kept);
    const group = groups.get(key);
    if (group) group.values.push(value);
    else groups.set(key, { labels: kept, values: [value] });
  }
  const total = (values: number[]) => values.reduce((sum, each) => sum + each, 0);
  const combine: Record<string, (values: number[]) => number> = {
    sum: total,
    avg: (values) => total(values) / values.length,
    min: (values) => Math.min(...values),
    max: (values) => Math.max(...values),
    count: (values) => values.length,
  };
  return [...groups.values()].map(({ labels, values }) => ({ labels, value: combine[op]!(values) }));
}

const signature = (labels: SeriesLabels): string =>
  Object.keys(labels)
    .sort()
    .map((name) => `${name}\xff${labels[name]}`)
    .join('\xfe');

function call(store: SeriesStore, name: string, args: Expression[], at: number): Sample[] {
  const expected = name === 'histogram_quantile' ? 2 : 1;
  if (args.length !== expected) {
    throw new QueryError(`expected ${expected} argument(s) in call to ${JSON.stringify(name)}, got ${args.length}`);
  }
  if (name === 'histogram_quantile') {
    const q = evaluate(store, args[0]!, at);
    if (q.type !== 'scalar') throw new QueryError(`expected type scalar in call to "${name}", got ${nameOf(q)}`);
    return histogramQuantile(q.value, vector(store, args[1]!, at, `call to "${name}"`));
  }
  const argument = args[0]!;
  if (argument.kind !== 'selector' || argument.rangeMs === undefined) {
    throw new QueryError(`expected type range vector in call to ${JSON.stringify(name)}, got something else`);
  }
  const { rangeMs, offsetMs = 0 } = argument;
  const found = evaluate(store, argument, at);
  if (found.type !== 'matrix') return [];
  return found.series.flatMap(({ labels, points }) => {
    const value = name === 'irate' ? lastRate(points) : extrapolated(points, at - offsetMs, rangeMs);
    if (value === undefined) return [];
    return [{ labels: withoutName(labels), value: name === 'rate' ? value / (rangeMs / 1000) : value }];
  });
}

/** Growth a second between the last two points; a counter that fell began anew. */
function lastRate(points: [number, number][]): number | undefined {
  const [before, last] = points.slice(-2);
  if (!before || !last || last[0] === before[0]) return undefined;
  const growth = last[1] < before[1] ? last[1] : last[1] - before[1];
  return growth / ((last[0] - before[0]) / 1000);
}

/** Growth of a counter over a range, carried on to its ends where the points come near them, as Prometheus does. */
function extrapolated(points: [number, number][], end: number, rangeMs: number): number | undefined {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last || points.length < 2) return undefined;
  let growth = last[1] - first[1];
  for (let i = 1; i < points.length; i++) if (points[i]![1] < points[i - 1]![1]) growth += points[i - 1]![1];
  const sampled = last[0] - first[0];
  const average = sampled / (points.length - 1);
  let toStart = first[0] - (end - rangeMs);
  let toEnd = end - last[0];
  if (toStart >= average * 1.1) toStart = average / 2;
  // A counter is never less than zero: it can't have grown from before that.
  if (growth > 0 && first[1] >= 0) toStart = Math.min(toStart, sampled * (first[1] / growth));
  if (toEnd >= average * 1.1) toEnd = average / 2;
  return growth * ((sampled + toStart + toEnd) / sampled);
}

function histogramQuantile(q: number, samples: Sample[]): Sample[] {
  const groups = new Map<string, { labels: SeriesLabels; buckets: Map<number, number> }>();
  for (const { labels, value } of samples) {
    const { le, __name__, ...rest } = labels;
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    if (le === undefined || Number.isNaN(bound)) continue;
    const key = signature(rest);
    const group = groups.get(key) ?? { labels: rest, buckets: new Map<number, number>() };
    group.buckets.set(bound, (group.buckets.get(bound) ?? 0) + value);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ labels, buckets }) => ({ labels, value: bucketQuantile(q, buckets) }));
}

/** Linear within the bucket that holds the quantile; NaN without observations. */
export function bucketQuantile(q: number, buckets: Map<number, number>): number {
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
  if (sorted.length < 2 || sorted.at(-1)![0] !== Number.POSITIVE_INFINITY) return Number.NaN;
  const total = sorted.at(-1)![1];
  if (total === 0) return Number.NaN;
  const rank = q * total;
  const index = sorted.findIndex(([, count]) => count >= rank);
  if (index === sorted.length - 1) return sorted[index - 1]![0];
  const [bound, count] = sorted[index]!;
  if (index === 0 && bound <= 0) return bound;
  const [lower, below] = index === 0 ? [0, 0] : sorted[index - 1]!;
  return lower + ((bound - lower) * (rank - below)) / (count - below);
}

const OPERATORS: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};
const COMPARISONS: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};

/** Vectors meet where their labels are the same; comparisons keep what holds. */
function binary(op: string, left: Result, right: Result): Result {
  if (left.type === 'matrix' || right.type === 'matrix')
    throw new QueryError('binary expression must contain only scalar and instant vector types');
  const operate = OPERATORS[op];
  const compare = COMPARISONS[op];
  if (left.type === 'scalar' && right.type === 'scalar') {
    if (!operate) throw new QueryError('comparisons between scalars must use BOOL modifier');
    return { type: 'scalar', value: operate(left.value, right.value) };
  }
  const pairs: { sample: Sample; a: number; b: number }[] = [];
  if (left.type === 'vector' && right.type === 'vector') {
    const others = new Map(right.samples.map(({ labels, value }) => [signature(withoutName(labels)), value]));
    for (const sample of left.samples) {
      const b = others.get(signature(withoutName(sample.labels)));
      if (b !== undefined) pairs.push({ sample, a: sample.value, b });
    }
  } else if (left.type === 'vector') {
    const b = (right as { value: number }).value;
    for (const sample of left.samples) pairs.push({ sample, a: sample.value, b });
  } else {
    const a = (left as { value: number }).value;
    for (const sample of (right as { samples: Sample[] }).samples) pairs.push({ sample, a, b: sample.value });
  }
  const samples = compare
    ? pairs.filter(({ a, b }) => compare(a, b)).map(({ sample }) => sample)
    : pairs.map(({ sample, a, b }) => ({ labels: withoutName(sample.labels), value: operate!(a, b) }));
  return { type: 'vector', samples };
}
