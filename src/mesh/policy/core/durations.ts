const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads durations as policy annotations and route timeouts write them: whole numbers with units, one or several
 * (`300ms`, `1m30s`), or `0`. Undefined for anything else; milliseconds.
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  if (!/^(\d+(ms|[smhd]))+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+)(ms|[smhd])/g)) total += Number(amount) * UNITS[unit!]!;
  return total;
}

/** Reads a duration of an annotation: one whole number and one unit. Throws what the policy controller says of anything else. */
export function annotationDuration(raw: string): number {
  const text = raw.trim();
  if (text.startsWith('-')) throw new Error(`duration value cannot be negative: '${text}'`);
  const [, amount, unit] = /^(.*\d)(\D*)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) throw new Error(`${text} does not contain a timeout duration value`);
  if (amount.includes('.')) throw new Error('fractional values not supported');
  if (!/^\d+$/.test(amount)) throw new Error('invalid digit found in string');
  if (unit === '') {
    if (Number(amount) === 0) return 0;
    throw new Error(`missing duration unit; did you mean '${amount}s' or '${amount}ms'?`);
  }
  const factor = UNITS[unit];
  if (!factor) throw new Error(`invalid duration unit ${unit} (expected one of 'ms', 's', 'm', 'h', or 'd')`);
  return Number(amount) * factor;
}
