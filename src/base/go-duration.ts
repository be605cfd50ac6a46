const UNIT_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads what Go's time.ParseDuration reads (`24h0m0s`, `100ms`), as milliseconds; undefined when it is no duration. */
export function parseGoDuration(text: string | undefined): number | undefined {
  const trimmed = (text ?? '').trim();
  if (trimmed === '0') return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * UNIT_MS[unit!]!;
  }
  return total;
}

/** Why Go's time.ParseDuration does not read a text, in its words; undefined when it does. */
export function goDurationProblem(text: string): string | undefined {
  if (text !== '' && parseGoDuration(text) !== undefined) return undefined;
  const quoted = JSON.stringify(text);
  let rest = text.replace(/^[-+]/, '');
  while (rest !== '') {
    const [all = '', unit] = /^(?:\d+\.?\d*|\.\d+)([^.\d]*)/.exec(rest) ?? [];
    if (unit === undefined) break;
    if (unit === '') return `time: missing unit in duration ${quoted}`;
    if (!(unit in UNIT_MS)) return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`;
    rest = rest.slice(all.length);
  }
  return `time: invalid duration ${quoted}`;
}
