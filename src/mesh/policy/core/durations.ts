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
