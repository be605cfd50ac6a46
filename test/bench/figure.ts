/** One measured figure beside what is asked of it. `bar` undefined: printed for the record. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  bar?: number;
  /** `most`: the value must not exceed the bar; `least`: it must reach it. */
  sense?: 'most' | 'least';
}

export const percentile = (values: number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
};
