import type { History } from './history.ts';

/** What `!` and `^` in a line stand for. Throws Error `!x: event not found` as bash words it. */
export function expandHistory(line: string, history: History): string {
  const quick = /^\^([^^]+)\^([^^]*)\^?\s*$/.exec(line);
  if (quick) return substituted(history, quick[1]!, quick[2]!);
  let output = '';
  let quote = '';
  for (let at = 0; at < line.length; ) {
    const char = line[at]!;
    if (char === '\\' && quote !== "'") {
      output += line.slice(at, at + 2);
      at += 2;
      continue;
    }
    if (quote === '' ? char === "'" || char === '"' : char === quote) quote = quote === '' ? char : '';
    const event = char === '!' && quote !== "'" ? readEvent(line, at, history, quote) : undefined;
    if (event) {
      output += event.text;
      at = event.end;
    } else {
      output += char;
      at++;
    }
  }
  return output;
}

function substituted(history: History, from: string, to: string): string {
  const last = history.byNumber(-1);
  if (!last?.includes(from)) throw new Error(`:s^${from}^${to}: substitution failed`);
  return last.replace(from, () => to);
}

function readEvent(
  line: string,
  at: number,
  history: History,
  quote: string,
): { text: string; end: number } | undefined {
  const rest = line.slice(at + 1);
  const designator = /^(?:!|-?\d+|\?[^?\n]+\??|[$^*](?![\w{(])|[A-Za-z_./][^\s:;&|()<>'"$`]*)/.exec(rest)?.[0];
  if (!designator || (quote === '"' && rest.startsWith('"'))) return undefined;
  // `$!`, `${!x}`, `[!a]` and `!=` belong to the shell.
  if (/[${[]/.test(line[at - 1] ?? '')) return undefined;
  if (/^[$^*]$/.test(designator)) {
    const words = wordsOf(history.byNumber(-1) ?? missing(designator));
    return { text: pick(words, designator), end: at + 1 + designator.length };
  }
  const found = eventLine(designator, history) ?? missing(designator);
  const end = at + 1 + designator.length;
  const modifier = /^:(\d+|[$^*])|^([$^*])(?![\w{(])/.exec(line.slice(end));
  if (!modifier) return { text: found, end };
  return { text: pick(wordsOf(found), modifier[1] ?? modifier[2]!), end: end + modifier[0].length };
}

function eventLine(designator: string, history: History): string | undefined {
  if (designator === '!') return history.byNumber(-1);
  if (/^-?\d+$/.test(designator)) return history.byNumber(Number(designator));
  if (designator.startsWith('?')) {
    const index = history.search(designator.slice(1).replace(/\?$/, ''));
    return index < 0 ? undefined : history.at(index);
  }
  return history.startingWith(designator);
}

function missing(designator: string): never {
  throw new Error(`!${designator}: event not found`);
}

function pick(words: string[], which: string): string {
  if (which === '$') return words.at(-1) ?? '';
  if (which === '^') return words[1] ?? '';
  if (which === '*') return words.slice(1).join(' ');
  return words[Number(which)] ?? missing(`:${which}`);
}

const wordsOf = (line: string): string[] => line.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s'"\\])+/g) ?? [];
