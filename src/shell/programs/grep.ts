import type { Command, CommandContext } from '../command.ts';
import { basicSource, escapeRegExp, extendedSource, matchesPattern } from '../expand/pattern.ts';
import { reasonOf } from '../run/errors.ts';
import type { ByteReader } from '../stdio.ts';
import { type Options, parseOptions, UsageError } from './arguments.ts';
import { program } from './define.ts';
import { lineGroups, openInput } from './input.ts';

const LONG = [
  'extended-regexp',
  'fixed-strings',
  'basic-regexp',
  'perl-regexp',
  'regexp:',
  'file:',
  'ignore-case',
  'no-ignore-case',
  'word-regexp',
  'line-regexp',
  'invert-match',
  'count',
  'color::',
  'colour::',
  'files-with-matches',
  'files-without-match',
  'max-count:',
  'only-matching',
  'quiet',
  'silent',
  'no-messages',
  'line-number',
  'with-filename',
  'no-filename',
  'after-context:',
  'before-context:',
  'context:',
  'recursive',
  'include:',
  'exclude:',
  'line-buffered',
  'text',
  'null',
];
const ALIAS: Record<string, string> = {
  'extended-regexp': 'E',
  'fixed-strings': 'F',
  'basic-regexp': 'G',
  'perl-regexp': 'P',
  regexp: 'e',
  file: 'f',
  'ignore-case': 'i',
  'word-regexp': 'w',
  'line-regexp': 'x',
  'invert-match': 'v',
  count: 'c',
  colour: 'color',
  'files-with-matches': 'l',
  'files-without-match': 'L',
  'max-count': 'm',
  'only-matching': 'o',
  quiet: 'q',
  silent: 'q',
  'no-messages': 's',
  'line-number': 'n',
  'with-filename': 'H',
  'no-filename': 'h',
  'after-context': 'A',
  'before-context': 'B',
  context: 'C',
  recursive: 'r',
  text: 'a',
  R: 'r',
  y: 'i',
};

function expressionOf(options: Options, patterns: string[], kind: string): RegExp {
  const sources = patterns.map((pattern) => {
    if (kind === 'F') return escapeRegExp(pattern);
    if (kind === 'P') return pattern;
    return kind === 'E' ? extendedSource(pattern) : basicSource(pattern);
  });
  let source = sources.map((each) => `(?:${each})`).join('|');
  if (options.has('w')) source = `(?<!\\w)(?:${source})(?!\\w)`;
  if (options.has('x')) source = `^(?:${source})$`;
  try {
    return new RegExp(source, options.has('i') ? 'giu' : 'gu');
  } catch {
    try {
      return new RegExp(source, options.has('i') ? 'gi' : 'g');
    } catch (error) {
      throw new UsageError(`invalid regular expression: ${(error as Error).message}`, 2);
    }
  }
}

interface Style {
  names: boolean;
  numbers: boolean;
  only: boolean;
  color: boolean;
  before: number;
  after: number;
  most: number;
  invert: boolean;
  counts: boolean;
  quiet: boolean;
  listing: 'with' | 'without' | undefined;
}

const paint = (style: Style, code: string, text: string) =>
  style.color ? `\x1b[${code}m\x1b[K${text}\x1b[m\x1b[K` : text;

/** Searches one stream; writes what it finds as it is found. Gives the number of selected lines. */
async function search(
  context: CommandContext,
  reader: ByteReader,
  name: string,
  expression: RegExp,
  style: Style,
): Promise<number> {
  let found = 0;
  let number = 0;
  let held: string[] = [];
  let trailing = 0;
  let printed = 0;
  const isSilent = style.quiet || style.counts || style.listing !== undefined;
  const lead = (line: number, mark: ':' | '-') =>
    (style.names ? paint(style, '35', name) + paint(style, '36', mark) : '') +
    (style.numbers ? paint(style, '32', String(line)) + paint(style, '36', mark) : '');
  for await (const lines of lineGroups(reader, context.signal)) {
    let out = '';
    for (const line of lines) {
      number++;
      expression.lastIndex = 0;
      const isSelected = expression.test(line) !== style.invert;
      if (isSelected && found < style.most) {
        found++;
        if (style.quiet || style.listing) return found;
        if (isSilent) continue;
        if (style.only) {
          if (style.invert) continue;
          expression.lastIndex = 0;
          for (const [match] of line.matchAll(expression))
            if (match !== '') out += `${lead(number, ':')}${paint(style, '01;31', match)}\n`;
          continue;
        }
        const first = number - held.length;
        if (style.before + style.after > 0 && printed > 0 && first > printed + 1)
          out += `${paint(style, '36', '--')}\n`;
        held.forEach((each, index) => {
          out += `${lead(first + index, '-')}${each}\n`;
        });
        held = [];
        const shown =
          style.color && !style.invert
            ? line.replace(expression, (match) => (match === '' ? '' : paint(style, '01;31', match)))
            : line;
        out += `${lead(number, ':')}${shown}\n`;
        printed = number;
        trailing = style.after;
      } else if (trailing > 0) {
        trailing--;
        printed = number;
        if (!isSilent && !style.only) out += `${lead(number, '-')}${line}\n`;
      } else if (found >= style.most) {
        break;
      } else if (style.before > 0) {
        held.push(line);
        if (held.length > style.before) held.shift();
      }
    }
    if (out !== '') await context.stdout.write(out);
    if (found >= style.most && trailing === 0) break;
  }
  return found;
}

