import type { CommandContext } from '../command.ts';
import { DeviceFs } from '../devices.ts';
import { readerOf } from '../pipe.ts';
import { reasonOf } from '../run/errors.ts';
import type { ByteReader } from '../stdio.ts';

/** Opens an operand for reading: `-` is stdin, a descriptor's path is its stream. Throws `name: reason`. */
export async function openInput(context: CommandContext, name: string): Promise<ByteReader> {
  if (name === '-') return context.stdin;
  const path = context.fs.resolvePath(context.cwd, name);
  if (path === '/dev/stdin') return context.stdin;
  const stream = context.fs instanceof DeviceFs ? context.fs.openReader(path) : undefined;
  if (stream) return stream;
  try {
    if ((await context.fs.stat(path)).isDirectory) throw Object.assign(new Error(), { code: 'EISDIR' });
    return readerOf(await context.fs.readFileBuffer(path));
  } catch (error) {
    throw new Error(`${name}: ${reasonOf(error)}`);
  }
}

/** Runs over the inputs of a filter: its operands, or stdin. Problems are printed as `program: name: reason`; gives 0 or 1. */
export async function eachInput(
  context: CommandContext,
  program: string,
  operands: readonly string[],
  body: (reader: ByteReader, name: string) => Promise<void>,
): Promise<number> {
  let status = 0;
  for (const name of operands.length > 0 ? operands : ['-']) {
    let reader: ByteReader;
    try {
      reader = await openInput(context, name);
    } catch (error) {
      await context.stderr.write(`${program}: ${(error as Error).message}\n`);
      status = 1;
      continue;
    }
    await body(reader, name);
  }
  return status;
}

/** Longest line, bytes; longer ones are cut in pieces. */
const LONGEST_LINE = 8 * 1024 * 1024;

/** The complete lines of each chunk as it arrives, with their newlines; the last may lack it. */
export async function* lineBlocks(reader: ByteReader, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = [];
  let size = 0;
  for (let chunk = await reader.read(signal); chunk; chunk = await reader.read(signal)) {
    const at = chunk.lastIndexOf(0x0a);
    if (at < 0 && size + chunk.length < LONGEST_LINE) {
      rest.push(chunk);
      size += chunk.length;
      continue;
    }
    const end = at < 0 ? chunk.length : at + 1;
    yield rest.length > 0 ? Buffer.concat([...rest, chunk.subarray(0, end)]) : chunk.subarray(0, end);
    rest = end < chunk.length ? [chunk.subarray(end)] : [];
    size = chunk.length - end;
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

const decoder = new TextDecoder();

/** Lines without their newlines, in the groups in which they arrive. */
export async function* lineGroups(reader: ByteReader, signal: AbortSignal): AsyncGenerator<string[]> {
  for await (const block of lineBlocks(reader, signal)) {
    const lines = decoder.decode(block).split('\n');
    if (lines.at(-1) === '') lines.pop();
    yield lines;
  }
}
