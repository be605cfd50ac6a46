import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip as pack, gunzip as unpack } from 'node:zlib';
import type { Command, CommandContext } from '../command.ts';
import { readAll } from '../pipe.ts';
import { parseOptions, UsageError } from './arguments.ts';
import { program } from './define.ts';
import { eachInput, openInput } from './input.ts';

/** What these programs hold of one input, bytes. */
const LIMIT_BYTES = 32 * 1024 * 1024;

const bytesOf = async (context: CommandContext, name: string): Promise<Buffer> =>
  Buffer.from(await readAll(await openInput(context, name), context.signal, LIMIT_BYTES));

const base64 = program('base64', 'encode and decode', async (context) => {
  const options = parseOptions(context.args, 'diDw:', {
    long: ['decode', 'ignore-garbage', 'wrap:'],
    alias: { decode: 'd', D: 'd', 'ignore-garbage': 'i', wrap: 'w' },
  });
  const input = await bytesOf(context, options.operands[0] ?? '-');
  if (options.has('d')) {
    const text = input.toString('latin1').replace(/\s/g, '');
    const clean = options.has('i') ? text.replace(/[^A-Za-z0-9+/=]/g, '') : text;
    const valid = /^[A-Za-z0-9+/]*={0,2}/.exec(clean)![0];
    await context.stdout.write(Buffer.from(valid, 'base64'));
    if (valid.length === clean.length && clean.replace(/=+$/, '').length % 4 !== 1) return 0;
    await context.stderr.write('base64: invalid input\n');
    return 1;
  }
  const width = Number(options.value('w') ?? 76);
  if (!Number.isInteger(width) || width < 0) throw new UsageError(`invalid wrap size: '${options.value('w')}'`);
  const text = input.toString('base64');
  const lines = width === 0 ? text : text.replace(new RegExp(`(.{${width}})`, 'g'), '$1\n');
  await context.stdout.write(width === 0 || lines.endsWith('\n') || lines === '' ? lines : `${lines}\n`);
  return 0;
});

const sum = (name: string, algorithm: string) =>
  program(name, 'checksums', async (context) => {
    const options = parseOptions(context.args, 'cbt', { long: ['check', 'quiet', 'status'], alias: { check: 'c' } });
    if (!options.has('c')) {
      return eachInput(context, name, options.operands, async (reader, file) => {
        const hash = createHash(algorithm);
        for (let chunk = await reader.read(context.signal); chunk; chunk = await reader.read(context.signal))
          hash.update(chunk);
        await context.stdout.write(`${hash.digest('hex')}  ${file}\n`);
      });
    }
    let failed = 0;
    for (const file of options.operands.length > 0 ? options.operands : ['-']) {
      for (const [, wanted, checked] of (await bytesOf(context, file))
        .toString('utf8')
        .matchAll(/^([0-9a-f]+)[ *]{2}(.+)$/gm)) {
        const isSame =
          createHash(algorithm)
            .update(await bytesOf(context, checked!))
            .digest('hex') === wanted;
        if (!isSame) failed++;
        if (!options.has('status') && !(isSame && options.has('quiet')))
          await context.stdout.write(`${checked}: ${isSame ? 'OK' : 'FAILED'}\n`);
      }
    }
    if (failed > 0 && !options.has('status'))
      await context.stderr.write(`${name}: WARNING: ${failed} computed checksum did NOT match\n`);
    return failed > 0 ? 1 : 0;
  });

const zip = (name: string, o: { unpacks: boolean; toStdout: boolean }) =>
  program(name, o.unpacks ? 'unpack' : 'pack', async (context) => {
    const options = parseOptions(context.args, 'cdfkqnv123456789', {
      long: ['stdout', 'decompress', 'keep', 'force'],
      alias: { stdout: 'c', decompress: 'd', keep: 'k', force: 'f' },
    });
    const unpacks = o.unpacks || options.has('d');
    const change = async (data: Buffer, file: string): Promise<Buffer> => {
      try {
        return unpacks ? await promisify(unpack)(data, { maxOutputLength: LIMIT_BYTES }) : await promisify(pack)(data);
      } catch {
        throw new UsageError(`${file}: not in gzip format`);
      }
    };
    for (const file of options.operands.length > 0 ? options.operands : ['-']) {
      const result = await change(await bytesOf(context, file), file === '-' ? 'stdin' : file);
      if (file === '-' || o.toStdout || options.has('c')) {
        await context.stdout.write(result);
        continue;
      }
      if (unpacks && !file.endsWith('.gz')) throw new UsageError(`${file}: unknown suffix -- ignored`, 2);
      const path = context.fs.resolvePath(context.cwd, file);
      await context.fs.writeFile(unpacks ? path.slice(0, -3) : `${path}.gz`, result);
      if (!options.has('k')) await context.fs.rm(path);
    }
    return 0;
  });

