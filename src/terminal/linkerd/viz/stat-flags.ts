import { goDurationProblem, parseGoDuration } from '#base/go-duration.ts';
import type { Flag } from '../flags.ts';

export const flag = (name: string, usage: string, more: Partial<Flag> = {}): Flag => ({
  name,
  type: 'string',
  usage,
  ...more,
});

export const NAMESPACE = flag('namespace', 'Namespace of the specified resource', { short: 'n' });
export const SELECTOR = flag('selector', "Selector (label query) to filter on, supports '=', '==', and '!='", {
  short: 'l',
});
export const OUTPUT = flag('output', 'Output format; one of: "table" or "json" or "wide"', {
  short: 'o',
  default: '"table"',
});
export const WINDOW = flag(
  'time-window',
  'Stat window (for example: "15s", "1m", "10m", "1h"). Needs to be at least 15s.',
  { short: 't', default: '"1m"' },
);
export const TO_NAMESPACE = flag(
  'to-namespace',
  'Sets the namespace used to lookup the "--to" resource; by default the current "--namespace" is used',
);
export const allNamespaces = (what: string): Flag => ({
  name: 'all-namespaces',
  short: 'A',
  usage: `If present, returns ${what} across all namespaces, ignoring the "--namespace" flag`,
});

const LEAST_MS = 15_000;

/** A window that may be asked for, the default for none. Throws an Error in upstream's words. */
export function windowIn(text: string): string {
  if (text === '') return '1m';
  const problem = goDurationProblem(text);
  if (problem) throw new Error(problem);
  if (parseGoDuration(text)! < LEAST_MS) throw new Error('metrics time window needs to be at least 15s');
  return text;
}

/** Seconds of a window; rates are over them. */
export const secondsIn = (window: string): number => (parseGoDuration(window) ?? 0) / 1000;
