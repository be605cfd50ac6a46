import type { ScriptNode, StatementNode, WordNode } from './tree.ts';

type Parser = typeof import('./parser.ts');

let parser: Parser | undefined;
let loading: Promise<Parser> | undefined;

/** Loads the parser; some 20 ms, once a thread. */
export function loadParser(): Promise<Parser> {
  loading ??= import('./parser.ts').then((module) => {
    parser = module;
    return module;
  });
  return loading;
}

/** What bash would say about a script that it cannot read. */
export class SyntaxProblem extends Error {
  readonly line: number;
  /** The script ends where more has to come. */
  readonly incomplete: boolean;
  constructor(message: string, line: number, incomplete: boolean) {
    super(message);
    this.line = line;
    this.incomplete = incomplete;
  }
}

const CACHED_SCRIPTS = 200;
const cache = new Map<string, ScriptNode>();

/** Parses a script; throws {@link SyntaxProblem}. The parser must be loaded. */
export function parseScript(text: string): ScriptNode {
  const known = cache.get(text);
  if (known) return known;
  const script = parseFresh(text);
  if (text.length < 4096) {
    if (cache.size >= CACHED_SCRIPTS) cache.delete(cache.keys().next().value!);
    cache.set(text, script);
  }
  return script;
}

function parseFresh(text: string): ScriptNode {
  if (!parser) throw new Error('the parser is not loaded');
  let script: ScriptNode;
  try {
    script = parser.parse(withPlainNegation(text));
  } catch (error) {
    throw problemOf(error as ParserError, text);
  }
  const gap = findGap(script);
  if (gap) {
    const lines = text.split('\n').length;
    if (gap === 'end') throw new SyntaxProblem('syntax error: unexpected end of file', lines + 1, true);
    throw new SyntaxProblem(`syntax error near unexpected token \`${gap}'`, script.statements[0]?.line ?? 1, false);
  }
  return script;
}

/** The longest prefix of whole lines that can be read: bash runs it before it stumbles over the rest. */
export function readablePrefix(text: string, problem: SyntaxProblem): ScriptNode | undefined {
  const lines = text.split('\n');
  const start = Math.min(lines.length, Math.max(problem.line, 1)) - 1;
  for (let count = start, tries = 0; count > 0 && tries < 50; count--, tries++) {
    try {
      const script = parseFresh(lines.slice(0, count).join('\n') + '\n');
      return script.statements.length > 0 && !hasOpenHereDoc(script) ? script : undefined;
    } catch {
      // a shorter prefix may do
    }
  }
  return undefined;
}

