/** A template that does not parse, or a field that is missing where it must not be. */
export class JsonPathError extends Error {}

export type Node =
  | { type: 'text'; text: string }
  | { type: 'path'; steps: Step[]; root: boolean }
  | { type: 'range'; path: Step[]; body: Node[] };

export type Step =
  | { type: 'field'; name: string }
  | { type: 'recursive' }
  | { type: 'wildcard' }
  | { type: 'slice'; from?: number; to?: number; step?: number; index?: number }
  | { type: 'union'; paths: Step[][] }
  | { type: 'filter'; left: Operand; operator: string; right?: Operand }
  | { type: 'literal'; value: string | number | boolean };

interface Operand {
  steps: Step[];
}

/** Reads a template. Throws JsonPathError. */
export function parseTemplate(template: string): Node[] {
  const stack: Node[][] = [[]];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    if (open < 0) {
      stack.at(-1)!.push({ type: 'text', text: template.slice(at) });
      break;
    }
    if (open > at) stack.at(-1)!.push({ type: 'text', text: template.slice(at, open) });
    const close = closing(template, open);
    action(template.slice(open + 1, close).trim(), stack);
    at = close + 1;
  }
  if (stack.length > 1) throw new JsonPathError('unterminated range');
  return stack[0]!;
}

/** The brace that closes the one at `open`; braces in quotes do not count. */
function closing(template: string, open: number): number {
  let quote = '';
  for (let at = open + 1; at < template.length; at++) {
    const char = template[at]!;
    if (char === '\\') at++;
    else if (quote) quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '}') return at;
  }
  throw new JsonPathError('unclosed action');
}

function action(text: string, stack: Node[][]): void {
  if (text === 'end') {
    if (stack.length === 1) throw new JsonPathError('not in range, nothing to end');
    stack.pop();
    return;
  }
  const range = /^range\s+(.*)$/s.exec(text);
  if (range) {
    const body: Node[] = [];
    stack.at(-1)!.push({ type: 'range', path: new PathParser(range[1]!).parse(), body });
    stack.push(body);
    return;
  }
  if (/^(["']).*\1$/s.test(text)) stack.at(-1)!.push({ type: 'text', text: unquote(text) });
  else if (text !== '')
    stack.at(-1)!.push({ type: 'path', steps: new PathParser(text).parse(), root: text.startsWith('$') });
}

function unquote(text: string): string {
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
  return text.slice(1, -1).replace(/\\(.)/gs, (_, char: string) => escapes[char] ?? char);
}

class PathParser {
  readonly #text: string;
  #at = 0;
  constructor(text: string) {
    this.#text = text;
  }

  parse(): Step[] {
    const steps: Step[] = [];
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      if (char === '$' || char === '@' || char === ' ') this.#at++;
      else if (this.#text.startsWith('..', this.#at)) {
        this.#at += 2;
        steps.push({ type: 'recursive' });
        if (/[^[.\s]/.test(this.#text[this.#at] ?? '.')) this.#name(steps);
      } else if (char === '.') {
        this.#at++;
        if (this.#text[this.#at] !== '[' && this.#at < this.#text.length) this.#name(steps);
      } else if (char === '[') this.#bracket(steps);
      else if (char === "'" || char === '"') {
        const end = this.#endOfQuote(this.#at);
        steps.push({ type: 'literal', value: unquote(this.#text.slice(this.#at, end + 1)) });
        this.#at = end + 1;
      } else if (/[-+\d]/.test(char) && /^[-+]?\d+(\.\d+)?$/.test(this.#text.slice(this.#at).trim())) {
        steps.push({ type: 'literal', value: Number(this.#text.slice(this.#at)) });
        this.#at = this.#text.length;
      } else if (/^(true|false)$/.test(this.#text.slice(this.#at).trim())) {
        steps.push({ type: 'literal', value: this.#text.slice(this.#at).trim() === 'true' });
        this.#at = this.#text.length;
      } else if (char === '*' || /[\w]/.test(char)) {
        if (steps.length === 0 && char !== '*') {
          throw new JsonPathError(`unrecognized identifier ${/^[\w-]+/.exec(this.#text.slice(this.#at))![0]}`);
        }
        this.#name(steps);
      } else
        throw new JsonPathError(
          `unrecognized character in action: U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')} '${char}'`,
        );
    }
    return steps;
  }

  #name(steps: Step[]): void {
    let name = '';
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      if (char === '\\') {
        name += this.#text[this.#at + 1] ?? '';
        this.#at += 2;
        continue;
      }
      if (/[.[\s]/.test(char)) break;
      name += char;
      this.#at++;
    }
    steps.push(name === '*' ? { type: 'wildcard' } : { type: 'field', name });
  }

  #endOfQuote(from: number): number {
    const quote = this.#text[from]!;
    for (let at = from + 1; at < this.#text.length; at++) {
      if (this.#text[at] === '\\') at++;
      else if (this.#text[at] === quote) return at;
    }
    throw new JsonPathError('unterminated quoted string');
  }

  #bracket(steps: Step[]): void {
    let depth = 0;
    let end = -1;
    for (let at = this.#at; at < this.#text.length; at++) {
      const char = this.#text[at]!;
      if (char === "'" || char === '"') at = this.#endOfQuote(at);
      else if (char === '[') depth++;
      else if (char === ']' && --depth === 0) {
        end = at;
        break;
      }
    }
    if (end < 0) throw new JsonPathError('unterminated array');
    const inner = this.#text.slice(this.#at + 1, end).trim();
    this.#at = end + 1;
    steps.push(bracketStep(inner));
  }
}

function bracketStep(inner: string): Step {
  if (inner === '*') return { type: 'wildcard' };
  const filter = /^\?\((.*)\)$/s.exec(inner);
  if (filter) return filterStep(filter[1]!);
  if (/^-?\d+$/.test(inner)) return { type: 'slice', index: Number(inner) };
  // A name in quotes is a path: its dots divide it, unless they are escaped.
  const quoted = /^'([^']*)'$/.exec(inner);
  if (quoted) return { type: 'union', paths: [new PathParser(`.${quoted[1]}`).parse()] };
  const slice = /^(-?\d*):(-?\d*)(?::(-?\d*))?$/.exec(inner);
  if (slice) {
    const part = (text: string | undefined) => (text ? Number(text) : undefined);
    const [from, to, step] = [part(slice[1]), part(slice[2]), part(slice[3])];
    return {
      type: 'slice',
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(step === undefined ? {} : { step }),
    };
  }
  if (/^'(?:[^'\\]|\\.)*'$/s.test(inner)) return { type: 'field', name: unquote(inner) };
  const parts = inner.split(',').map((part) => part.trim());
  if (parts.length > 1) {
    return {
      type: 'union',
      paths: parts.map((part) =>
        /^('|\d|-\d)/.test(part)
          ? [bracketStep(part)]
          : [{ type: 'field' as const, name: part.replace(/^[$@]?\./, '') }],
      ),
    };
  }
  throw new JsonPathError(`invalid array index ${inner}`);
}

function filterStep(text: string): Step {
  const match = /^(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*)$/s.exec(text);
  if (!match) return { type: 'filter', left: { steps: new PathParser(text).parse() }, operator: 'exists' };
  return {
    type: 'filter',
    left: { steps: new PathParser(match[1]!).parse() },
    operator: match[2]!,
    right: { steps: new PathParser(match[3]!).parse() },
  };
}