const hex = (value: number, width = 2) => value.toString(16).padStart(width, '0');
const printable = (bytes: Uint8Array) =>
  [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');

const xxd = program('xxd', 'a hex dump', async (context) => {
  const options = parseOptions(context.args, 'prul:c:s:');
  const all = await bytesOf(context, options.operands[0] ?? '-');
  if (options.has('r')) {
    const text = all.toString('latin1');
    const digits = options.has('p') ? text : text.replace(/^[0-9a-f]+: /gm, '').replace(/ {2}.*$/gm, '');
    await context.stdout.write(Buffer.from(digits.replace(/\s/g, ''), 'hex'));
    return 0;
  }
  const start = Number(options.value('s') ?? 0);
  const data = all.subarray(start, options.has('l') ? start + Number(options.value('l')) : undefined);
  const width = Number(options.value('c') ?? (options.has('p') ? 30 : 16)) || 16;
  let text = '';
  for (let at = 0; at < data.length; at += width) {
    const row = data.subarray(at, at + width);
    if (options.has('p')) text += `${row.toString('hex')}\n`;
    else {
      const groups = row
        .toString('hex')
        .match(/.{1,4}/g)!
        .join(' ');
      text += `${hex(start + at, 8)}: ${groups.padEnd(Math.ceil(width / 2) * 5 - 1)}  ${printable(row)}\n`;
    }
  }
  await context.stdout.write(options.has('u') ? text.toUpperCase() : text);
  return 0;
});

const hexdump = program('hexdump', 'a hex dump', async (context) => {
  const options = parseOptions(context.args, 'Cvn:s:');
  if (!options.has('C')) throw new UsageError('only the canonical form is available here: hexdump -C');
  const data = (await bytesOf(context, options.operands[0] ?? '-')).subarray(
    0,
    options.has('n') ? Number(options.value('n')) : undefined,
  );
  let text = '';
  for (let at = 0; at < data.length; at += 16) {
    const row = data.subarray(at, at + 16);
    const halves = [row.subarray(0, 8), row.subarray(8)].map((half) =>
      [...half]
        .map((byte) => hex(byte))
        .join(' ')
        .padEnd(23),
    );
    text += `${hex(at, 8)}  ${halves.join('  ')}  |${printable(row)}|\n`;
  }
  await context.stdout.write(`${text}${hex(data.length, 8)}\n`);
  return 0;
});

const NAMED: Record<number, string> = {
  0: '\\0',
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};

const od = program('od', 'dump bytes', async (context) => {
  const options = parseOptions(context.args, 'A:t:N:j:cxvbw:');
  const kind =
    options.value('t') ?? (options.has('c') ? 'c' : options.has('x') ? 'x2' : options.has('b') ? 'o1' : 'o2');
  const size = /\d+/.exec(kind) ? Number(/\d+/.exec(kind)![0]) : kind === 'c' ? 1 : 2;
  if (!/^([xodu][124]?|c)$/.test(kind))
    throw new UsageError(`type '${kind}' is not available here: x1, x2, x4, o1, o2, d1, u1, c`);
  const skip = Number(options.value('j') ?? 0);
  const data = (await bytesOf(context, options.operands[0] ?? '-')).subarray(
    skip,
    options.has('N') ? skip + Number(options.value('N')) : undefined,
  );
  const base = options.value('A') ?? 'o';
  const address = (at: number) =>
    base === 'n'
      ? ''
      : (at + skip).toString(base === 'x' ? 16 : base === 'd' ? 10 : 8).padStart(base === 'x' ? 6 : 7, '0');
  const cell = (at: number) => {
    if (kind === 'c')
      return (
        NAMED[data[at]!] ??
        (data[at]! >= 0x20 && data[at]! < 0x7f
          ? String.fromCharCode(data[at]!)
          : data[at]!.toString(8).padStart(3, '0'))
      ).padStart(4);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (data[at + i] ?? 0);
    if (kind[0] === 'x') return ` ${hex(value, size * 2)}`;
    if (kind[0] === 'o') return ` ${value.toString(8).padStart({ 1: 3, 2: 6, 4: 11 }[size]!, '0')}`;
    const signed = kind[0] === 'd' && value >= 2 ** (size * 8 - 1) ? value - 2 ** (size * 8) : value;
    return ` ${String(signed).padStart({ 1: 4, 2: 6, 4: 11 }[size]!)}`;
  };
  let text = '';
  for (let at = 0; at < data.length; at += 16) {
    let row = address(at);
    for (let i = at; i < Math.min(at + 16, data.length); i += size) row += cell(i);
    text += `${row}\n`;
  }
  await context.stdout.write(text + (base === 'n' ? '' : `${address(data.length)}\n`));
  return 0;
});

export const binaryPrograms: Command[] = [
  base64,
  sum('md5sum', 'md5'),
  sum('sha1sum', 'sha1'),
  sum('sha256sum', 'sha256'),
  sum('sha512sum', 'sha512'),
  zip('gzip', { unpacks: false, toStdout: false }),
  zip('gunzip', { unpacks: true, toStdout: false }),
  zip('zcat', { unpacks: true, toStdout: true }),
  xxd,
  hexdump,
  od,
];
