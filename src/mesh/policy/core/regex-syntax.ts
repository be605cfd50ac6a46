/**
 * Why the policy controller's regular expressions (RE2-like, no look-around, no backreferences) refuse a pattern, as its parser
 * words it: the pattern, a caret below the place, the fault. Undefined for a pattern that it takes.
 */
export function regexProblem(pattern: string): string | undefined {
  const found = fault(pattern);
  if (!found) return undefined;
  const [at, length, why] = found;
  return `regex parse error:\n    ${pattern}\n    ${' '.repeat(at)}${'^'.repeat(length)}\nerror: ${why}`;
}

const LOOK_AROUND = 'look-around, including look-ahead and look-behind, is not supported';

/** The place (characters from the start, how many) and the sentence. */
function fault(pattern: string): [number, number, string] | undefined {
  const open: number[] = [];
  let canRepeat = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === '\\') {
      const next = pattern[i + 1];
      if (next === undefined) return [i, 1, 'incomplete escape sequence, reached end of pattern prematurely'];
      if (/[1-9]/.test(next)) return [i, 2, 'backreferences are not supported'];
      i++;
      canRepeat = true;
    } else if (char === '[') {
      const end = classEnd(pattern, i);
      if (end < 0) return [i, 1, 'unclosed character class'];
      i = end;
      canRepeat = true;
    } else if (char === '(') {
      const look = /^\(\?(?:<?[=!])/.exec(pattern.slice(i));
      if (look) return [i, look[0].length, LOOK_AROUND];
      open.push(i);
      canRepeat = false;
      const flags = /^\(\?(?:P?<[A-Za-z_]\w*>|[a-zA-Z-]*:)/.exec(pattern.slice(i));
      if (flags) i += flags[0].length - 1;
    } else if (char === ')') {
      if (open.length === 0) return [i, 1, 'unopened group'];
      open.pop();
      canRepeat = true;
    } else if (char === '*' || char === '+' || char === '?') {
      if (!canRepeat) return [i, 1, 'repetition operator missing expression'];
      if (pattern[i + 1] === '?') i++;
    } else canRepeat = char !== '|';
  }
  const unclosed = open.at(-1);
  return unclosed === undefined ? undefined : [unclosed, 1, 'unclosed group'];
}

function classEnd(pattern: string, start: number): number {
  let i = start + 1;
  if (pattern[i] === '^') i++;
  if (pattern[i] === ']') i++;
  for (; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++;
    else if (pattern[i] === ']') return i;
  }
  return -1;
}
