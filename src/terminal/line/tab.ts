import type { Completion } from './complete.ts';

/** What a Tab does: puts text in place of the line from `from` on, offers a list, or nothing. */
export type Tab =
  | { type: 'insert'; from: number; text: string }
  | { type: 'list'; labels: string[] }
  | { type: 'nothing' };

/**
 * Decides what a Tab does. `entered`: length of the lines entered before this one; `before`: this line up to the cursor.
 */
export function tabbed({ context, candidates }: Completion, entered: number, before: string): Tab {
  const from = context.start - entered;
  if (candidates.length === 0 || from < 0) return { type: 'nothing' };
  const only = candidates.length === 1 ? candidates[0] : undefined;
  const prefix = only ? only.word : commonPrefixOf(candidates.map((each) => each.word));
  const isDone = only !== undefined && !only.isOpen;
  const text = quoted(prefix, context.quote, isDone) + (isDone ? ' ' : '');
  if (text !== before.slice(from) && (only || prefix.length > context.word.length))
    return { type: 'insert', from, text };
  return { type: 'list', labels: candidates.map((each) => each.label) };
}

function commonPrefixOf(words: readonly string[]): string {
  let prefix = words[0] ?? '';
  for (const word of words) while (!word.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}

/** The word as it must stand in the line: quoted as it was begun, or with backslashes. */
function quoted(word: string, quote: '' | '"' | "'", complete: boolean): string {
  if (quote === "'") return `'${word.replaceAll("'", "'\\''")}${complete ? "'" : ''}`;
  if (quote === '"') return `"${word.replace(/(["\\`])/g, '\\$1')}${complete ? '"' : ''}`;
  const tilde = /^~[^/]*/.exec(word)?.[0] ?? '';
  return tilde + word.slice(tilde.length).replace(/([\s'"\\;&|<>()*?[\]#!`])/g, '\\$1');
}
