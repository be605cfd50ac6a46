import { describe, expect, it } from 'vitest';
import { histogramQuantile, quantileOf, wilson } from '#grader/probes/statistics.ts';

describe('Wilson’s interval', () => {
  it.each([
    // Values of R's binom::binom.wilson.
    [10, 100, 1.96, 0.0552, 0.1744],
    [0, 20, 1.96, 0, 0.1611],
    [20, 20, 1.96, 0.8389, 1],
  ])('of %d in %d', (count, total, z, low, high) => {
    const interval = wilson(count, total, z);
    expect(interval.low).toBeCloseTo(low, 3);
    expect(interval.high).toBeCloseTo(high, 3);
  });
  it('of nothing is everything', () => expect(wilson(0, 0, 1.96)).toEqual({ low: 0, high: 1 }));
});

describe('quantiles', () => {
  it('of numbers', () => {
    expect(quantileOf([3, 1, 2, 4], 0.5)).toBe(2);
    expect(quantileOf([3, 1, 2, 4], 0.99)).toBe(4);
    expect(quantileOf([], 0.5)).toBeNaN();
  });
  it('of a histogram, interpolated within the bucket', () => {
    const buckets = new Map([
      [10, 50],
      [100, 90],
      [Number.POSITIVE_INFINITY, 100],
    ]);
    expect(histogramQuantile(buckets, 0.5)).toBe(10);
    expect(histogramQuantile(buckets, 0.7)).toBe(55);
    expect(histogramQuantile(buckets, 0.99)).toBe(100);
    expect(histogramQuantile(new Map(), 0.5)).toBeNaN();
  });
});
