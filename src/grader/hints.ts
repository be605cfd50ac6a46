import type { Hint } from '#schema/lab.ts';

/**
 * The next hint to show: the first one not yet shown whose condition holds. A hint with a condition that does not hold
 * is passed over for now; it may fit later.
 */
export function nextHint(hints: Hint[], shown: string[], check: string, saw: string[]): string | undefined {
  for (const hint of hints) {
    const text = typeof hint === 'string' ? hint : hint.say;
    if (shown.includes(text)) continue;
    if (typeof hint === 'string') return text;
    if (hint.when.check === check && saw.includes(hint.when.saw)) return text;
  }
  return undefined;
}
