import { assignTo } from '../expand/parameter.ts';
import { ShellError } from '../flow.ts';
import type { UnreadableReader } from '../pipe.ts';
import type { ShellProcess } from '../process.ts';
import type { Builtin } from './builtins.ts';

/** Longest line that `read` takes, bytes. */
const LONGEST_LINE = 16 * 1024 * 1024;

interface Taken {
  text: string;
  /** The delimiter was met. */
  complete: boolean;
  timedOut: boolean;
}

/** Takes bytes up to a delimiter (which is dropped) or to a number of characters; what follows stays in the stream. */
async function take(
  reader: UnreadableReader,
  o: { delimiter: number; escapes: boolean; characters?: number; exact?: boolean; signal: AbortSignal },
): Promise<Taken> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const text = () => Buffer.concat(parts).toString('utf8');
  for (;;) {
    let chunk: Uint8Array | undefined;
    try {
      chunk = await reader.read(o.signal);
    } catch (error) {
      if (o.signal.aborted) return { text: text(), complete: false, timedOut: true };
      throw error;
    }
    if (!chunk) return { text: text(), complete: false, timedOut: false };
    if (o.characters !== undefined) {
      const all = Buffer.concat([...parts, chunk]);
      let end = 0;
      let count = 0;
      while (end < all.length && count < o.characters) {
        if (!o.exact && all[end] === o.delimiter) break;
        end++;
        while (end < all.length && (all[end]! & 0xc0) === 0x80) end++;
        count++;
      }
      if (count === o.characters || (end < all.length && all[end] === o.delimiter)) {
        reader.unread(all.subarray(count === o.characters ? end : end + 1));
        return { text: all.subarray(0, end).toString('utf8'), complete: true, timedOut: false };
      }
      parts.length = 0;
      parts.push(all);
      continue;
    }
    for (let from = 0; ; ) {
      const at = chunk.indexOf(o.delimiter, from);
      if (at < 0) break;
      const piece = chunk.subarray(0, at);
      if (o.escapes && isEscaped(Buffer.concat([...parts, piece]))) {
        from = at + 1;
        continue;
      }
      reader.unread(chunk.subarray(at + 1));
      parts.push(piece);
      return { text: text(), complete: true, timedOut: false };
    }
    parts.push(chunk);
    size += chunk.length;
    if (size > LONGEST_LINE) throw new ShellError('read: the line is longer than 16 MiB', { fatal: true });
  }
}

function isEscaped(before: Uint8Array): boolean {
  let count = 0;
  for (let i = before.length - 1; i >= 0 && before[i] === 0x5c; i--) count++;
  return count % 2 === 1;
}

/** Cuts a line at IFS into at most `count` fields; the last takes the rest. Escaped characters are no separators. */
function split(line: string, ifs: string, count: number, raw: boolean): string[] {
  const chars: { char: string; literal: boolean }[] = [];
  const all = [...line];
  for (let i = 0; i < all.length; i++) {
    if (!raw && all[i] === '\\') {
      i++;
      if (i < all.length && all[i] !== '\n') chars.push({ char: all[i]!, literal: true });
    } else chars.push({ char: all[i]!, literal: false });
  }
  const isSeparator = (i: number) => i < chars.length && !chars[i]!.literal && ifs.includes(chars[i]!.char);
  const isSpace = (i: number) => isSeparator(i) && /[ \t\n]/.test(chars[i]!.char);
  let at = 0;
  let end = chars.length;
  while (isSpace(at)) at++;
  while (end > at && isSpace(end - 1)) end--;
  const fields: string[] = [];
  while (at < end) {
    if (fields.length === count - 1) {
      let last = end;
      // One trailing separator that is no space belongs to the last field only when another follows.
      if (isSeparator(last - 1) && !isSpace(last - 1) && !chars.slice(at, last - 1).some((_, i) => isSeparator(at + i)))
        last--;
      fields.push(
        chars
          .slice(at, last)
          .map(({ char }) => char)
          .join(''),
      );
      return fields;
    }
    let stop = at;
    while (stop < end && !isSeparator(stop)) stop++;
    fields.push(
      chars
        .slice(at, stop)
        .map(({ char }) => char)
        .join(''),
    );
    at = stop;
    while (isSpace(at)) at++;
    if (at < end && isSeparator(at) && !isSpace(at)) {
      at++;
      while (isSpace(at)) at++;
    }
  }
  return fields;
}