/** The parser takes `((!x))` for two subshells; with something in front of the `!` it sees the arithmetic. */
function withPlainNegation(text: string): string {
  if (!/\(\([ \t]*!/.test(text)) return text;
  return text.replace(/(^|[\s;&|!])\(\(([ \t]*)!(?!=)/g, (match, before: string, space: string, at: number) =>
    inQuotes(text, at) ? match : `${before}((${space}0||!`,
  );
}

interface ParserError extends Error {
  line?: number;
  token?: { type: string; value: string; line: number; heredocTerminated?: boolean };
}

function problemOf(error: ParserError, text: string): SyntaxProblem {
  const message = error.message.replace(/^Parse error at \d+:\d+: /, '').replace(/^line \d+: /, '');
  const line = error.token?.line || error.line || Number(/^line (\d+)/.exec(error.message)?.[1] ?? 1);
  const last = text.split('\n').length;
  const matching = /unexpected EOF while looking for matching [`'"](.+?)['"]?$/.exec(message);
  if (matching) {
    const quote = matching[1]!.replace(/'$/, '') || "'";
    return new SyntaxProblem(`unexpected EOF while looking for matching \`${quote}'`, line || 1, true);
  }
  if (error.token?.type === 'EOF' || error.token?.heredocTerminated === false) {
    if (/bad substitution/.test(message)) return new SyntaxProblem(message, line, false);
    if (/redirection target|here-document delimiter/.test(message) || text.trimEnd().endsWith('<'))
      return new SyntaxProblem("syntax error near unexpected token `newline'", line, false);
    return new SyntaxProblem('syntax error: unexpected end of file', last + (text.endsWith('\n') ? 0 : 1), true);
  }
  if (error.token && !/near unexpected token/.test(message)) {
    const token = error.token.type === 'NEWLINE' ? 'newline' : error.token.value;
    return new SyntaxProblem(`syntax error near unexpected token \`${token}'`, line, false);
  }
  return new SyntaxProblem(message, line, false);
}

type Gap = 'end' | '&&' | '||' | '|' | undefined;

/** The parser accepts `a &&` and `a | | b`; bash does not. Looks for the empty command that they leave. */
function findGap(script: ScriptNode): Gap {
  for (const statement of script.statements) {
    const gap = gapOf(statement);
    if (gap) return gap;
  }
  return undefined;
}

function gapOf(statement: StatementNode): Gap {
  const { pipelines, operators } = statement;
  if (pipelines.length === 1 && pipelines[0]!.commands.length === 1) return undefined;
  for (const [at, pipeline] of pipelines.entries()) {
    for (const [index, command] of pipeline.commands.entries()) {
      if (command.type !== 'SimpleCommand') continue;
      if (command.name || command.assignments.length > 0 || command.redirections.length > 0) continue;
      if (at === pipelines.length - 1 && index === pipeline.commands.length - 1) return 'end';
      if (index < pipeline.commands.length - 1) return '|';
      const operator = operators[at];
      if (operator === '&&' || operator === '||') return operator;
    }
  }
  return undefined;
}

function hasOpenHereDoc(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasOpenHereDoc);
  if (typeof value !== 'object' || value === null) return false;
  const node = value as { type?: string; terminated?: boolean };
  if (node.type === 'HereDoc' && node.terminated === false) return true;
  return Object.values(value).some(hasOpenHereDoc);
}

/** Whether a prompt must ask for another line. Without the parser (not loaded yet) only quotes are counted. */
export function isIncompleteScript(text: string): boolean {
  if (/(^|[^\\])(\\\\)*\\\n?$/.test(text) && !endsInComment(text)) return true;
  if (openArithmetic(text)) return true;
  if (!parser) return (text.replace(/\\./g, '').match(/'/g)?.length ?? 0) % 2 === 1;
  try {
    return hasOpenHereDoc(parseFresh(text));
  } catch (error) {
    return error instanceof SyntaxProblem && error.incomplete;
  }
}

/** The parser accepts a `$((` that is never closed. */
function openArithmetic(text: string): boolean {
  const plain = text.replace(/'[^']*'/g, '');
  const count = (part: string) => plain.split(part).length - 1;
  return count('$((') > 0 && count('$((') > count('))');
}

function endsInComment(text: string): boolean {
  return /(^|\n)\s*#[^\n]*$/.test(text.replace(/\n$/, ''));
}

const words = new Map<string, WordNode>();

/** Text as inside double quotes, or as the right side of an assignment when it brings its own quotes. */
export function parseText(text: string): WordNode {
  const known = words.get(text);
  if (known) return known;
  const quoted = /["']/.test(text);
  const source = quoted
    ? text.replace(/[ \t;&|<>()]/g, (char, at: number) => (inQuotes(text, at) ? char : `\\${char}`))
    : `"${text}"`;
  const statement = parseFresh(`_=${source}`).statements[0]?.pipelines[0]?.commands[0];
  const word = (statement?.type === 'SimpleCommand' && statement.assignments[0]?.value) || {
    type: 'Word' as const,
    parts: [{ type: 'SingleQuoted' as const, value: text }],
  };
  if (words.size >= CACHED_SCRIPTS) words.clear();
  words.set(text, word);
  return word;
}

function inQuotes(text: string, at: number): boolean {
  let quote = '';
  for (let i = 0; i < at; i++) {
    const char = text[i]!;
    if (char === '\\' && quote !== "'") i++;
    else if (quote === char) quote = '';
    else if (!quote && (char === '"' || char === "'")) quote = char;
  }
  return quote !== '';
}

/** Text with the expansions of a here-document: quotes are ordinary characters. */
export function parseHereText(text: string): WordNode {
  let end = '_END_';
  while (text.includes(end)) end += '_';
  const command = parseFresh(`: <<${end}\n${text}\n${end}\n`).statements[0]?.pipelines[0]?.commands[0];
  const target = command?.type === 'SimpleCommand' ? command.redirections[0]?.target : undefined;
  if (target?.type !== 'HereDoc') throw new SyntaxProblem('syntax error', 1, false);
  return target.content;
}

/** A command's source again, for aliases, `declare -f` and job lists. */
export function sourceOf(statements: StatementNode[]): string {
  if (!parser) throw new Error('the parser is not loaded');
  return parser.serialize({ type: 'Script', statements });
}