async function* walk(context: CommandContext, name: string, options: Options): AsyncGenerator<string> {
  const path = context.fs.resolvePath(context.cwd, name);
  if (!(await context.fs.stat(path)).isDirectory) {
    const base = name.slice(name.lastIndexOf('/') + 1);
    const includes = options.given.get('include') ?? [];
    if (includes.length > 0 && !includes.some((pattern) => matchesPattern(base, pattern))) return;
    if ((options.given.get('exclude') ?? []).some((pattern) => matchesPattern(base, pattern))) return;
    yield name;
    return;
  }
  for (const each of (await context.fs.readdir(path)).sort())
    yield* walk(
      context,
      name === '.' && options.operands.length === 0 ? each : `${name.replace(/\/$/, '')}/${each}`,
      options,
    );
}

async function grep(context: CommandContext, fixedKind?: string): Promise<number> {
  const options = parseOptions(
    context.args.map((arg) => (/^-\d+$/.test(arg) ? `-C${arg.slice(1)}` : arg)),
    'EFGPe:f:iywxvcloqsnHhA:B:C:rRm:LaUzT',
    { long: LONG, alias: ALIAS, status: 2 },
  );
  const kind = fixedKind ?? ['P', 'F', 'E'].find((letter) => options.has(letter)) ?? 'G';
  const operands = options.operands.slice();
  const patterns = options.given.get('e')?.slice() ?? [];
  for (const file of options.given.get('f') ?? []) {
    const reader = await openInput(context, file);
    for await (const lines of lineGroups(reader, context.signal)) patterns.push(...lines);
  }
  if (!options.has('e', 'f')) {
    const pattern = operands.shift();
    if (pattern === undefined) throw new UsageError('no pattern given\nUsage: grep [OPTION]... PATTERNS [FILE]...', 2);
    patterns.push(...pattern.split('\n'));
  }
  const numberOf = (letter: string, otherwise: number) => {
    const text = options.value(letter);
    if (text === undefined) return otherwise;
    if (!/^\d+$/.test(text))
      throw new UsageError(`${text}: invalid ${letter === 'm' ? 'max count' : 'context length argument'}`, 2);
    return Number(text);
  };
  const expression = expressionOf(options, patterns.length > 0 ? patterns : ['(?!)'], patterns.length > 0 ? kind : 'P');
  const isRecursive = options.has('r');
  const inputs = operands.length > 0 ? operands : isRecursive ? ['.'] : ['-'];
  const color = options.value('color');
  const style: Style = {
    names: options.has('H') || (!options.has('h') && (inputs.length > 1 || isRecursive)),
    numbers: options.has('n'),
    only: options.has('o'),
    color: color === 'always' || ((color === 'auto' || color === '') && context.tty !== undefined),
    before: numberOf('B', numberOf('C', 0)),
    after: numberOf('A', numberOf('C', 0)),
    most: numberOf('m', Number.POSITIVE_INFINITY),
    invert: options.has('v'),
    counts: options.has('c'),
    quiet: options.has('q'),
    listing: options.has('l') ? 'with' : options.has('L') ? 'without' : undefined,
  };
  let isFound = false;
  let hasFailed = false;
  const one = async (name: string) => {
    const reader = await openInput(context, name);
    const shown = name === '-' ? '(standard input)' : name;
    const found = await search(context, reader, shown, expression, style);
    if (style.listing === 'without' ? found === 0 : found > 0) isFound = true;
    if (style.quiet) return;
    if (style.listing) {
      if ((style.listing === 'with') === found > 0) await context.stdout.write(`${shown}\n`);
    } else if (style.counts) await context.stdout.write(`${style.names ? `${shown}:` : ''}${found}\n`);
  };
  for (const input of inputs) {
    try {
      if (!isRecursive || input === '-') await one(input);
      else for await (const name of walk(context, input, options)) await one(name);
    } catch (error) {
      if (context.signal.aborted) throw error;
      hasFailed = true;
      const text = (error as { code?: string }).code ? `${input}: ${reasonOf(error)}` : (error as Error).message;
      if (!options.has('s'))
        await context.stderr.write(`grep: ${/: /.test(text) ? text : `${input}: ${reasonOf(error)}`}\n`);
    }
    if (style.quiet && isFound) return 0;
  }
  return hasFailed ? 2 : isFound ? 0 : 1;
}

export const grepPrograms: Command[] = [
  program('grep', 'print lines that match', (context) => grep(context)),
  program('egrep', 'grep -E', (context) => grep(context, 'E')),
  program('fgrep', 'grep -F', (context) => grep(context, 'F')),
];