async function read(sh: ShellProcess, args: string[]): Promise<number> {
  let raw = false;
  let silent = false;
  let array: string | undefined;
  let delimiter = '\n';
  let characters: number | undefined;
  let exact = false;
  let prompt = '';
  let timeoutMs: number | undefined;
  let fd = 0;
  const rest = args.slice();
  while (/^-./.test(rest[0] ?? '')) {
    const letters = rest.shift()!.slice(1);
    if (letters === '-') break;
    for (let i = 0; i < letters.length; i++) {
      const letter = letters[i]!;
      const value = () => {
        const attached = letters.slice(i + 1);
        i = letters.length;
        const given = attached !== '' ? attached : rest.shift();
        if (given === undefined) throw new ShellError(`read: -${letter}: option requires an argument`, { status: 2 });
        return given;
      };
      if (letter === 'r') raw = true;
      else if (letter === 's') silent = true;
      else if (letter === 'a') array = value();
      else if (letter === 'd') delimiter = value() || '\0';
      else if (letter === 'n' || letter === 'N') {
        characters = Number(value());
        exact = letter === 'N';
      } else if (letter === 'p') prompt = value();
      else if (letter === 't') timeoutMs = Number(value()) * 1000;
      else if (letter === 'u') fd = Number(value());
      else if (letter === 'i') value();
      else if (letter !== 'e') throw new ShellError(`read: -${letter}: invalid option`, { status: 2 });
    }
  }
  for (const name of rest)
    if (!/^[A-Za-z_]\w*(\[.*\])?$/s.test(name)) throw new ShellError(`read: \`${name}': not a valid identifier`);
  const file = sh.fds.get(fd);
  if (!file?.reader) throw new ShellError(`read: ${fd}: invalid file descriptor: Bad file descriptor`);
  if (prompt && file.tty) await sh.err(prompt);

  const limit = new AbortController();
  const timer =
    timeoutMs === undefined ? undefined : sh.world.clock.setTimeout(() => limit.abort(), Math.max(timeoutMs, 1));
  const restore = (silent || characters !== undefined) && file.tty ? file.tty.setRaw() : () => {};
  let taken: Taken;
  try {
    const signal = timeoutMs === undefined ? sh.signal : AbortSignal.any([sh.signal, limit.signal]);
    // A silent line of a terminal in raw mode ends with a carriage return.
    const byte = file.tty && silent ? 0x0d : delimiter.charCodeAt(0);
    taken = await take(file.reader, {
      delimiter: byte,
      escapes: !raw,
      ...(characters === undefined ? {} : { characters }),
      exact,
      signal,
    });
  } finally {
    timer?.cancel();
    restore();
  }
  await sh.checkpoint();
  const ifs = sh.variables.value('IFS') ?? ' \t\n';
  if (array) sh.variables.setList(array, split(taken.text, ifs, Number.POSITIVE_INFINITY, raw));
  else if (rest.length === 0)
    await assignTo(
      sh,
      'REPLY',
      raw ? taken.text : taken.text.replace(/\\(\n|.?)/gs, (_, char: string) => (char === '\n' ? '' : char)),
    );
  else if (exact) {
    for (const [index, name] of rest.entries()) await assignTo(sh, name, index === 0 ? taken.text : '');
  } else {
    const fields = split(taken.text, ifs, rest.length, raw);
    for (const [index, name] of rest.entries()) await assignTo(sh, name, fields[index] ?? '');
  }
  if (taken.timedOut) return 142;
  return taken.complete ? 0 : 1;
}

async function mapfile(sh: ShellProcess, args: string[]): Promise<number> {
  let trim = false;
  let delimiter = '\n';
  let most = Number.POSITIVE_INFINITY;
  let skip = 0;
  let fd = 0;
  const rest = args.slice();
  while (/^-./.test(rest[0] ?? '')) {
    const flag = rest.shift()!;
    if (flag === '-t') trim = true;
    else if (flag === '-d') delimiter = rest.shift() || '\0';
    else if (flag === '-n') most = Number(rest.shift()) || Number.POSITIVE_INFINITY;
    else if (flag === '-s') skip = Number(rest.shift());
    else if (flag === '-u') fd = Number(rest.shift());
    else throw new ShellError(`mapfile: ${flag}: invalid option`, { status: 2 });
  }
  const reader = sh.fds.get(fd)?.reader;
  if (!reader) throw new ShellError(`mapfile: ${fd}: invalid file descriptor: Bad file descriptor`);
  const lines: string[] = [];
  while (lines.length - skip < most) {
    const taken = await take(reader, { delimiter: delimiter.charCodeAt(0), escapes: false, signal: sh.signal });
    await sh.checkpoint();
    if (taken.text !== '' || taken.complete) lines.push(taken.text + (taken.complete && !trim ? delimiter : ''));
    if (!taken.complete) break;
  }
  sh.variables.setList(rest[0] ?? 'MAPFILE', lines.slice(skip));
  return 0;
}

export const readBuiltins: Builtin[] = [
  { name: 'read', run: read },
  { name: 'mapfile', run: mapfile },
  { name: 'readarray', run: mapfile },
];
