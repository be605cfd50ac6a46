import { decodeEscapes } from '../expand/escapes.ts';
import { assignTo } from '../expand/parameter.ts';
import { ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { strftime } from '../programs/strftime.ts';
import { escapeWord } from '../quote.ts';
import type { Builtin } from './builtins.ts';

async function echo(sh: ShellProcess, args: string[]): Promise<number> {
  let newline = true;
  let escapes = false;
  let next = 0;
  for (; next < args.length && /^-[neE]+$/.test(args[next]!); next++) {
    for (const letter of args[next]!.slice(1)) {
      if (letter === 'n') newline = false;
      else escapes = letter === 'e';
    }
  }
  let text = args.slice(next).join(' ');
  if (escapes) {
    text = decodeEscapes(text, {
      onStop: () => {
        newline = false;
      },
    });
  }
  await sh.out(newline ? `${text}\n` : text);
  return 0;
}

const SPEC = /%(?:%|([-+ #0']*)(\*|\d+)?(?:\.(\*|-?\d*))?(?:hh|h|ll|l|L|q|j|z|t)*([diouxXeEfFgGaAcsbqQ]|\([^)]*\)T))/g;
/** Widths beyond this are a mistake, and would fill the memory. */
const WIDEST = 100_000;

export interface Printed {
  text: string;
  problems: string[];
}

/** `printf`: the format again and again until the arguments are used up. */
export function formatPrintf(format: string, args: readonly string[], now: number): Printed {
  const problems: string[] = [];
  let rest = args.slice();
  let text = '';
  let stopped = false;
  const number = (value: string | undefined): bigint => {
    const trimmed = (value ?? '').trim();
    if (trimmed === '') return 0n;
    if (/^["']/.test(trimmed)) return BigInt(trimmed.codePointAt(1) ?? 0);
    const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/.exec(trimmed);
    if (!match || match[0].length < trimmed.length) problems.push(`${value}: invalid number`);
    if (!match) return 0n;
    const digits = /^0\d/.test(match[2]!) ? `0o${match[2]!.slice(1)}` : match[2]!;
    return match[1] === '-' ? -BigInt(digits) : BigInt(digits);
  };
  const real = (value: string | undefined): number => {
    const parsed = Number((value ?? '').trim() || '0');
    if (Number.isNaN(parsed)) problems.push(`${value}: invalid number`);
    return Number.isNaN(parsed) ? Number.parseFloat(value ?? '') || 0 : parsed;
  };
  const one = (): boolean => {
    let used = false;
    const take = (): string | undefined => {
      used = true;
      return rest.shift();
    };
    let at = 0;
    SPEC.lastIndex = 0;
    for (let match = SPEC.exec(format); match && !stopped; match = SPEC.exec(format)) {
      text += decodeEscapes(format.slice(at, match.index), { format: true, onStop: () => (stopped = true) });
      at = SPEC.lastIndex;
      if (stopped) break;
      if (match[0] === '%%') {
        text += '%';
        continue;
      }
      let flags = match[1] ?? '';
      let width = match[2] === '*' ? Number(number(take())) : Number(match[2] ?? 0);
      if (width < 0) {
        flags += '-';
        width = -width;
      }
      const precision =
        match[3] === '*' ? Number(number(take())) : match[3] === undefined ? undefined : Number(match[3] || 0);
      if (width > WIDEST || (precision ?? 0) > WIDEST) {
        problems.push(`${match[0]}: field is wider than ${WIDEST}`);
        stopped = true;
        break;
      }
      const kind = match[4]!;
      let body: string;
      if (kind === 's')
        body = precision === undefined ? (take() ?? '') : [...(take() ?? '')].slice(0, precision).join('');
      else if (kind === 'c') body = (take() ?? '').slice(0, 1);
      else if (kind === 'b') body = decodeEscapes(take() ?? '', { onStop: () => (stopped = true) });
      else if (kind === 'q' || kind === 'Q') body = escapeWord(take() ?? '');
      else if (kind.endsWith('T')) {
        const seconds = take();
        body = strftime(
          kind.slice(1, -2) || '%X',
          seconds === undefined || Number(seconds) < 0 ? now : Number(seconds) * 1000,
        );
      } else if (/[diouxX]/.test(kind)) body = integer(kind, number(take()), flags, precision, width);
      else body = floating(kind, real(take()), flags, precision ?? 6, width);
      text += flags.includes('-') ? body.padEnd(width) : body.padStart(width);
    }
    if (!stopped) text += decodeEscapes(format.slice(at), { format: true, onStop: () => (stopped = true) });
    return used;
  };
  let used = one();
  while (rest.length > 0 && used && !stopped) used = one();
  rest = [];
  return { text, problems };
}

function signed(body: string, negative: boolean, flags: string): string {
  return negative ? `-${body}` : flags.includes('+') ? `+${body}` : flags.includes(' ') ? ` ${body}` : body;
}

function integer(kind: string, value: bigint, flags: string, precision: number | undefined, width: number): string {
  if (kind === 'd' || kind === 'i') {
    let digits = String(value < 0n ? -value : value);
    if (precision !== undefined) digits = digits.padStart(precision, '0');
    else if (flags.includes('0') && !flags.includes('-'))
      digits = digits.padStart(width - (value < 0n || /[+ ]/.test(flags) ? 1 : 0), '0');
    return signed(digits, value < 0n, flags);
  }
  const base = kind === 'o' ? 8 : kind === 'u' ? 10 : 16;
  let digits = BigInt.asUintN(64, value).toString(base);
  if (precision !== undefined) digits = digits.padStart(precision, '0');
  const prefix = flags.includes('#') && value !== 0n ? (base === 16 ? '0x' : base === 8 ? '0' : '') : '';
  if (flags.includes('0') && !flags.includes('-') && precision === undefined)
    digits = digits.padStart(width - prefix.length, '0');
  return kind === 'X' ? (prefix + digits).toUpperCase() : prefix + digits;
}

function floating(kind: string, value: number, flags: string, precision: number, width: number): string {
  const size = Math.abs(value);
  const places = Math.min(precision, 100);
  let body: string;
  const lower = kind.toLowerCase();
  if (!Number.isFinite(value)) body = Number.isNaN(value) ? 'nan' : 'inf';
  else if (lower === 'f') body = size.toFixed(places);
  else if (lower === 'e') body = exponent(size.toExponential(places));
  else {
    const significant = places || 1;
    const power = size === 0 ? 0 : Math.floor(Math.log10(size));
    body =
      power < -4 || power >= significant
        ? exponent(size.toExponential(significant - 1))
        : size.toPrecision(significant);
    if (!flags.includes('#') && body.includes('.')) body = body.replace(/\.?0+(e|$)/, '$1');
  }
  if (flags.includes('0') && !flags.includes('-')) body = body.padStart(width - (value < 0 ? 1 : 0), '0');
  const text = signed(body, value < 0 || Object.is(value, -0), flags);
  return kind === kind.toUpperCase() ? text.toUpperCase() : text;
}

const exponent = (text: string) => text.replace(/e([+-])(\d)$/, 'e$10$2');

async function printf(sh: ShellProcess, args: string[]): Promise<number> {
  const rest = args.slice();
  let target: string | undefined;
  if (rest[0] === '-v') {
    target = rest[1];
    rest.splice(0, 2);
  }
  if (rest[0] === '--') rest.shift();
  const format = rest.shift();
  if (format === undefined) throw new ShellError('printf: usage: printf [-v var] format [arguments]', { status: 2 });
  const { text, problems } = formatPrintf(format, rest, sh.world.clock.now());
  if (target) await assignTo(sh, target, text);
  else if (text !== '') await sh.out(text);
  for (const problem of problems) await sh.complain(`printf: ${problem}`);
  return problems.length > 0 ? 1 : 0;
}

export const outputBuiltins: Builtin[] = [
  { name: 'echo', run: echo },
  { name: 'printf', run: printf },
];
