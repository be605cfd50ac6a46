import { goPrint } from '#kube/api/go-json.ts';

/** What a template cannot do with the data it got, or text that is no template. */
export class TemplateError extends Error {
  /** True when the text is no template. */
  isParsing = false;
}

type Node =
  | { type: 'text'; text: string }
  | { type: 'print'; pipe: Pipe }
  | { type: 'if' | 'with' | 'range'; pipe: Pipe; body: Node[]; otherwise: Node[] };

interface Pipe {
  declares: string[];
  commands: Expression[][];
}
type Expression =
  | { type: 'literal'; value: unknown }
  | { type: 'path'; fields: string[]; from?: Expression }
  | { type: 'variable'; name: string; fields: string[] }
  | { type: 'function'; name: string }
  | { type: 'pipe'; pipe: Pipe; fields: string[] };

interface Scope {
  dot: unknown;
  variables: Map<string, unknown>;
}

/** The part of Go's text/template that people use with kubectl: pipelines, if, with, range, variables, common functions. */
export function renderGoTemplate(template: string, data: unknown): string {
  return run(parseTemplate(template), { dot: data, variables: new Map([['$', data]]) });
}

function parseTemplate(template: string): Node[] {
  try {
    return new Parser(template).parse();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const wrong = new TemplateError(`template: output:1: ${error.message}`);
    wrong.isParsing = true;
    throw wrong;
  }
}

function run(nodes: Node[], scope: Scope): string {
  let out = '';
  for (const node of nodes) {
    if (node.type === 'text') out += node.text;
    else if (node.type === 'print') {
      const value = evaluate(node.pipe, scope);
      if (node.pipe.declares.length === 0)
        out += value === undefined ? '<no value>' : value === null ? '<no value>' : goPrint(value);
    } else if (node.type === 'range') out += range(node, scope);
    else {
      const inner: Scope = { dot: scope.dot, variables: new Map(scope.variables) };
      const value = evaluate(node.pipe, inner);
      if (isTrue(value)) out += run(node.body, node.type === 'with' ? { ...inner, dot: value } : inner);
      else out += run(node.otherwise, inner);
    }
  }
  return out;
}

function range(node: Extract<Node, { body: Node[] }>, scope: Scope): string {
  const value = evaluate({ ...node.pipe, declares: [] }, scope);
  const entries: [unknown, unknown][] = Array.isArray(value)
    ? value.map((each, i) => [i, each])
    : value !== null && typeof value === 'object'
      ? Object.keys(value)
          .sort()
          .map((key) => [key, (value as Record<string, unknown>)[key]])
      : [];
  if (value !== undefined && value !== null && typeof value !== 'object') {
    throw new TemplateError(`range can't iterate over ${goPrint(value)}`);
  }
  if (entries.length === 0) return run(node.otherwise, scope);
  let out = '';
  for (const [key, each] of entries) {
    const variables = new Map(scope.variables);
    const { declares } = node.pipe;
    if (declares.length === 1) variables.set(declares[0]!, each);
    if (declares.length === 2) variables.set(declares[0]!, key).set(declares[1]!, each);
    out += run(node.body, { dot: each, variables });
  }
  return out;
}

const isTrue = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0
    : value !== null && typeof value === 'object'
      ? Object.keys(value).length > 0
      : Boolean(value);

function evaluate(pipe: Pipe, scope: Scope): unknown {
  let value: unknown;
  pipe.commands.forEach((command, i) => {
    value = call(command, i > 0 ? [value] : [], scope);
  });
  for (const name of pipe.declares) scope.variables.set(name, value);
  return value;
}

function call(command: Expression[], piped: unknown[], scope: Scope): unknown {
  const [head, ...rest] = command;
  if (head?.type !== 'function') {
    if (rest.length > 0 || piped.length > 0) throw new TemplateError(`can't give argument to non-function`);
    return value(head!, scope);
  }
  if (head.name === 'and' || head.name === 'or') {
    let last: unknown;
    for (const each of [...rest.map((arg) => () => value(arg, scope)), ...piped.map((arg) => () => arg)]) {
      last = each();
      if (isTrue(last) === (head.name === 'or')) return last;
    }
    return last;
  }
  const fn = FUNCTIONS[head.name];
  if (!fn) throw new TemplateError(`function "${head.name}" not defined`);
  return fn([...rest.map((arg) => value(arg, scope)), ...piped]);
}

