import { ShellError } from '../flow.ts';
import type { Part, WordPart } from '../syntax/tree.ts';

const MOST = 100_000;

/** All combinations of the braces in a word, each a list of parts. */
export function expandBraces(parts: readonly WordPart[], enabled: boolean): WordPart[][] {
  if (!enabled || !parts.some((part) => part.type === 'BraceExpansion')) return [[...parts]];
  let results: WordPart[][] = [[]];
  for (const part of parts) {
    const choices = part.type === 'BraceExpansion' ? choicesOf(part) : [[part]];
    if (results.length * choices.length > MOST)
      throw new ShellError(`brace expansion: more than ${MOST} words`, { fatal: true });
    results = results.flatMap((before) => choices.map((choice) => [...before, ...choice]));
  }
  return results;
}

function choicesOf(part: Part<'BraceExpansion'>): WordPart[][] {
  return part.items.flatMap((item) =>
    item.type === 'Word'
      ? expandBraces(item.word.parts, true)
      : range(item).map((value): WordPart[] => [{ type: 'Literal', value }]),
  );
}

type Range = Extract<Part<'BraceExpansion'>['items'][number], { type: 'Range' }>;

function range({ start, end, step, startStr, endStr }: Range): string[] {
  const isNumber = typeof start === 'number' && typeof end === 'number';
  const from = isNumber ? start : String(start).codePointAt(0)!;
  const to = isNumber ? (end as number) : String(end).codePointAt(0)!;
  const stride = Math.abs(step ?? 1) || 1;
  const count = Math.floor(Math.abs(to - from) / stride) + 1;
  if (count > MOST) throw new ShellError(`brace expansion: more than ${MOST} words`, { fatal: true });
  const isPadded = isNumber && [startStr, endStr].some((text) => text !== undefined && /^-?0\d/.test(text));
  const width = isPadded ? Math.max(startStr?.length ?? 0, endStr?.length ?? 0) : 0;
  return Array.from({ length: count }, (_, index) => {
    const value = from + (to >= from ? 1 : -1) * index * stride;
    if (!isNumber) return String.fromCodePoint(value);
    return value < 0 ? `-${String(-value).padStart(width - 1, '0')}` : String(value).padStart(width, '0');
  });
}
