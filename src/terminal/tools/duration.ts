const UNITS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const DAY_MS = 86_400_000;

/**
 * Milliseconds of `1h30m`, `90s` and whatever else Go's ParseDuration takes; with `days` also `3d` and `1w`. A sign is allowed.
 * Undefined when it is not a duration.
 */
export function parseDuration(text: string, days = false): number | undefined {
  const match = /^([-+]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h|d|w))+$/.exec(text);
  if (text === '0') return 0;
  if (!match) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w)/g)) {
    const ms = unit === 'd' ? DAY_MS : unit === 'w' ? 7 * DAY_MS : UNITS[unit!];
    if (!ms || (!days && ms >= DAY_MS)) return undefined;
    total += Number(amount) * ms;
  }
  return text.startsWith('-') ? -total : total;
}

/** `1d 2h 3m 4s`, the two largest parts. */
export function inWords(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const from = parts.findIndex(([amount]) => amount > 0);
  if (from < 0) return '0s';
  const shown = parts.slice(from, from + 2).filter(([amount]) => amount > 0);
  return shown.map(([amount, unit]) => `${amount}${unit}`).join(' ');
}
