import { parseOptions, UsageError } from './arguments.ts';
import { program } from './define.ts';

const ESCAPES: Record<string, number> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };
const CLASSES: Record<string, RegExp> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[\x21-\x7e]/,
  lower: /[a-z]/,
  print: /[\x20-\x7e]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};
const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

/** `tr`: byte by byte as it arrives, with ranges, classes and escapes; -c, -d, -s and -t. */
export const tr = program('tr', 'translate characters', async (context) => {
  const options = parseOptions(context.args, 'cCdst', {
    long: ['complement', 'delete', 'squeeze-repeats', 'truncate-set1'],
    alias: { complement: 'c', C: 'c', delete: 'd', 'squeeze-repeats': 's', 'truncate-set1': 't' },
    untilOperand: true,
  });
  const [first, second] = options.operands;
  const isDeleting = options.has('d');
  const isSqueezing = options.has('s');
  if (first === undefined) throw new UsageError("missing operand\nTry 'tr --help' for more information.");
  if (second === undefined && !isDeleting && !isSqueezing)
    throw new UsageError(
      `missing operand after '${first}'\nTwo strings must be given when translating.\nTry 'tr --help' for more information.`,
    );
  let from = expand(first);
  if (options.has('c', 'C')) {
    const left = new Set(from);
    from = BYTES.filter((byte) => !left.has(byte));
  }
  const to = second === undefined ? [] : expand(second);
  const deleted = new Set(isDeleting ? from : []);
  const map = new Map<number, number>();
  if (!isDeleting && second !== undefined) {
    if (to.length === 0) throw new UsageError('when not truncating set1, string2 must be non-empty');
    from.forEach((byte, index) => {
      if (index >= to.length && options.has('t')) return;
      map.set(byte, to[Math.min(index, to.length - 1)]!);
    });
  }
  const squeezed = new Set(!isSqueezing ? [] : second === undefined ? from : to);
  let last = -1;
  for (let chunk = await context.stdin.read(context.signal); chunk; chunk = await context.stdin.read(context.signal)) {
    const out = new Uint8Array(chunk.length);
    let size = 0;
    for (const byte of chunk) {
      if (deleted.has(byte)) continue;
      const shown = map.get(byte) ?? byte;
      if (shown === last && squeezed.has(shown)) continue;
      last = shown;
      out[size++] = shown;
    }
    if (size > 0) await context.stdout.write(out.subarray(0, size));
  }
  return 0;
});

/** The bytes that a SET names, in order. */
function expand(set: string): number[] {
  const text = Buffer.from(set, 'utf8').toString('latin1');
  const bytes: number[] = [];
  let i = 0;
  const one = (): number => {
    const char = text[i++]!;
    if (char !== '\\' || i >= text.length) return char.charCodeAt(0);
    const octal = /^[0-7]{1,3}/.exec(text.slice(i))?.[0];
    if (octal) {
      i += octal.length;
      return Number.parseInt(octal, 8) & 0xff;
    }
    const escaped = text[i++]!;
    return ESCAPES[escaped] ?? escaped.charCodeAt(0);
  };
  while (i < text.length) {
    const named = /^\[:(\w+):\]/.exec(text.slice(i));
    if (named) {
      const members = CLASSES[named[1]!];
      if (!members) throw new UsageError(`invalid character class '${named[1]}'`);
      bytes.push(...BYTES.filter((byte) => byte < 128 && members.test(String.fromCharCode(byte))));
      i += named[0].length;
      continue;
    }
    const repeated = /^\[(.)\*(\d*)\]/s.exec(text.slice(i));
    if (repeated) {
      bytes.push(...Array<number>(Number(repeated[2] || 256)).fill(repeated[1]!.charCodeAt(0)));
      i += repeated[0].length;
      continue;
    }
    const start = one();
    if (text[i] === '-' && i + 1 < text.length) {
      i++;
      const end = one();
      if (end < start)
        throw new UsageError(
          `range-endpoints of '${String.fromCharCode(start)}-${String.fromCharCode(end)}' are in reverse collating sequence order`,
        );
      for (let byte = start; byte <= end; byte++) bytes.push(byte);
    } else bytes.push(start);
  }
  return bytes;
}
