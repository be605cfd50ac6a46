import type { Matcher } from './series-store.ts';

export type Expression =
  | { kind: 'number'; value: number }
  | { kind: 'selector'; matchers: Matcher[]; rangeMs?: number; offsetMs?: number }
  | { kind: 'call'; name: string; args: Expression[] }
  | { kind: 'aggregate'; op: string; grouping: 'by' | 'without'; labels: string[]; of: Expression }
  | { kind: 'binary'; op: string; left: Expression; right: Expression };

/** A query that cannot be read, or that asks for what is not there. */
export class QueryError extends Error {}

export const AGGREGATIONS = new Set(['sum', 'avg', 'min', 'max', 'count']);
export const FUNCTIONS = new Set(['rate', 'irate', 'increase', 'histogram_quantile']);
const PRECEDENCE: Record<string, number> = {
  '==': 1,
  '!=': 1,
  '>=': 1,
  '<=': 1,
  '>': 1,
  '<': 1,
  '+': 2,
  '-': 2,
  '*': 3,
  '/': 3,
};
const UNITS: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, y: 31536e6 };

const TOKEN =
  /\s*(?:#[^\n]*)?(?:(?<word>[a-zA-Z_:][\w:.]*)|(?<duration>(?:\d+(?:ms|[smhdwy]))+)(?![\w.])|(?<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<op>=~|!~|!=|==|>=|<=|[-+*/(){}[\],=<>@^%]))/iy;

interface Token {
  type: 'word' | 'duration' | 'number' | 'string' | 'op' | 'end';
  text: string;
  at: number;
}

/** Reads Prometheus' query language, as far as it is evaluated here; throws a QueryError that says what else was met. */
export function parseQuery(text: string): Expression {
  const parser = new Parser(text);
  const found = parser.expression(0);
  parser.end();
  return found;
}

/** `1m30s` in ms; undefined when it is none. */
export function parseRange(text: string): number | undefined {
  if (!/^(\d+(ms|[smhdwy]))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) total += Number(count) * UNITS[unit!]!;
  return total;
}

class Parser {
  readonly #tokens: Token[] = [];
  #next = 0;

  constructor(text: string) {
    TOKEN.lastIndex = 0;
    while (text.slice(TOKEN.lastIndex).trim() !== '') {
      const { lastIndex: at } = TOKEN;
      const groups = TOKEN.exec(text)?.groups;
      if (!groups) throw new QueryError(`1:${at + 1}: parse error: unexpected character: ${JSON.stringify(text[at])}`);
      for (const [type, value] of Object.entries(groups)) {
        if (value !== undefined) this.#tokens.push({ type: type as Token['type'], text: value, at });
      }
    }
    this.#tokens.push({ type: 'end', text: '', at: text.length });
  }

  get #token(): Token {
    return this.#tokens[this.#next]!;
  }

  #fail(what = ''): never {
    const { type, text, at } = this.#token;
    const met = type === 'end' ? 'end of input' : JSON.stringify(text);
    throw new QueryError(`1:${at + 1}: parse error: unexpected ${met}${what}`);
  }

  #take(text: string): boolean {
    if (this.#token.type === 'string' || this.#token.text !== text) return false;
    this.#next++;
    return true;
  }

  #word(type: Token['type'], otherwise: string): string {
    const token = this.#token;
    if (token.type !== type) this.#fail(otherwise);
    this.#next++;
    return token.text;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#fail(`, expected ${JSON.stringify(text)}`);
  }

  end(): void {
    if (this.#token.type !== 'end') this.#fail();
  }

  expression(least: number): Expression {
    let left = this.#unary();
    for (;;) {
      const { type, text } = this.#token;
      const rank = type === 'op' ? PRECEDENCE[text] : undefined;
      if (rank === undefined || rank <= least) return left;
      this.#next++;
      const { text: modifier } = this.#token;
      if (['on', 'ignoring', 'bool'].includes(modifier)) {
        throw new QueryError(`${JSON.stringify(modifier)} of binary operators is not evaluated here`);
      }
      left = { kind: 'binary', op: text, left, right: this.expression(rank) };
    }
  }

  #unary(): Expression {
    if (this.#take('-')) return { kind: 'binary', op: '*', left: { kind: 'number', value: -1 }, right: this.#unary() };
    if (this.#take('(')) {
      const inner = this.expression(0);
      this.#expect(')');
      return inner;
    }
    const { type, text } = this.#token;
    if (type === 'number') {
      this.#next++;
      return { kind: 'number', value: Number(text) };
    }
    if (type === 'word') {
      this.#next++;
      const after = this.#token.text;
      if (AGGREGATIONS.has(text) && ['(', 'by', 'without'].includes(after)) return this.#aggregate(text);
      if (after === '(') return this.#call(text);
      return this.#selector(text);
    }
    if (text === '{') return this.#selector(undefined);
    return this.#fail();
  }

  #aggregate(op: string): Expression {
    let grouping = this.#grouping();
    this.#expect('(');
    const of = this.expression(0);
    this.#expect(')');
    grouping ??= this.#grouping();
    return { kind: 'aggregate', op, of, ...(grouping ?? { grouping: 'by', labels: [] }) };
  }

  #grouping(): { grouping: 'by' | 'without'; labels: string[] } | undefined {
    const grouping = this.#token.text;
    if (grouping !== 'by' && grouping !== 'without') return undefined;
    this.#next++;
    this.#expect('(');
    const labels: string[] = [];
    while (!this.#take(')')) {
      if (this.#token.type !== 'word') this.#fail(' in grouping');
      labels.push(this.#token.text);
      this.#next++;
      if (this.#token.text !== ')') this.#expect(',');
    }
    return { grouping, labels };
  }

  #call(name: string): Expression {
    if (!FUNCTIONS.has(name)) {
      const known = [...FUNCTIONS, ...AGGREGATIONS].join(', ');
      throw new QueryError(`function ${JSON.stringify(name)} is not evaluated here; these are: ${known}`);
    }
    this.#expect('(');
    const args: Expression[] = [];
    while (!this.#take(')')) {
      args.push(this.expression(0));
      if (this.#token.text !== ')') this.#expect(',');
    }
    return { kind: 'call', name, args };
  }

  #selector(name: string | undefined): Expression {
    const matchers: Matcher[] = name === undefined ? [] : [matcher('__name__', '=', name)];
    if (this.#take('{')) {
      while (!this.#take('}')) {
        const label = this.#word('word', ' in label matching');
        const op = this.#word('op', ' in label matching, expected an operator');
        if (!['=', '!=', '=~', '!~'].includes(op)) this.#fail(' in label matching, expected an operator');
        const value = this.#word('string', ' in label matching, expected string');
        matchers.push(matcher(label, op as Matcher['op'], textOf(value)));
        if (this.#token.text !== '}') this.#expect(',');
      }
    }
    if (!matchers.some(({ matches }) => !matches('')))
      throw new QueryError('vector selector must contain at least one non-empty matcher');
    const rangeMs = this.#take('[') ? this.#duration(']') : undefined;
    const offsetMs = this.#take('offset') ? this.#duration() : undefined;
    return {
      kind: 'selector',
      matchers,
      ...(rangeMs === undefined ? {} : { rangeMs }),
      ...(offsetMs === undefined ? {} : { offsetMs }),
    };
  }

  #duration(close?: string): number {
    const ms = parseRange(this.#token.text);
    if (this.#token.type !== 'duration' || ms === undefined) this.#fail(', expected duration');
    this.#next++;
    if (this.#token.text === ':') throw new QueryError('subqueries are not evaluated here');
    if (close) this.#expect(close);
    return ms!;
  }
}

function matcher(label: string, op: Matcher['op'], value: string): Matcher {
  if (op === '=') return { label, op, value, matches: (each) => each === value };
  if (op === '!=') return { label, op, value, matches: (each) => each !== value };
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^(?:${value})$`, 's');
  } catch (error) {
    throw new QueryError(`error parsing regexp: ${(error as Error).message}`);
  }
  return { label, op, value, matches: (each) => pattern.test(each) === (op === '=~') };
}

const textOf = (quoted: string): string =>
  quoted.slice(1, -1).replace(/\\(.)/g, (_, each: string) => (each === 'n' ? '\n' : each === 't' ? '\t' : each));
