/** Stands for what is different every time: inside a line for any text, alone on a line for any lines. */
const ANYTHING = '…';

/**
 * Whether a program printed what a lesson shows. Blanks between words count once, blanks at the ends of lines and lines at
 * the end of the text that are empty do not count. Undefined when it did, else the first shown line that was not found.
 */
export function missingFrom(shown: string, printed: string): string | undefined {
  const pattern = linesOf(shown);
  const lines = linesOf(printed);
  /** How far the pattern can have been followed up to each line; `furthest` is for the message. */
  let furthest = 0;
  const follow = (p: number, at: number): boolean => {
    furthest = Math.max(furthest, p);
    if (p === pattern.length) return at === lines.length;
    const wanted = pattern[p]!;
    if (wanted === ANYTHING) {
      for (let next = at; next <= lines.length; next++) if (follow(p + 1, next)) return true;
      return false;
    }
    return at < lines.length && fits(wanted, lines[at]!) && follow(p + 1, at + 1);
  };
  return follow(0, 0) ? undefined : (pattern[furthest] ?? 'the end: more was printed');
}

function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/\s+/g, ' ').trim());
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Parts between the marks have to be there in order, the first at the beginning and the last at the end. */
function fits(wanted: string, line: string): boolean {
  const parts = wanted.split(ANYTHING);
  const [first, last] = [parts[0]!, parts.at(-1)!];
  if (parts.length === 1) return wanted === line;
  if (!line.startsWith(first) || !line.endsWith(last) || line.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = line.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= line.length - last.length;
}
