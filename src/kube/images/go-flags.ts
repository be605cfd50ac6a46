/** What Go's flag package leaves of a command line: the flags set, and the arguments after them. */
export interface GoFlags {
  values: Map<string, string>;
  args: string[];
}

export class GoFlagError extends Error {}

/**
 * Reads flags as Go's flag package does: `-name value`, `-name=value`, one dash or two, up to `--` or the first word that
 * is no flag. Throws {@link GoFlagError} with the package's words.
 */
export function parseGoFlags(words: string[], known: Record<string, 'string' | 'bool' | 'int' | 'float'>): GoFlags {
  const values = new Map<string, string>();
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === '--') {
      at++;
      break;
    }
    const [, name = '', given] = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (!name) break;
    const kind = known[name];
    if (!kind) throw new GoFlagError(`flag provided but not defined: -${name}`);
    let value = given;
    if (value === undefined) {
      if (kind === 'bool') value = 'true';
      else {
        at++;
        value = words[at];
        if (value === undefined) throw new GoFlagError(`flag needs an argument: -${name}`);
      }
    }
    const isNumber = kind === 'int' ? /^[+-]?\d+$/.test(value) : Number.isFinite(Number(value)) && value !== '';
    if ((kind === 'int' || kind === 'float') && !isNumber)
      throw new GoFlagError(`invalid value ${JSON.stringify(value)} for flag -${name}: parse error`);
    values.set(name, value);
  }
  return { values, args: words.slice(at) };
}

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a Go duration such as `1m30s` or `250ms`; undefined when it is none. */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g))
    ms += Number(number) * UNITS[unit!]!;
  return ms;
}

/** A short duration as Go prints it: `312.5µs`, `1.204ms`, `2.5s`. */
export function formatGoDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1) return `${trim(ms * 1000)}µs`;
  if (ms < 1000) return `${trim(ms)}ms`;
  return `${trim(ms / 1000)}s`;
}

const trim = (value: number): string => String(Number(value.toFixed(6)));