function value(expression: Expression, scope: Scope): unknown {
  switch (expression.type) {
    case 'literal':
      return expression.value;
    case 'path':
      return fields(scope.dot, expression.fields);
    case 'variable':
      if (!scope.variables.has(expression.name)) throw new TemplateError(`undefined variable "${expression.name}"`);
      return fields(scope.variables.get(expression.name), expression.fields);
    case 'pipe':
      return fields(evaluate(expression.pipe, { ...scope }), expression.fields);
    case 'function':
      return call([expression], [], scope);
  }
}

function fields(start: unknown, names: string[]): unknown {
  let now = start;
  for (const name of names) {
    if (now === undefined || now === null) {
      throw new TemplateError(`nil pointer evaluating interface {}.${name}`);
    }
    if (typeof now !== 'object' || Array.isArray(now)) {
      throw new TemplateError(`can't evaluate field ${name} in type interface {}`);
    }
    now = (now as Record<string, unknown>)[name];
  }
  return now;
}

const order = (a: unknown, b: unknown): number => ((a as number) < (b as number) ? -1 : a === b ? 0 : 1);

const FUNCTIONS: Record<string, (args: unknown[]) => unknown> = {
  not: ([a]) => !isTrue(a),
  eq: ([a, ...rest]) => rest.some((each) => each === a),
  ne: ([a, b]) => a !== b,
  lt: ([a, b]) => order(a, b) < 0,
  le: ([a, b]) => order(a, b) <= 0,
  gt: ([a, b]) => order(a, b) > 0,
  ge: ([a, b]) => order(a, b) >= 0,
  len: ([a]) => (typeof a === 'object' && a !== null ? Object.keys(a).length : Buffer.byteLength(String(a))),
  index: ([start, ...keys]) =>
    keys.reduce((now: unknown, key) => {
      if (now === undefined || now === null) throw new TemplateError('error calling index: index of untyped nil');
      if (Array.isArray(now) && (Number(key) >= now.length || Number(key) < 0)) {
        throw new TemplateError(`error calling index: reflect: slice index out of range`);
      }
      return (now as Record<string, unknown>)[String(key)];
    }, start),
  print: (args) => args.map(goPrint).join(' '),
  println: (args) => `${args.map(goPrint).join(' ')}\n`,
  printf: ([format, ...args]) => sprintf(String(format), args),
  exists: ([start, ...keys]) => {
    let now = start;
    for (const key of keys) {
      if (now === null || typeof now !== 'object') return false;
      now = (now as Record<string, unknown>)[String(key)];
      if (now === undefined) return false;
    }
    return true;
  },
  base64decode: ([a]) => Buffer.from(String(a), 'base64').toString('utf8'),
  html: ([a]) => String(a).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`),
  js: ([a]) => JSON.stringify(String(a)).slice(1, -1),
  urlquery: ([a]) => encodeURIComponent(String(a)).replaceAll('%20', '+'),
};

function sprintf(format: string, args: unknown[]): string {
  let next = 0;
  return format.replace(
    /%([-+ 0]*)(\d*)(?:\.(\d+))?([vsdqftx%])/g,
    (_, flags: string, width: string, precision, verb) => {
      if (verb === '%') return '%';
      const arg = args[next++];
      let text = verb === 'q' ? JSON.stringify(String(arg)) : goPrint(arg);
      if (verb === 'f') text = Number(arg).toFixed(precision === undefined ? 6 : Number(precision));
      if (verb === 'x') text = typeof arg === 'number' ? arg.toString(16) : Buffer.from(String(arg)).toString('hex');
      if (!width) return text;
      return flags.includes('-')
        ? text.padEnd(Number(width))
        : text.padStart(Number(width), flags.includes('0') ? '0' : ' ');
    },
  );
}

const TOKEN =
  /\s+|"(?:[^"\\]|\\.)*"|`[^`]*`|:=|=|\||\(|\)(?:\.[\w]+)*|,|\$[\w]*(?:\.[\w]+)*|(?:\.[A-Za-z_][\w]*)+|\.|-?\d+(?:\.\d+)?|[A-Za-z_]\w*/gy;

class Parser {
  readonly #parts: { text?: string; action?: string }[] = [];
  #at = 0;

  constructor(template: string) {
    let trim = false;
    let from = 0;
    for (const match of template.matchAll(/\{\{(- )?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`])*?)( -)?\}\}/gs)) {
      let text = template.slice(from, match.index);
      if (trim) text = text.trimStart();
      if (match[1]) text = text.trimEnd();
      this.#parts.push({ text }, { action: match[2]!.trim() });
      trim = match[3] !== undefined;
      from = match.index + match[0].length;
    }
    const rest = template.slice(from);
    if (rest.includes('{{')) throw new TemplateError('unclosed action');
    this.#parts.push({ text: trim ? rest.trimStart() : rest });
  }

  parse(): Node[] {
    const { nodes, ended } = this.#list();
    if (ended !== '') throw new TemplateError(`unexpected {{${ended}}}`);
    return nodes;
  }

  #list(): { nodes: Node[]; ended: string } {
    const nodes: Node[] = [];
    while (this.#at < this.#parts.length) {
      const part = this.#parts[this.#at++]!;
      if (part.text !== undefined) {
        if (part.text !== '') nodes.push({ type: 'text', text: part.text });
        continue;
      }
      const action = part.action!;
      if (action.startsWith('/*')) continue;
      if (action === 'end' || /^else\b/.test(action)) return { nodes, ended: action };
      const block = /^(if|with|range)\s+(.*)$/s.exec(action);
      if (block) nodes.push(this.#block(block[1] as 'if' | 'with' | 'range', block[2]!));
      else nodes.push({ type: 'print', pipe: parsePipe(action) });
    }
    return { nodes, ended: '' };
  }

  #block(type: 'if' | 'with' | 'range', text: string): Node {
    const pipe = parsePipe(text);
    const body = this.#list();
    if (body.ended === '') throw new TemplateError('unexpected EOF');
    if (body.ended === 'end') return { type, pipe, body: body.nodes, otherwise: [] };
    const nested = /^else\s+(if|with)\s+(.*)$/s.exec(body.ended);
    if (nested) {
      return { type, pipe, body: body.nodes, otherwise: [this.#block(nested[1] as 'if' | 'with', nested[2]!)] };
    }
    const otherwise = this.#list();
    if (otherwise.ended !== 'end') throw new TemplateError('unexpected EOF');
    return { type, pipe, body: body.nodes, otherwise: otherwise.nodes };
  }
}

function parsePipe(text: string): Pipe {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match) throw new TemplateError(`unexpected ${JSON.stringify(text)} in command`);
    if (match[0].trim() !== '') tokens.push(match[0]);
  }
  return new PipeParser(tokens).pipe();
}

class PipeParser {
  readonly #tokens: string[];
  #at = 0;
  constructor(tokens: string[]) {
    this.#tokens = tokens;
  }

  pipe(): Pipe {
    const declares: string[] = [];
    const assign = this.#tokens.indexOf(':=', this.#at) >= 0 ? ':=' : '=';
    const at = this.#tokens.indexOf(assign, this.#at);
    if (at >= 0 && this.#tokens[this.#at]!.startsWith('$')) {
      declares.push(...this.#tokens.slice(this.#at, at).filter((token) => token.startsWith('$')));
      this.#at = at + 1;
    }
    const commands: Expression[][] = [[]];
    while (this.#at < this.#tokens.length && !this.#tokens[this.#at]!.startsWith(')')) {
      const token = this.#tokens[this.#at++]!;
      if (token === '|') commands.push([]);
      else commands.at(-1)!.push(this.#operand(token));
    }
    if (commands.some((command) => command.length === 0)) throw new TemplateError('missing value for command');
    return { declares, commands };
  }

  #operand(token: string): Expression {
    if (token === '(') {
      const pipe = this.pipe();
      const close = this.#tokens[this.#at++];
      if (!close) throw new TemplateError('unclosed left paren');
      return { type: 'pipe', pipe, fields: close.split('.').slice(1) };
    }
    if (token.startsWith('"')) return { type: 'literal', value: unquote(token) };
    if (token.startsWith('`')) return { type: 'literal', value: token.slice(1, -1) };
    if (token.startsWith('$')) {
      const [name, ...rest] = token.split('.');
      return { type: 'variable', name: name!, fields: rest };
    }
    if (token === '.') return { type: 'path', fields: [] };
    if (token.startsWith('.')) return { type: 'path', fields: token.slice(1).split('.') };
    if (/^-?\d/.test(token)) return { type: 'literal', value: Number(token) };
    if (token === 'true' || token === 'false') return { type: 'literal', value: token === 'true' };
    if (token === 'nil') return { type: 'literal', value: null };
    if (!(token in FUNCTIONS) && token !== 'and' && token !== 'or') {
      throw new TemplateError(`function ${JSON.stringify(token)} not defined`);
    }
    return { type: 'function', name: token };
  }
}

function unquote(token: string): string {
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
  return token.slice(1, -1).replace(/\\(.)/gs, (_, char: string) => escapes[char] ?? char);
}
