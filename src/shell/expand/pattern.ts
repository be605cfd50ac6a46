/** Shell patterns and POSIX expressions as JavaScript ones. In a pattern a backslash makes the next character ordinary. */

const CLASSES: Record<string, string> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  print: '\\x20-\\x7e',
  graph: '\\x21-\\x7e',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9A-Fa-f',
  word: '\\w',
};

export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Text whose every character is ordinary in a pattern. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]()|!+@]/g, '\\$&');
}

export function hasPattern(pattern: string): boolean {
  return /(^|[^\\])(\\\\)*([*?]|\[.|[@!+]\()/s.test(pattern);
}

/** A bracket expression from `[` at `start`; undefined when it is not closed. */
function bracket(text: string, start: number, negation: string): { source: string; end: number } | undefined {
  let i = start + 1;
  let source = '[';
  if (negation.includes(text[i] ?? ' ')) {
    source += '^';
    i++;
  }
  for (let first = true; i < text.length; first = false) {
    const char = text[i]!;
    if (char === ']' && !first) return { source: source === '[' ? '(?!)' : `${source}]`, end: i + 1 };
    if (char === '[' && text[i + 1] === ':') {
      const end = text.indexOf(':]', i + 2);
      const name = text.slice(i + 2, end);
      if (end > 0 && Object.hasOwn(CLASSES, name)) {
        source += CLASSES[name];
        i = end + 2;
        continue;
      }
    }
    if (char === '\\' && negation.includes('!') && i + 1 < text.length) {
      source += `\\${text[i + 1]}`.replace(/^\\([A-Za-z0-9])$/, '$1');
      i += 2;
      continue;
    }
    source += /[\\[\]^]/.test(char) ? `\\${char}` : char;
    i++;
  }
  return undefined;
}

/** The source of an expression for a whole shell pattern. `star` is what `*` may match, `any` what `?` may. */
export function patternSource(pattern: string, star = '[\\s\\S]*', any = '[\\s\\S]'): string {
  let source = '';
  for (let i = 0; i < pattern.length; ) {
    const char = pattern[i]!;
    const group = /^[?*+@!]\(/.test(pattern.slice(i, i + 2)) ? groupEnd(pattern, i + 1) : -1;
    if (group > 0) {
      const choices = splitChoices(pattern.slice(i + 2, group)).map((choice) => patternSource(choice, star, any));
      const inner = `(?:${choices.join('|')})`;
      if (char === '!') source += `(?:(?!${inner}$)${star})`;
      else source += char === '@' ? inner : inner + char;
      i = group + 1;
      continue;
    }
    if (char === '\\' && i + 1 < pattern.length) {
      source += escapeRegExp(pattern[i + 1]!);
      i += 2;
      continue;
    }
    if (char === '*') {
      while (pattern[i + 1] === '*') i++;
      source += star;
    } else if (char === '?') source += any;
    else if (char === '[') {
      const set = bracket(pattern, i, '!^');
      if (set) {
        source += set.source;
        i = set.end;
        continue;
      }
      source += '\\[';
    } else source += escapeRegExp(char);
    i++;
  }
  return source;
}

function groupEnd(pattern: string, open: number): number {
  let depth = 0;
  for (let i = open; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++;
    else if (pattern[i] === '(') depth++;
    else if (pattern[i] === ')' && --depth === 0) return i;
  }
  return -1;
}

function splitChoices(text: string): string[] {
  const choices: string[] = [''];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '(') depth++;
    if (char === ')') depth--;
    if (char === '|' && depth === 0) {
      choices.push('');
      continue;
    }
    choices[choices.length - 1] += char === '\\' ? char + (text[++i] ?? '') : char;
  }
  return choices;
}

const CACHED = 500;
const cache = new Map<string, RegExp>();

/** Whether the whole text matches the pattern. */
export function matchesPattern(text: string, pattern: string, ignoreCase = false): boolean {
  const key = (ignoreCase ? 'i' : 's') + pattern;
  let expression = cache.get(key);
  if (!expression) {
    expression = new RegExp(`^(?:${patternSource(pattern)})$`, ignoreCase ? 'iu' : 'u');
    if (cache.size >= CACHED) cache.clear();
    cache.set(key, expression);
  }
  return expression.test(text);
}

/** A POSIX extended expression (`grep -E`, `[[ =~ ]]`). */
export function extendedSource(text: string): string {
  let source = '';
  for (let i = 0; i < text.length; ) {
    const char = text[i]!;
    if (char === '[') {
      const set = bracket(text, i, '^');
      if (set) {
        source += set.source;
        i = set.end;
        continue;
      }
      source += '\\[';
    } else if (char === '\\' && i + 1 < text.length) {
      source += escaped(text[++i]!);
    } else if (char === '{' && !/^\{\d*,?\d*\}/.test(text.slice(i))) source += '\\{';
    else if (char === '}' && !/\{\d*,?\d*$/.test(text.slice(0, i))) source += '\\}';
    else source += char;
    i++;
  }
  return source.replaceAll('{,', '{0,');
}

function escaped(char: string): string {
  if (char === '<' || char === '>') return '\\b';
  if (/[wWsSbB\d]/.test(char)) return `\\${char}`;
  return escapeRegExp(char);
}

/** A POSIX basic expression (`grep`): groups, intervals and choices are written with backslashes. */
export function basicSource(text: string): string {
  let source = '';
  for (let i = 0; i < text.length; ) {
    const char = text[i]!;
    if (char === '[') {
      const set = bracket(text, i, '^');
      if (set) {
        source += set.source;
        i = set.end;
        continue;
      }
      source += '\\[';
    } else if (char === '\\' && i + 1 < text.length) {
      const next = text[++i]!;
      source += /[(){}|+?]/.test(next) ? next : escaped(next);
    } else if (char === '*' && (source === '' || source.endsWith('('))) source += '\\*';
    else if (char === '^' && !(source === '' || source.endsWith('(') || source.endsWith('|'))) source += '\\^';
    else if (char === '$' && i + 1 < text.length && !/^\\[)|]/.test(text.slice(i + 1))) source += '\\$';
    else source += /[+?(){}|]/.test(char) ? `\\${char}` : char;
    i++;
  }
  return source;
}
