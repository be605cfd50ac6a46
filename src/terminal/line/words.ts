/** The word before the cursor and the simple command it belongs to. */
export interface WordContext {
  /** Words before it, quotes removed; the first is the command's name. Assignments in front are left out. */
  words: string[];
  /** The word itself with quotes removed. */
  word: string;
  /** Where the word starts in the line, quote included. */
  start: number;
  /** The quote that is open at the cursor, or ''. */
  quote: '' | '"' | "'";
  /** The word is the target of a redirection. */
  isRedirect: boolean;
}

const OPERATORS = new Set([';', '|', '&', '(', ')', '\n', '{', '}', '`']);
/** Words after which a command comes. */
const INTRODUCERS = new Set([
  'if',
  'then',
  'else',
  'elif',
  'while',
  'until',
  'do',
  '!',
  'time',
  '{',
  'sudo',
  'exec',
  'command',
  'xargs',
  'watch',
  'nohup',
  'env',
]);

/** Reads a line up to the cursor as the shell would, as far as completion needs it. */
export function wordAt(text: string): WordContext {
  let words: string[] = [];
  let word = '';
  let start = -1;
  let quote: '' | '"' | "'" = '';
  let isRedirect = false;
  const endWord = () => {
    if (start >= 0 && !isRedirect) words.push(word);
    if (start >= 0) isRedirect = false;
    word = '';
    start = -1;
  };
  const begin = (at: number) => {
    if (start < 0) start = at;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quote === "'") {
      if (char === "'") quote = '';
      else word += char;
    } else if (char === '\\' && at + 1 < text.length) {
      begin(at);
      word += quote === '"' && !/["\\$`]/.test(text[at + 1]!) ? char + text[++at]! : text[++at]!;
    } else if (quote === '"') {
      if (char === '"') quote = '';
      else if (char === '$' && text[at + 1] === '(') {
        const inner = innerCommand(text, at + 2);
        if (inner) return inner;
        word += char;
      } else word += char;
    } else if (char === "'" || char === '"') {
      begin(at);
      quote = char;
    } else if (char === '#' && start < 0) {
      const end = text.indexOf('\n', at);
      if (end < 0) return { words: [], word: '', start: text.length, quote: '', isRedirect: true };
      at = end - 1;
    } else if (char === '$' && text[at + 1] === '{') {
      begin(at);
      const close = text.indexOf('}', at);
      word += text.slice(at, close < 0 ? text.length : close + 1);
      at = close < 0 ? text.length : close;
    } else if (char === '>' || char === '<') {
      if (/^\d$/.test(word)) start = -1;
      endWord();
      isRedirect = true;
      while (/[<>&|]/.test(text[at + 1] ?? '')) at++;
    } else if (OPERATORS.has(char)) {
      if ((char === '{' || char === '}') && (start >= 0 || !/^\s*$/.test(text[at + 1] ?? ' '))) {
        begin(at);
        word += char;
        continue;
      }
      endWord();
      words = [];
      isRedirect = false;
    } else if (/\s/.test(char)) endWord();
    else {
      begin(at);
      word += char;
    }
  }
  return { words: commandWords(words), word, start: start < 0 ? text.length : start, quote, isRedirect };
}

/** The context inside `$(…` of a double-quoted word, when that is still open at the cursor. */
function innerCommand(text: string, from: number): WordContext | undefined {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return undefined;
  }
  const inner = wordAt(text.slice(from));
  return { ...inner, start: inner.start + from };
}

/** Leaves out assignments and words that only introduce a command. */
function commandWords(words: string[]): string[] {
  let at = 0;
  while (at < words.length) {
    const word = words[at]!;
    if (/^[A-Za-z_]\w*\+?=/.test(word)) at++;
    else if (INTRODUCERS.has(word)) {
      at++;
      while (at < words.length && words[at]!.startsWith('-')) at++;
    } else break;
  }
  return words.slice(at);
}
