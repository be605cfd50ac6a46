import { compactJson } from './json.ts';

/** A template that does not parse, or a field that is missing where it must not be. */
export class JsonPathError extends Error {}

type Node =
  | { type: 'text'; text: string }
  | { type: 'path'; steps: Step[]; root: boolean }
  | { type: 'range'; path: Step[]; body: Node[] };

type Step =
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

/** A parsed JSONPath template as client-go/util/jsonpath knows them. */
export class JsonPath {
  readonly #nodes: Node[];
  readonly #allowMissing: boolean;

  constructor(template: string, options: { allowMissing?: boolean } = {}) {
    this.#nodes = parseTemplate(template);
    this.#allowMissing = options.allowMissing ?? true;
  }

  /** The text that the template makes of `value`. */
  print(value: unknown): string {
    return this.#print(this.#nodes, value, value);
  }

  /** The values of every path in the template, one list a path. */
  find(value: unknown): unknown[][] {
    return this.#nodes.flatMap((node) => (node.type === 'path' ? [this.#walk([value], node.steps, value)] : []));
  }

  #print(nodes: Node[], value: unknown, root: unknown): string {
    let out = '';
    for (const node of nodes) {
      if (node.type === 'text') out += node.text;
      else if (node.type === 'path') {
        out += this.#walk([value], node.steps, root).map(textOf).join(' ');
      } else {
        for (const each of this.#walk([value], node.path, root)) out += this.#print(node.body, each, root);
      }
    }
    return out;
  }

  #walk(values: unknown[], steps: Step[], root: unknown): unknown[] {
    let now = values;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      if (step.type === 'recursive') {
        const rest = steps.slice(i + 1);
        const every = now.flatMap(descendants);
        return rest.length === 0 ? every : every.flatMap((each) => this.#walkQuietly(each, rest, root));
      }
      if (step.type === 'union') {
        const before = now;
        now = step.paths.flatMap((path) => this.#walk(before, path, root));
      } else now = now.flatMap((each) => this.#step(each, step, root));
    }
    return now;
  }

  /** What lies below `..` is looked for everywhere; most places do not have it. */
  #walkQuietly(value: unknown, steps: Step[], root: unknown): unknown[] {
    try {
      return new JsonPath('', { allowMissing: true }).#walk([value], steps, root);
    } catch (error) {
      if (error instanceof JsonPathError) return [];
      throw error;
    }
  }

  #step(value: unknown, step: Step, root: unknown): unknown[] {
    switch (step.type) {
      case 'literal':
        return [step.value];
      case 'field': {
        if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
          const found = (value as Record<string, unknown>)[step.name];
          if (found !== undefined) return [found];
        }
        if (!this.#allowMissing && value !== null && value !== undefined) {
          throw new JsonPathError(`${step.name} is not found`);
        }
        return [];
      }
      case 'wildcard':
        if (Array.isArray(value)) return value;
        return value !== null && typeof value === 'object' ? sortedValues(value) : [];
      case 'slice':
        return this.#slice(value, step);
      case 'filter':
        return (Array.isArray(value) ? value : []).filter((each) => this.#holds(each, step, root));
      default:
        return [];
    }
  }

  #slice(value: unknown, step: Extract<Step, { type: 'slice' }>): unknown[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw new JsonPathError(`${typeName(value)} is not array or slice`);
    if (step.index !== undefined) {
      const at = step.index < 0 ? value.length + step.index : step.index;
      if (at < 0 || at >= value.length) {
        throw new JsonPathError(`array index out of bounds: index ${step.index}, length ${value.length}`);
      }
      return [value[at]];
    }
    const clamp = (n: number) => Math.min(Math.max(n < 0 ? value.length + n : n, 0), value.length);
    const from = clamp(step.from ?? 0);
    const to = clamp(step.to ?? value.length);
    const out: unknown[] = [];
    for (let at = from; at < to; at += Math.max(step.step ?? 1, 1)) out.push(value[at]);
    return out;
  }

  #holds(value: unknown, filter: Extract<Step, { type: 'filter' }>, root: unknown): boolean {
    const quiet = new JsonPath('', { allowMissing: true });
    const left = quiet.#walk([value], filter.left.steps, root);
    if (filter.operator === 'exists') return left.length > 0;
    if (left.length === 0) return false;
    const right = quiet.#walk([value], filter.right!.steps, root);
    if (right.length === 0) return false;
    return compare(left[0], right[0], filter.operator);
  }
}

function compare(a: unknown, b: unknown, operator: string): boolean {
  const left = typeof b === 'string' && typeof a !== 'string' ? String(a) : a;
  const [x, y] = [left as number, b as number];
  switch (operator) {
    case '==':
      return x === y;
    case '!=':
      return x !== y;
    case '<':
      return x < y;
    case '<=':
      return x <= y;
    case '>':
      return x > y;
    default:
      return x >= y;
  }
}

function descendants(value: unknown): unknown[] {
  if (Array.isArray(value)) return [value, ...value.flatMap(descendants)];
  if (value !== null && typeof value === 'object') return [value, ...sortedValues(value).flatMap(descendants)];
  return [];
}

const sortedValues = (value: object): unknown[] =>
  Object.keys(value)
    .sort()
    .map((key) => (value as Record<string, unknown>)[key]);

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? compactJson(value) : String(value);
}

const typeName = (value: unknown): string =>
  typeof value === 'object' ? 'map[string]interface {}' : typeof value === 'string' ? 'string' : 'int64';

function parseTemplate(template: string): Node[] {
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

/** `.x`, `x`, `{.x}` and `{x}` all mean `{.x}` (RelaxedJSONPathExpression). */
export function relaxed(expression: string): string {
  if (expression === '') return expression;
  const match = /^\{?\.?(.*?)\}?$/s.exec(expression.replace(/^\{(.*)\}$/s, '$1'));
  return `{.${match?.[1] ?? ''}}`;
}
