/** Normal quantiles of the two-sided confidences that a check may ask for. */
export const Z = { 0.95: 1.96, 0.99: 2.576, 0.999: 3.291 } as const;

/** Wilson's score interval: between which bounds the true share lies when `count` of `total` were seen. */
export function wilson(count: number, total: number, z: number): { low: number; high: number } {
  if (total === 0) return { low: 0, high: 1 };
  const share = count / total;
  const z2 = z * z;
  const middle = (share + z2 / (2 * total)) / (1 + z2 / total);
  const half = (z / (1 + z2 / total)) * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total * total));
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** The value below which a share of the sorted numbers lies; NaN of none. */
export function quantileOf(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

/**
 * The quantile of a Prometheus histogram whose buckets are cumulative, by bound (`le`), interpolated within the bucket
 * as Prometheus does. NaN when it counted nothing; the last finite bound when the quantile lies above it.
 */
export function histogramQuantile(buckets: ReadonlyMap<number, number>, share: number): number {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return Number.NaN;
  const rank = share * total;
  let below = 0;
  let lower = 0;
  for (const [bound, count] of sorted) {
    if (count >= rank) {
      if (!Number.isFinite(bound)) return lower;
      return count === below ? bound : lower + ((bound - lower) * (rank - below)) / (count - below);
    }
    below = count;
    lower = bound;
  }
  return lower;
}
