import { ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { substituteCommand, substituteProcess } from '../run/substitution.ts';
import { parseHereText, parseText } from '../syntax/parse.ts';
import type { Arithmetic, Part, WordNode, WordPart } from '../syntax/tree.ts';
import { expandBraces } from './brace.ts';
import { glob } from './glob.ts';
import { expandParameter } from './parameter.ts';
import { escapePattern, escapeRegExp, hasPattern } from './pattern.ts';

/** A piece of an expanded word, or the border between two words of `"$@"`; at a soft one (`$@`) empty words vanish. */
type Piece = { text: string; quoted: boolean; split: boolean } | 'border' | 'soft border';

function isBorder(piece: Piece): piece is 'border' | 'soft border' {
  return typeof piece === 'string';
}

const MOST_WORDS = 100_000;

/** The words that a list of words becomes: braces, expansions, splitting, file names. */
export async function expandWords(sh: ShellProcess, words: readonly WordNode[]): Promise<string[]> {
  const result: string[] = [];
  for (const word of words) {
    const simple = plainText(word);
    if (simple !== undefined) result.push(simple);
    else for (const field of await expandWord(sh, word)) result.push(field);
    if (result.length > MOST_WORDS)
      throw new ShellError(`a line became more than ${MOST_WORDS} words`, { fatal: true });
  }
  return result;
}

/** The text of a word that needs no work. */
function plainText(word: WordNode): string | undefined {
  if (word.parts.length !== 1) return undefined;
  const part = word.parts[0]!;
  if (part.type === 'SingleQuoted') return part.value;
  return part.type === 'Literal' && !/[*?[~]/.test(part.value) ? part.value : undefined;
}

async function expandWord(sh: ShellProcess, word: WordNode): Promise<string[]> {
  const fields: string[] = [];
  for (const parts of expandBraces(word.parts, sh.options.has('braceexpand'))) {
    const pieces: Piece[] = [];
    for (const part of parts) await pieceOf(sh, part, false, pieces);
    for (const field of splitFields(pieces, sh.variables.value('IFS') ?? ' \t\n')) {
      if (field.pattern === undefined || sh.options.has('noglob')) fields.push(field.text);
      else fields.push(...(await glob(sh, field.pattern, field.text)));
    }
  }
  return fields;
}

/** One text without splitting and file names: assignments, redirections, `case` words. */
export async function expandToString(sh: ShellProcess, word: WordNode, quoted = false): Promise<string> {
  const simple = plainText(word);
  if (simple !== undefined) return simple;
  const pieces: Piece[] = [];
  for (const part of word.parts) await pieceOf(sh, part, quoted, pieces);
  return pieces.map((piece) => (isBorder(piece) ? ' ' : piece.text)).join('');
}

/** A word as a pattern: what was quoted matches only itself. */
export async function expandPattern(sh: ShellProcess, word: WordNode): Promise<string> {
  const pieces: Piece[] = [];
  for (const part of word.parts) await pieceOf(sh, part, false, pieces);
  return pieces
    .map((piece) => (isBorder(piece) ? ' ' : piece.quoted ? escapePattern(piece.text) : piece.text))
    .join('');
}

/** The replacement of `${x/pattern/word}`: an `&` outside quotes stands for what matched. */
export async function expandReplacement(sh: ShellProcess, word: WordNode): Promise<(match: string) => string> {
  const pieces: Piece[] = [];
  for (const part of word.parts) await pieceOf(sh, part, false, pieces);
  return (match) =>
    pieces
      .map((piece) => (isBorder(piece) ? ' ' : piece.quoted ? piece.text : piece.text.replaceAll('&', () => match)))
      .join('');
}

/** A word as an extended regular expression: what was quoted matches only itself. */
export async function expandRegExp(sh: ShellProcess, word: WordNode): Promise<string> {
  let source = '';
  for (const part of word.parts) {
    const pieces: Piece[] = [];
    await pieceOf(sh, part, false, pieces);
    for (const piece of pieces) {
      if (isBorder(piece)) source += ' ';
      else source += piece.quoted ? escapeRegExp(piece.text) : piece.text;
    }
  }
  return source;
}

/** Text that holds expansions: subscripts, operands of `-eq`. */
export async function expandText(sh: ShellProcess, text: string): Promise<string> {
  return /[$`"'\\]/.test(text) ? expandToString(sh, parseText(text)) : text;
}

/** Text with the expansions of a here-document. */
export async function expandHereText(sh: ShellProcess, text: string): Promise<string> {
  return (await expandToString(sh, parseHereText(text), true)).replace(/\n$/, '');
}

/** The text of an arithmetic expression, its `$` expansions made. */
export async function arithmeticText(sh: ShellProcess, expression: Arithmetic): Promise<string> {
  // The parser writes the `<=` of `((…))` as `< =`; no valid expression holds these pairs apart.
  const text = (expression.originalText ?? '0').replace(/([<>]) +(?=[<>=])/g, '$1');
  if (!/[$`"'\\]/.test(text)) return text;
  return (await expandToString(sh, parseText(text.replace(/["']/g, '')), true)).trim();
}

async function pieceOf(sh: ShellProcess, part: WordPart, quoted: boolean, out: Piece[]): Promise<void> {
  switch (part.type) {
    case 'Literal':
      out.push({ text: part.value, quoted, split: false });
      return;
    case 'Glob':
      out.push({ text: part.pattern, quoted, split: false });
      return;
    case 'SingleQuoted':
    case 'Escaped':
      out.push({ text: part.value, quoted: true, split: false });
      return;
    case 'DoubleQuoted': {
      const before = out.length;
      for (const inner of part.parts) await pieceOf(sh, inner, true, out);
      // "" is a word; "$@" without parameters is none.
      if (out.length === before && !part.parts.some(isList)) out.push({ text: '', quoted: true, split: false });
      return;
    }
    case 'TildeExpansion':
      out.push({ text: tilde(sh, part), quoted: true, split: false });
      return;
    case 'ParameterExpansion': {
      const nested = quoted ? undefined : unquotedDefault(part);
      if (nested && (await choosesWord(sh, part))) {
        for (const inner of nested.parts) {
          const start = out.length;
          await pieceOf(sh, inner, false, out);
          // A bare word after `:-` is split as the value would be.
          for (const piece of out.slice(start)) if (!isBorder(piece) && !piece.quoted) piece.split = true;
        }
        return;
      }
      const { values, list } = await expandParameter(sh, part, quoted);
      if (list === '*' && quoted) {
        const separator = (sh.variables.value('IFS') ?? ' ').slice(0, 1);
        out.push({ text: values.join(separator), quoted: true, split: false });
        return;
      }
      values.forEach((text, index) => {
        if (index > 0) out.push(quoted ? 'border' : 'soft border');
        out.push({ text, quoted, split: !quoted });
      });
      if (quoted && values.length === 0 && !list) out.push({ text: '', quoted: true, split: false });
      return;
    }
    case 'CommandSubstitution':
      out.push({ text: await substituteCommand(sh, part.body), quoted, split: !quoted });
      return;
    case 'ArithmeticExpansion':
      out.push({ text: await arithmeticValue(sh, part.expression), quoted, split: !quoted });
      return;
    case 'ProcessSubstitution':
      out.push({ text: await substituteProcess(sh, part.body, part.direction), quoted: true, split: false });
      return;
    case 'BraceExpansion':
      // Here braces are ordinary characters: an assignment or a redirection.
      for (const inner of literalBraces(part)) await pieceOf(sh, inner, quoted, out);
  }
}

/** An expansion that cannot be computed ends the script; in `((…))` it only fails. */
async function arithmeticValue(sh: ShellProcess, expression: Arithmetic): Promise<string> {
  try {
    return String(sh.arithmetic(await arithmeticText(sh, expression)));
  } catch (error) {
    if (error instanceof ShellError) throw new ShellError(error.message, { status: error.status, fatal: true });
    throw error;
  }
}

/** The word of an unquoted `${x:-word}` or `${x:+word}`: its quotes count. */
function unquotedDefault(part: Part<'ParameterExpansion'>): WordNode | undefined {
  const { operation } = part;
  return operation?.type === 'DefaultValue' || operation?.type === 'UseAlternative' ? operation.word : undefined;
}

async function choosesWord(sh: ShellProcess, part: Part<'ParameterExpansion'>): Promise<boolean> {
  const { operation } = part;
  if (operation?.type !== 'DefaultValue' && operation?.type !== 'UseAlternative') return false;
  const set = { type: 'Word' as const, parts: [{ type: 'Literal' as const, value: 'x' }] };
  const probe = { ...operation, type: 'UseAlternative' as const, word: set };
  const { values } = await expandParameter(sh, { ...part, operation: probe }, true);
  return (values[0] === 'x') === (operation.type === 'UseAlternative');
}

function isList(part: WordPart): boolean {
  return (
    part.type === 'ParameterExpansion' &&
    /(^@$|\[@\]$)/.test(part.parameter || (part.operation?.type === 'ArrayKeys' ? '@' : ''))
  );
}

function tilde(sh: ShellProcess, part: Part<'TildeExpansion'>): string {
  if (part.user === null) return sh.variables.value('HOME') ?? '/';
  if (part.user === '+') return sh.cwd;
  if (part.user === '-') return sh.variables.value('OLDPWD') ?? '~-';
  return part.user === 'root' ? '/root' : `/home/${part.user}`;
}

function literalBraces(part: Part<'BraceExpansion'>): WordPart[] {
  const parts: WordPart[] = [{ type: 'Literal', value: '{' }];
  part.items.forEach((item, index) => {
    if (index > 0) parts.push({ type: 'Literal', value: ',' });
    if (item.type === 'Word') parts.push(...item.word.parts);
    else {
      const step = item.step === undefined ? '' : `..${item.step}`;
      parts.push({ type: 'Literal', value: `${item.startStr ?? item.start}..${item.endStr ?? item.end}${step}` });
    }
  });
  return [...parts, { type: 'Literal', value: '}' }];
}

interface Field {
  text: string;
  /** Present when unquoted text holds pattern characters. */
  pattern: string | undefined;
}

/** Cuts pieces into fields at IFS characters of unquoted expansions. */
function splitFields(pieces: Piece[], ifs: string): Field[] {
  const fields: Field[] = [];
  let text = '';
  let pattern = '';
  let isGlob = false;
  let isOpen = false;
  const close = () => {
    if (isOpen) fields.push({ text, pattern: isGlob && hasPattern(pattern) ? pattern : undefined });
    text = pattern = '';
    isGlob = isOpen = false;
  };
  const add = (piece: string, quoted: boolean) => {
    text += piece;
    pattern += quoted ? escapePattern(piece) : piece;
    if (!quoted && /[*?[(]/.test(piece)) isGlob = true;
    isOpen = true;
  };
  for (const piece of pieces) {
    if (isBorder(piece)) {
      isOpen ||= piece === 'border';
      close();
      continue;
    }
    if (!piece.split || ifs === '') {
      if (piece.quoted || piece.text !== '') add(piece.text, piece.quoted);
      continue;
    }
    let current = '';
    let afterSpace = false;
    for (const char of piece.text) {
      if (!ifs.includes(char)) {
        current += char;
        afterSpace = false;
        continue;
      }
      if (current !== '') add(current, false);
      current = '';
      if (/[ \t\n]/.test(char)) {
        afterSpace ||= isOpen;
        close();
      } else {
        // A separator that is no white space ends a field even when it is empty, but not the one before " : ".
        if (!afterSpace) isOpen = true;
        close();
        afterSpace = false;
      }
    }
    if (current !== '') add(current, false);
  }
  close();
  return fields;
}
