/** Which styles a scalar may take, as libyaml's emitter decides it (yaml_emitter_analyze_scalar). */
export interface ScalarFacts {
  plainAllowed: boolean;
  singleAllowed: boolean;
  blockAllowed: boolean;
}

const WIDTH = 80;
const FIRST_INDICATORS = '#,[]{}&*!|>\'"%@`';

export function analyze(text: string): ScalarFacts {
  if (text === '') return { plainAllowed: true, singleAllowed: true, blockAllowed: false };
  const chars = [...text];
  let indicators = text.startsWith('---') || text.startsWith('...');
  let special = false;
  let breakSpace = false;
  let spaceBreak = false;
  let before = '';
  chars.forEach((char, i) => {
    const next = chars[i + 1];
    const blankNext = next === undefined || /[ \t\n\r]/.test(next);
    if (i === 0) {
      if (FIRST_INDICATORS.includes(char)) indicators = true;
      else if (/[?:-]/.test(char) && blankNext) indicators = true;
    } else if (char === ':' && blankNext) indicators = true;
    else if (char === '#' && /[ \t\n]/.test(before)) indicators = true;
    if (!isPrintable(char)) special = true;
    if (char === ' ' && before === '\n') breakSpace = true;
    if (char === '\n' && before === ' ') spaceBreak = true;
    before = char;
  });
  const edges = /^[ \n]|[ \n]$/.test(text);
  const broken = spaceBreak || special;
  return {
    plainAllowed: !edges && !breakSpace && !broken && !text.includes('\n') && !indicators,
    singleAllowed: !breakSpace && !broken,
    blockAllowed: !text.endsWith(' ') && !broken,
  };
}

function isPrintable(char: string): boolean {
  const code = char.codePointAt(0)!;
  if (code === 0x0a || (code >= 0x20 && code <= 0x7e)) return true;
  return code >= 0xa0 && code !== 0xfeff && code !== 0xfffe && code !== 0xffff;
}

const WORDS = new Set(
  ['', '~', 'null', 'Null', 'NULL', '<<', 'y', 'Y', 'n', 'N', '.nan', '.NaN', '.NAN'].concat(
    ['yes', 'no', 'on', 'off', 'true', 'false'].flatMap((word) => [
      word,
      word[0]!.toUpperCase() + word.slice(1),
      word.toUpperCase(),
    ]),
  ),
);
const NUMBERS = [
  /^[-+]?\.(inf|Inf|INF)$/,
  /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/,
  /^[-+]?0x[0-9a-fA-F]+$/i,
  /^[-+]?0b[01]+$/i,
  /^[-+]?0o[0-7]+$/i,
  /^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?\s*(Z|[-+][0-9]{1,2}(:?[0-9]{2})?)?)?$/,
];

/** True when a reader would take the plain text for something other than a string (go-yaml resolve.go). */
export function resolvesToOther(text: string): boolean {
  if (WORDS.has(text)) return true;
  const bare = /^[-+]?[0-9][0-9a-fA-FxXbo_]*$/.test(text) ? text.replaceAll('_', '') : text;
  return NUMBERS.some((pattern) => pattern.test(bare));
}

/** Replaces the space at which a line has passed the width by a line break. */
function fold(text: string, indent: number, column: number, edges: 'free' | 'inner'): string {
  let out = '';
  let at = column;
  let wasSpace = false;
  const chars = [...text];
  chars.forEach((char, i) => {
    const inner = edges === 'free' || (i > 0 && i < chars.length - 1);
    if (char === ' ' && !wasSpace && at > WIDTH && inner && chars[i + 1] !== ' ') {
      out += `\n${' '.repeat(indent)}`;
      at = indent;
      wasSpace = true;
      return;
    }
    wasSpace = char === ' ';
    out += char;
    at++;
  });
  return out;
}

export const foldPlain = (text: string, indent: number, column: number, breaks: boolean): string =>
  breaks ? fold(text, indent, column, 'free') : text;

export function quoteSingle(text: string, indent: number, column: number, breaks: boolean): string {
  const body = text.replaceAll("'", "''");
  return `'${breaks ? fold(body, indent, column + 1, 'inner') : body}'`;
}

const ESCAPES: Record<string, string> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u00a0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

export function quoteDouble(text: string, indent: number, column: number, breaks: boolean): string {
  let out = '"';
  let at = column + 1;
  let wasSpace = false;
  const chars = [...text];
  chars.forEach((char, i) => {
    if (char === ' ' && breaks && !wasSpace && at > WIDTH && i > 0 && i < chars.length - 1) {
      const guard = chars[i + 1] === ' ' ? '\\' : '';
      out += `\n${' '.repeat(indent)}${guard}`;
      at = indent + guard.length;
      wasSpace = true;
      return;
    }
    wasSpace = char === ' ';
    const written = ESCAPES[char] ?? (isPrintable(char) ? char : escapeCode(char.codePointAt(0)!));
    out += written;
    at += written.length;
  });
  return `${out}"`;
}

function escapeCode(code: number): string {
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${hex.padStart(4, '0')}`;
  return `\\U${hex.padStart(8, '0')}`;
}
