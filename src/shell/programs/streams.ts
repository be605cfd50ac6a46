import type { CommandContext } from '../command.ts';
import { unreadable } from '../pipe.ts';
import type { ByteReader } from '../stdio.ts';
import { parseOptions, UsageError } from './arguments.ts';
import { program } from './define.ts';
import { eachInput, lineGroups } from './input.ts';

const count = (text: string, what: string): number => {
  const match = /^[-+]?(\d+)([kKMG]?)B?$/.exec(text);
  if (!match) throw new UsageError(`invalid number of ${what}: '${text}'`);
  return Number(match[1]) * { '': 1, k: 1024, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[match[2]!]!;
};

export const cat = program('cat', 'print files', async (context) => {
  const options = parseOptions(context.args, 'nbsETAvetu', {
    long: ['number', 'show-ends'],
    alias: { number: 'n', 'show-ends': 'E' },
  });
  const isPlain = options.given.size === 0 || (options.given.size === 1 && options.has('u'));
  let line = 0;
  let wasEmpty = false;
  return eachInput(context, 'cat', options.operands, async (reader) => {
    if (isPlain) {
      for (let chunk = await reader.read(context.signal); chunk; chunk = await reader.read(context.signal))
        await context.stdout.write(chunk);
      return;
    }
    for await (const lines of lineGroups(reader, context.signal)) {
      let text = '';
      for (const each of lines) {
        if (options.has('s') && each === '' && wasEmpty) continue;
        wasEmpty = each === '';
        const isNumbered = options.has('b') ? each !== '' : options.has('n');
        const shown = options.has('T', 'A', 't') ? each.replaceAll('\t', '^I') : each;
        text += `${isNumbered ? `${String(++line).padStart(6)}\t` : ''}${shown}${options.has('E', 'A', 'e') ? '$' : ''}\n`;
      }
      await context.stdout.write(text);
    }
  });
});

function tally(args: readonly string[]) {
  const modern = args.map((arg, index) =>
    /^-\d+$/.test(arg) && !/^-[nc]$/.test(args[index - 1] ?? '') ? `-n${arg.slice(1)}` : arg,
  );
  return parseOptions(modern, 'n:c:qvfFs:', {
    long: ['lines:', 'bytes:', 'quiet', 'silent', 'verbose', 'follow::', 'retry', 'sleep-interval:', 'pid:'],
    alias: { lines: 'n', bytes: 'c', quiet: 'q', silent: 'q', verbose: 'v', follow: 'f', 'sleep-interval': 's' },
  });
}

async function titled(
  context: CommandContext,
  o: ReturnType<typeof tally>,
  name: string,
  first: boolean,
): Promise<void> {
  if (o.has('q') || (o.operands.length < 2 && !o.has('v'))) return;
  await context.stdout.write(`${first ? '' : '\n'}==> ${name === '-' ? 'standard input' : name} <==\n`);
}

/** First lines or bytes; what it does not need stays in the stream. */
async function copyHead(
  context: CommandContext,
  reader: ByteReader,
  lines: number,
  bytes: number | undefined,
): Promise<void> {
  let left = bytes ?? lines;
  while (left > 0) {
    const chunk = await reader.read(context.signal);
    if (!chunk) return;
    let end = chunk.length;
    if (bytes !== undefined) {
      end = Math.min(left, chunk.length);
      left -= end;
    } else {
      for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) {
        if (--left > 0) continue;
        end = at + 1;
        break;
      }
    }
    if (end < chunk.length) unreadable(reader).unread(chunk.subarray(end));
    await context.stdout.write(chunk.subarray(0, end));
  }
}

export const head = program('head', 'the first lines of files', async (context) => {
  const options = tally(context.args);
  const given = options.value('n') ?? '10';
  const bytes = options.value('c');
  const lines = count(given, 'lines');
  let first = true;
  return eachInput(context, 'head', options.operands, async (reader, name) => {
    await titled(context, options, name, first);
    first = false;
    if (!given.startsWith('-'))
      return copyHead(context, reader, lines, bytes === undefined ? undefined : count(bytes, 'bytes'));
    // head -n -3: all but the last lines.
    let held: string[] = [];
    for await (const group of lineGroups(reader, context.signal)) {
      held.push(...group);
      const ready = held.slice(0, Math.max(0, held.length - lines));
      held = held.slice(ready.length);
      if (ready.length > 0) await context.stdout.write(`${ready.join('\n')}\n`);
    }
  });
});

/** How often a followed file is looked at, ms. */
const FOLLOW_MS = 250;

