/** One directive of an nginx configuration, with its block if it has one. */
export interface Directive {
  name: string;
  args: string[];
  block?: Directive[];
  file: string;
  line: number;
}

/** What nginx calls an emergency: it does not start. The message is worded as nginx words it. */
export class ConfigFailure extends Error {
  constructor(message: string, at: { file: string; line: number }) {
    super(`${message} in ${at.file}:${at.line}`);
  }
}

interface Token {
  text: string;
  quoted: boolean;
  line: number;
}

/** What a backslash and a letter stand for; before most letters it stays, for regular expressions. */
function escaped(letter: string): string {
  if (letter === 'n') return '\n';
  if (letter === 't') return '\t';
  if (letter === 'r') return '\r';
  return '"\'\\'.includes(letter) ? letter : `\\${letter}`;
}

function tokens(text: string, file: string): Token[] {
  const out: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '\n') line++;
    if (/\s/.test(char)) at++;
    else if (char === '#') while (at < text.length && text[at] !== '\n') at++;
    else if (char === '{' || char === '}' || char === ';') {
      out.push({ text: char, quoted: false, line });
      at++;
    } else if (char === '"' || char === "'") {
      const began = line;
      let value = '';
      for (at++; text[at] !== char; at++) {
        if (at >= text.length) throw new ConfigFailure('unexpected end of file, expecting "}"', { file, line: began });
        if (text[at] === '\n') line++;
        if (text[at] === '\\' && at + 1 < text.length) value += escaped(text[++at]!);
        else value += text[at];
      }
      at++;
      out.push({ text: value, quoted: true, line });
    } else {
      let value = '';
      while (at < text.length && !/[\s;]/.test(text[at]!)) {
        // A brace belongs to a word only as `${name}` or inside a regular expression's repeat count.
        if (text[at] === '{' && !value.endsWith('$') && !/^\{\d+(,\d*)?\}/.test(text.slice(at))) break;
        if (text[at] === '{') {
          const end = text.indexOf('}', at);
          value += text.slice(at, end + 1);
          at = end + 1;
          continue;
        }
        if (text[at] === '\\' && at + 1 < text.length) {
          value += escaped(text[at + 1]!);
          at += 2;
        } else value += text[at++];
      }
      out.push({ text: value, quoted: false, line });
    }
  }
  return out;
}

/** Parses a configuration file. Throws {@link ConfigFailure}. */
export function parseConfig(text: string, file: string): Directive[] {
  const all = tokens(text, file);
  let at = 0;
  const block = (isOuter: boolean): Directive[] => {
    const out: Directive[] = [];
    for (;;) {
      const first = all[at];
      if (!first) {
        if (isOuter) return out;
        throw new ConfigFailure('unexpected end of file, expecting "}"', { file, line: all.at(-1)?.line ?? 1 });
      }
      if (!first.quoted && first.text === '}') {
        if (isOuter) throw new ConfigFailure('unexpected "}"', { file, line: first.line });
        at++;
        return out;
      }
      if (!first.quoted && (first.text === '{' || first.text === ';'))
        throw new ConfigFailure(`unexpected "${first.text}"`, { file, line: first.line });
      const words: string[] = [];
      while (all[at] && (all[at]!.quoted || !'{};'.includes(all[at]!.text))) words.push(all[at++]!.text);
      const end = all[at];
      if (!end || end.text === '}') {
        const found = end ? 'unexpected "}"' : 'unexpected end of file, expecting ";" or "}"';
        throw new ConfigFailure(found, { file, line: end?.line ?? all.at(-1)!.line });
      }
      at++;
      const made: Directive = { name: words[0]!, args: words.slice(1), file, line: first.line };
      if (end.text === '{') made.block = block(false);
      out.push(made);
    }
  };
  return block(true);
}
