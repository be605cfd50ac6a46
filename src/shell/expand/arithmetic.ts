import { ShellError } from '../flow.ts';

/** What an expression may read and change. Values are texts as in variables. */
export interface ArithmeticScope {
  get(name: string, subscript: string | undefined): string | undefined;
  set(name: string, subscript: string | undefined, value: string): void;
}

type Node = (scope: ArithmeticScope, depth: number) => bigint;
interface Place {
  name: string;
  subscript: string | undefined;
}

const DEEPEST = 64;
const CACHED = 500;
const cache = new Map<string, Node>();

/** Evaluates an expression whose `$` expansions were made already. 64-bit integers, as bash. Throws {@link ShellError}. */
export function evaluateArithmetic(text: string, scope: ArithmeticScope, depth = 0): bigint {
  if (depth > DEEPEST) throw new ShellError(`${text}: expression recursion level exceeded`);
  if (/^-?\d{1,15}$/.test(text) && !/^-?0\d/.test(text)) return BigInt(text);
  let node = cache.get(text);
  if (!node) {
    node = new ArithmeticParser(text).parse();
    if (cache.size >= CACHED) cache.clear();
    cache.set(text, node);
  }
  return node(scope, depth);
}

const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);
const bool = (value: boolean): bigint => (value ? 1n : 0n);