export const tail = program('tail', 'the last lines of files; -f follows', async (context) => {
  const options = tally(context.args);
  const given = options.value('n') ?? '10';
  const fromStart = /^\+/.test(options.value('c') ?? given);
  const bytes = options.value('c');
  let first = true;
  const followed: { path: string; name: string; size: number }[] = [];
  const status = await eachInput(context, 'tail', options.operands, async (reader, name) => {
    await titled(context, options, name, first);
    first = false;
    const path = context.fs.resolvePath(context.cwd, name);
    const amount = count(bytes ?? given, bytes ? 'bytes' : 'lines');
    let size = 0;
    if (fromStart) {
      let skip = Math.max(0, amount - 1);
      for (let chunk = await reader.read(context.signal); chunk; chunk = await reader.read(context.signal)) {
        size += chunk.length;
        let start = 0;
        if (bytes !== undefined) {
          start = Math.min(skip, chunk.length);
          skip -= start;
        } else {
          while (skip > 0 && start < chunk.length) {
            const at = chunk.indexOf(0x0a, start);
            start = at < 0 ? chunk.length : at + 1;
            if (at >= 0) skip--;
          }
        }
        if (start < chunk.length) await context.stdout.write(chunk.subarray(start));
      }
    } else {
      let kept: Buffer = Buffer.alloc(0);
      for (let chunk = await reader.read(context.signal); chunk; chunk = await reader.read(context.signal)) {
        size += chunk.length;
        kept = lastPart(Buffer.concat([kept, chunk]), amount, bytes !== undefined);
      }
      await context.stdout.write(kept);
    }
    if (name !== '-') followed.push({ path, name, size });
  });
  if (!options.has('f', 'F') || followed.length === 0) return status;
  const everyMs = options.value('s') ? Number(options.value('s')) * 1000 : FOLLOW_MS;
  let current = followed.at(-1);
  for (;;) {
    await context.clock.sleep(everyMs, context.signal);
    for (const file of followed) {
      let content: Uint8Array;
      try {
        content = await context.fs.readFileBuffer(file.path);
      } catch {
        continue;
      }
      if (content.length < file.size) {
        await context.stderr.write(`tail: ${file.name}: file truncated\n`);
        file.size = 0;
      }
      if (content.length === file.size) continue;
      if (current !== file) await titled(context, options, file.name, false);
      current = file;
      await context.stdout.write(content.subarray(file.size));
      file.size = content.length;
    }
  }
});

function lastPart(data: Buffer, amount: number, isBytes: boolean): Buffer {
  if (amount === 0) return Buffer.alloc(0);
  if (isBytes) return data.subarray(Math.max(0, data.length - amount));
  let at = data.length - (data.at(-1) === 0x0a ? 1 : 0);
  for (let left = amount; left > 0; left--) {
    if (at <= 0) return data;
    at = data.lastIndexOf(0x0a, at - 1);
    if (at < 0) return data;
  }
  return data.subarray(at + 1);
}

export const tee = program('tee', 'copy stdin to files and to stdout', async (context) => {
  const options = parseOptions(context.args, 'aip', { long: ['append', 'ignore-interrupts'], alias: { append: 'a' } });
  let status = 0;
  const paths: string[] = [];
  for (const name of options.operands) {
    const path = context.fs.resolvePath(context.cwd, name);
    try {
      if (!options.has('a')) await context.fs.writeFile(path, '');
      paths.push(path);
    } catch {
      await context.stderr.write(`tee: ${name}: No such file or directory\n`);
      status = 1;
    }
  }
  for (let chunk = await context.stdin.read(context.signal); chunk; chunk = await context.stdin.read(context.signal)) {
    for (const path of paths) await context.fs.appendFile(path, chunk);
    await context.stdout.write(chunk);
  }
  return status;
});

export const wc = program('wc', 'count lines, words and bytes', async (context) => {
  const options = parseOptions(context.args, 'lwcmL', {
    long: ['lines', 'words', 'bytes', 'chars'],
    alias: { lines: 'l', words: 'w', bytes: 'c', chars: 'm' },
  });
  const columns = (['l', 'w', 'm', 'c', 'L'] as const).filter((letter) => options.has(letter));
  const shown = columns.length > 0 ? columns : (['l', 'w', 'c'] as const);
  const rows: { numbers: number[]; name: string }[] = [];
  const status = await eachInput(context, 'wc', options.operands, async (reader, name) => {
    const totals = { l: 0, w: 0, m: 0, c: 0, L: 0 };
    let inWord = false;
    let width = 0;
    for (let chunk = await reader.read(context.signal); chunk; chunk = await reader.read(context.signal)) {
      totals.c += chunk.length;
      for (const byte of chunk) {
        if ((byte & 0xc0) !== 0x80) totals.m++;
        const isSpace = byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
        if (byte === 0x0a) {
          totals.l++;
          totals.L = Math.max(totals.L, width);
          width = 0;
        } else if ((byte & 0xc0) !== 0x80) width++;
        if (!isSpace && !inWord) totals.w++;
        inWord = !isSpace;
      }
    }
    totals.L = Math.max(totals.L, width);
    rows.push({
      numbers: shown.map((letter) => totals[letter]),
      name: name === '-' && options.operands.length === 0 ? '' : name,
    });
  });
  if (rows.length > 1)
    rows.push({ numbers: shown.map((_, i) => rows.reduce((sum, row) => sum + row.numbers[i]!, 0)), name: 'total' });
  const isSingle = shown.length === 1 && rows.length === 1;
  // GNU's width: of the largest number, and 7 when a pipe may bring any amount.
  const widest = Math.max(1, ...rows.flatMap((row) => row.numbers).map((number) => String(number).length));
  const width = isSingle
    ? 1
    : options.operands.length === 0 || options.operands.includes('-')
      ? Math.max(7, widest)
      : widest;
  for (const { numbers, name } of rows)
    await context.stdout.write(
      `${numbers.map((number) => String(number).padStart(width)).join(' ')}${name ? ` ${name}` : ''}\n`,
    );
  return status;
});

export const tac = program('tac', 'lines in reverse', async (context) => {
  const options = parseOptions(context.args, '');
  return eachInput(context, 'tac', options.operands, async (reader) => {
    const lines: string[] = [];
    for await (const group of lineGroups(reader, context.signal)) lines.push(...group);
    if (lines.length > 0) await context.stdout.write(`${lines.reverse().join('\n')}\n`);
  });
});
