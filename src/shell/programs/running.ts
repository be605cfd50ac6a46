import type { Command, CommandContext } from '../command.ts';
import { readerOf } from '../pipe.ts';
import { quote } from '../quote.ts';
import { parseOptions, UsageError } from './arguments.ts';
import { program } from './define.ts';
import { openInput } from './input.ts';

const decoder = new TextDecoder();

async function text(context: CommandContext, file: string): Promise<string> {
  const reader = await openInput(context, file);
  const chunks: Uint8Array[] = [];
  for (let chunk = await reader.read(context.signal); chunk; chunk = await reader.read(context.signal))
    chunks.push(chunk);
  return decoder.decode(Buffer.concat(chunks));
}

/** Words as xargs reads them: blanks separate, quotes and backslashes hold together. */
function words(input: string): string[] {
  const result: string[] = [];
  for (const match of input.matchAll(/(?:[^\s"'\\]|\\[\s\S]|"[^"]*"|'[^']*')+/g))
    result.push(
      match[0].replace(/\\([\s\S])|"([^"]*)"|'([^']*)'/g, (_, a?: string, b?: string, c?: string) => a ?? b ?? c ?? ''),
    );
  return result;
}

/** Arguments of one command line at most, as a real system bounds them. */
const MOST_ARGUMENTS = 5000;

const xargs = program('xargs', 'build command lines from stdin', async (context) => {
  const options = parseOptions(context.args, 'n:I:0rP:d:tL:a:s:xp', {
    long: [
      'null',
      'no-run-if-empty',
      'max-args:',
      'replace::',
      'max-procs:',
      'delimiter:',
      'verbose',
      'max-lines:',
      'arg-file:',
    ],
    alias: {
      null: '0',
      'no-run-if-empty': 'r',
      'max-args': 'n',
      replace: 'I',
      'max-procs': 'P',
      delimiter: 'd',
      verbose: 't',
      'max-lines': 'L',
      'arg-file': 'a',
    },
    untilOperand: true,
  });
  const command = options.operands.length > 0 ? options.operands : ['echo'];
  const input = await text(context, options.value('a') ?? '-');
  const placeholder = options.has('I') ? options.value('I') || '{}' : undefined;
  const delimiter = options.has('0')
    ? '\0'
    : options.value('d')?.replace('\\n', '\n').replace('\\0', '\0').replace('\\t', '\t');
  const lines = () =>
    input
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  const items =
    delimiter !== undefined
      ? input.split(delimiter).filter((item, index, all) => item !== '' || index < all.length - 1)
      : placeholder || options.has('L')
        ? lines()
        : words(input);
  const size = placeholder ? 1 : Number(options.value('n') ?? options.value('L') ?? MOST_ARGUMENTS);
  if (!(size > 0)) throw new UsageError('value for -n option should be >= 1');
  const batches: string[][] = [];
  for (let at = 0; at < items.length; at += size) {
    const batch = items.slice(at, at + size);
    batches.push(
      placeholder
        ? command.map((word) => word.replaceAll(placeholder, batch[0]!))
        : [...command, ...(options.has('L') ? batch.flatMap(words) : batch)],
    );
  }
  if (items.length === 0 && !options.has('r') && !placeholder) batches.push(command);
  const workers = Math.max(1, Math.min(Number(options.value('P') ?? 1) || 50, 50));
  let status = 0;
  const work = async () => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) {
      const line = batch.map(quote).join(' ');
      if (options.has('t')) await context.stderr.write(`${line}\n`);
      const code = await context.run(line, { stdin: readerOf('') });
      if (context.signal.aborted) return;
      if (code === 255) {
        batches.length = 0;
        status = 124;
      } else if (code === 126 || code === 127) {
        batches.length = 0;
        status = code;
      } else if (code !== 0 && status === 0) status = 123;
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return status;
});

const env = program('env', 'print or change the environment', async (context) => {
  const options = parseOptions(context.args, 'iu:C:0', {
    long: ['ignore-environment', 'unset:', 'chdir:'],
    alias: { 'ignore-environment': 'i', unset: 'u', chdir: 'C' },
    untilOperand: true,
    status: 125,
  });
  const rest = options.operands.slice();
  const kept: Record<string, string> = options.has('i') ? {} : { ...context.env };
  for (const name of options.given.get('u') ?? []) delete kept[name];
  while (/^[^=]+=/.test(rest[0] ?? '')) {
    const pair = rest.shift()!;
    kept[pair.slice(0, pair.indexOf('='))] = pair.slice(pair.indexOf('=') + 1);
  }
  if (rest.length === 0) {
    for (const [name, value] of Object.entries(kept)) await context.stdout.write(`${name}=${value}\n`);
    return 0;
  }
  const cwd = options.value('C');
  return context.run(rest.map(quote).join(' '), {
    env: kept,
    clearEnv: true,
    ...(cwd ? { cwd: context.fs.resolvePath(context.cwd, cwd) } : {}),
  });
});

const printenv = program('printenv', 'print exported variables', async (context) => {
  const { operands } = parseOptions(context.args, '0');
  if (operands.length === 0) {
    for (const [name, value] of Object.entries(context.env)) await context.stdout.write(`${name}=${value}\n`);
    return 0;
  }
  let status = 0;
  for (const name of operands) {
    if (context.env[name] === undefined) status = 1;
    else await context.stdout.write(`${context.env[name]}\n`);
  }
  return status;
});

const plain = (name: string, summary: string) =>
  program(name, summary, async (context) => {
    const rest = context.args.slice();
    while (/^-/.test(rest[0] ?? '')) if (/^-n$/.test(rest.shift()!)) rest.shift();
    if (rest.length === 0) throw new UsageError('missing operand', 125);
    return context.run(rest.map(quote).join(' '));
  });

const yes = program('yes', 'print a word forever', async (context) => {
  const line = `${context.args.length > 0 ? context.args.join(' ') : 'y'}\n`;
  const block = line.repeat(Math.max(1, Math.floor(4096 / line.length)));
  for (;;) await context.stdout.write(block);
});

/** Numbers printed between two looks at the event loop. */
const SEQ_BLOCK = 1000;

const seq = program('seq', 'print numbers', async (context) => {
  const args = context.args.slice();
  let separator = '\n';
  let isWide = false;
  let format: string | undefined;
  while (/^-[a-z]/.test(args[0] ?? '')) {
    const flag = args.shift()!;
    if (flag === '-w') isWide = true;
    else if (flag.startsWith('-s')) separator = flag.slice(2) || (args.shift() ?? '\n');
    else if (flag.startsWith('-f')) format = flag.slice(2) || args.shift();
    else throw new UsageError(`invalid option -- '${flag.slice(1)}'`);
  }
  if (args.length === 0 || args.length > 3)
    throw new UsageError(args.length === 0 ? 'missing operand' : `extra operand '${args[3]}'`);
  for (const arg of args)
    if (arg.trim() === '' || !Number.isFinite(Number(arg)))
      throw new UsageError(`invalid floating point argument: '${arg}'`);
  const [first, step, last] =
    args.length === 1
      ? [1, 1, Number(args[0])]
      : args.length === 2
        ? [Number(args[0]), 1, Number(args[1])]
        : args.map(Number);
  if (step === 0) throw new UsageError(`invalid Zero increment value: '${args[1]}'`);
  const places = Math.max(...args.slice(0, args.length === 1 ? 1 : 2).map((arg) => arg.split('.')[1]?.length ?? 0), 0);
  const show = (value: number) => {
    if (format)
      return format.replace(/%(0?)(\d*)(?:\.(\d+))?[gfe]/, (_, zero: string, width: string, digits?: string) =>
        (digits === undefined ? String(value) : value.toFixed(Number(digits))).padStart(
          Number(width),
          zero ? '0' : ' ',
        ),
      );
    return value.toFixed(places);
  };
  const total = Math.floor((last! - first!) / step! + 1e-9) + 1;
  const width = isWide ? Math.max(show(first!).length, show(last!).length) : 0;
  for (let at = 0; at < total; at += SEQ_BLOCK) {
    const numbers = Array.from({ length: Math.min(SEQ_BLOCK, total - at) }, (_, i) =>
      show(first! + (at + i) * step!).padStart(width, '0'),
    );
    await context.stdout.write((at > 0 ? separator : '') + numbers.join(separator));
  }
  if (total > 0) await context.stdout.write('\n');
  return 0;
});

export const runningPrograms: Command[] = [
  xargs,
  env,
  printenv,
  plain('nohup', 'run a command immune to hangups'),
  plain('nice', 'run a command with another priority'),
  plain('stdbuf', 'run a command with other buffering'),
  plain('setsid', 'run a command in a new session'),
  yes,
  seq,
];