const BINARY: Record<string, [precedence: number, apply: (a: bigint, b: bigint) => bigint]> = {
  '|': [3, (a, b) => a | b],
  '^': [4, (a, b) => a ^ b],
  '&': [5, (a, b) => a & b],
  '==': [6, (a, b) => bool(a === b)],
  '!=': [6, (a, b) => bool(a !== b)],
  '<': [7, (a, b) => bool(a < b)],
  '>': [7, (a, b) => bool(a > b)],
  '<=': [7, (a, b) => bool(a <= b)],
  '>=': [7, (a, b) => bool(a >= b)],
  '<<': [8, (a, b) => wrap(a << (b & 63n))],
  '>>': [8, (a, b) => a >> (b & 63n)],
  '+': [9, (a, b) => wrap(a + b)],
  '-': [9, (a, b) => wrap(a - b)],
  '*': [10, (a, b) => wrap(a * b)],
  '/': [10, (a, b) => wrap(a / b)],
  '%': [10, (a, b) => a % b],
};
const TOKEN =
  /\s*(0[xX][0-9a-fA-F]+|\d+#[\w@]+|\d\w*|[A-Za-z_]\w*|<<=|>>=|\*\*|&&|\|\||[-+*/%&|^<>=!]=|\+\+|--|<<|>>|[-+*/%&|^<>=!~?:,()[\]]|\S)/y;

class ArithmeticParser {
  readonly #text: string;
  #tokens: { value: string; at: number }[] = [];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
      this.#tokens.push({ value: match[1]!, at: TOKEN.lastIndex - match[1]!.length });
      if (TOKEN.lastIndex >= text.length) break;
    }
  }

  parse(): Node {
    if (this.#tokens.length === 0) return () => 0n;
    const node = this.#comma();
    if (this.#peek() !== undefined) this.#fail('syntax error in expression');
    return node;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#next]?.value;
  }
  #take(value: string): boolean {
    if (this.#peek() !== value) return false;
    this.#next++;
    return true;
  }
  #fail(message: string): never {
    const token = this.#tokens[this.#next] ?? this.#tokens.at(-1);
    const rest = token ? this.#text.slice(token.at).trimEnd() : this.#text;
    throw new ShellError(`${this.#text.trim()}: ${message} (error token is "${rest}")`);
  }

  #comma(): Node {
    let left = this.#assignment();
    while (this.#take(',')) {
      const first = left;
      const second = this.#assignment();
      left = (scope, depth) => {
        first(scope, depth);
        return second(scope, depth);
      };
    }
    return left;
  }

  #assignment(): Node {
    const start = this.#next;
    const place = this.#place();
    const operator = this.#peek();
    if (place && operator && /^(=|[-+*/%&|^]=|<<=|>>=)$/.test(operator)) {
      this.#next++;
      const value = this.#assignment();
      const apply = operator === '=' ? undefined : this.#operation(operator.slice(0, -1));
      return (scope, depth) => {
        const right = value(scope, depth);
        const result = apply ? apply(read(place, scope, depth), right) : right;
        scope.set(place.name, place.subscript, String(result));
        return result;
      };
    }
    this.#next = start;
    return this.#ternary();
  }

  #ternary(): Node {
    const condition = this.#or();
    if (!this.#take('?')) return condition;
    const yes = this.#comma();
    if (!this.#take(':')) this.#fail("`:' expected for conditional expression");
    const no = this.#assignment();
    return (scope, depth) => (condition(scope, depth) !== 0n ? yes(scope, depth) : no(scope, depth));
  }

  #or(): Node {
    let left = this.#and();
    while (this.#take('||')) {
      const first = left;
      const second = this.#and();
      left = (scope, depth) => bool(first(scope, depth) !== 0n || second(scope, depth) !== 0n);
    }
    return left;
  }

  #and(): Node {
    let left = this.#binary(3);
    while (this.#take('&&')) {
      const first = left;
      const second = this.#binary(3);
      left = (scope, depth) => bool(first(scope, depth) !== 0n && second(scope, depth) !== 0n);
    }
    return left;
  }

  #operation(operator: string): (a: bigint, b: bigint) => bigint {
    const apply = BINARY[operator]![1];
    if (operator !== '/' && operator !== '%') return apply;
    const text = this.#text;
    const divisor = text.slice(this.#tokens[this.#next]?.at ?? 0).trim();
    return (a, b) => {
      if (b === 0n) throw new ShellError(`${text.trim()}: division by 0 (error token is "${divisor}")`);
      return apply(a, b);
    };
  }

  #binary(lowest: number): Node {
    let left = this.#power();
    for (;;) {
      const operator = this.#peek() ?? '';
      const known = Object.hasOwn(BINARY, operator) ? BINARY[operator] : undefined;
      if (!known || known[0] < lowest) return left;
      this.#next++;
      const apply = this.#operation(operator);
      const first = left;
      const second = this.#binary(known[0] + 1);
      left = (scope, depth) => apply(first(scope, depth), second(scope, depth));
    }
  }

  #power(): Node {
    const base = this.#unary();
    if (!this.#take('**')) return base;
    const exponent = this.#power();
    return (scope, depth) => {
      const power = exponent(scope, depth);
      if (power < 0n) throw new ShellError(`${this.#text.trim()}: exponent less than 0`);
      return powerOf(base(scope, depth), power);
    };
  }

  #unary(): Node {
    for (const operator of ['!', '~', '-', '+'] as const) {
      if (!this.#take(operator)) continue;
      const operand = this.#unary();
      if (operator === '!') return (scope, depth) => bool(operand(scope, depth) === 0n);
      if (operator === '~') return (scope, depth) => ~operand(scope, depth);
      if (operator === '-') return (scope, depth) => wrap(-operand(scope, depth));
      return operand;
    }
    for (const [operator, step] of [
      ['++', 1n],
      ['--', -1n],
    ] as const) {
      const start = this.#next;
      if (!this.#take(operator)) continue;
      const place = this.#place();
      if (place) return (scope, depth) => write(place, scope, wrap(read(place, scope, depth) + step));
      this.#next = start;
      this.#next++;
      const operand = this.#unary();
      return operand;
    }
    return this.#primary();
  }

  #primary(): Node {
    if (this.#take('(')) {
      const inner = this.#comma();
      if (!this.#take(')')) this.#fail("missing `)'");
      return inner;
    }
    const place = this.#place();
    if (place) {
      for (const [operator, step] of [
        ['++', 1n],
        ['--', -1n],
      ] as const) {
        if (!this.#take(operator)) continue;
        return (scope, depth) => {
          const old = read(place, scope, depth);
          write(place, scope, wrap(old + step));
          return old;
        };
      }
      return (scope, depth) => read(place, scope, depth);
    }
    const token = this.#peek();
    if (token === undefined || !/^\d/.test(token)) this.#fail('syntax error: operand expected');
    const value = this.#number(token);
    this.#next++;
    return () => value;
  }

  /** A variable or an element of one. */
  #place(): Place | undefined {
    const name = this.#peek();
    if (name === undefined || !/^[A-Za-z_]\w*$/.test(name)) return undefined;
    this.#next++;
    if (this.#peek() !== '[') return { name, subscript: undefined };
    const start = this.#tokens[this.#next]!.at + 1;
    let depth = 0;
    do {
      const token = this.#peek();
      if (token === undefined) this.#fail('bad array subscript');
      if (token === '[') depth++;
      if (token === ']') depth--;
      this.#next++;
    } while (depth > 0);
    return { name, subscript: this.#text.slice(start, this.#tokens[this.#next - 1]!.at) };
  }

  #number(token: string): bigint {
    const based = /^(\d+)#([\w@]+)$/.exec(token);
    if (based) return this.#inBase(Number(based[1]), based[2]!);
    if (/^0[xX]/.test(token)) return wrap(BigInt(token));
    if (/^0\d/.test(token)) {
      if (/[89]/.test(token)) this.#fail('value too great for base');
      return this.#inBase(8, token.slice(1));
    }
    if (!/^\d+$/.test(token)) this.#fail('value too great for base');
    return wrap(BigInt(token));
  }

  #inBase(base: number, digits: string): bigint {
    if (base < 2 || base > 64) this.#fail('invalid arithmetic base');
    let value = 0n;
    for (const digit of digits) {
      let worth = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_'.indexOf(digit);
      if (base <= 36 && worth >= 36 && worth < 62) worth -= 26;
      if (worth < 0 || worth >= base) this.#fail('value too great for base');
      value = value * BigInt(base) + BigInt(worth);
    }
    return wrap(value);
  }
}

/** By squaring, wrapping at every step, so that a huge exponent costs nothing. */
function powerOf(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let left = exponent, square = base; left > 0n; left >>= 1n) {
    if (left & 1n) result = wrap(result * square);
    square = wrap(square * square);
  }
  return result;
}

function read(place: Place, scope: ArithmeticScope, depth: number): bigint {
  const text = scope.get(place.name, place.subscript);
  return text ? evaluateArithmetic(text, scope, depth + 1) : 0n;
}

function write(place: Place, scope: ArithmeticScope, value: bigint): bigint {
  scope.set(place.name, place.subscript, String(value));
  return value;
}
