import type { Command } from '../command.ts';
import { Killed, type SignalName, signalNamed } from '../flow.ts';
import { collector } from '../pipe.ts';
import { quote } from '../quote.ts';
import { parseOptions, UsageError } from './arguments.ts';
import { parseDate } from './date.ts';
import { program } from './define.ts';
import { strftime } from './strftime.ts';

/** `10`, `0.5`, `2m`, `1h`, `1d`, `infinity`; ms. */
function durationOf(text: string): number {
  if (/^inf(inity)?$/i.test(text)) return Number.MAX_SAFE_INTEGER;
  const match = /^(\d+\.?\d*|\.\d+)([smhd]?)$/.exec(text);
  if (!match) throw new UsageError(`invalid time interval '${text}'`);
  return Number(match[1]) * { '': 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2]!]!;
}

const sleep = program('sleep', 'wait', async (context) => {
  const { operands } = parseOptions(context.args, '');
  if (operands.length === 0) throw new UsageError('missing operand');
  await context.clock.sleep(
    operands.map(durationOf).reduce((sum, each) => sum + each, 0),
    context.signal,
  );
  return 0;
});

const timeout = program('timeout', 'run a command with a time limit', async (context) => {
  const options = parseOptions(context.args, 's:k:v', {
    long: ['signal:', 'kill-after:', 'preserve-status', 'foreground', 'verbose'],
    alias: { signal: 's', 'kill-after': 'k' },
    untilOperand: true,
    status: 125,
  });
  const [limit, ...command] = options.operands;
  if (limit === undefined || command.length === 0) throw new UsageError('missing operand', 125);
  const signal: SignalName | undefined = signalNamed(options.value('s') ?? 'TERM');
  if (!signal) throw new UsageError(`${options.value('s')}: invalid signal`, 125);
  const ms = durationOf(limit);
  const controller = new AbortController();
  let isOver = false;
  const timer =
    ms === 0
      ? undefined
      : context.clock.setTimeout(() => {
          isOver = true;
          controller.abort(new Killed(signal));
        }, ms);
  try {
    const status = await context.run(command.map(quote).join(' '), { signal: controller.signal });
    return isOver && !options.has('preserve-status') ? (signal === 'KILL' ? 137 : 124) : status;
  } finally {
    timer?.cancel();
  }
});

const date = program('date', 'the time of the clock', async (context) => {
  const options = parseOptions(context.args, 'ud:I:R:s:r:', {
    long: ['utc', 'date:', 'iso-8601::', 'rfc-3339:', 'rfc-email', 'reference:'],
    alias: { utc: 'u', date: 'd', 'iso-8601': 'I', 'rfc-email': 'R', reference: 'r' },
  });
  if (options.has('s')) throw new UsageError('cannot set date: Operation not permitted');
  let now = context.clock.now();
  const text = options.value('d');
  const reference = options.value('r');
  if (reference) now = (await context.fs.stat(context.fs.resolvePath(context.cwd, reference))).mtime.getTime();
  if (text !== undefined) {
    const parsed = parseDate(text, now);
    if (parsed === undefined) throw new UsageError(`invalid date '${text}'`);
    now = parsed;
  }
  const format = options.operands.find((each) => each.startsWith('+'))?.slice(1);
  const iso = options.value('I');
  const rfc = options.value('rfc-3339');
  const shape =
    format ??
    (iso !== undefined
      ? { '': '%F', date: '%F', hours: '%FT%H%:z', minutes: '%FT%H:%M%:z', seconds: '%FT%T%:z', ns: '%FT%T,%N%:z' }[iso]
      : rfc !== undefined
        ? rfc === 'date'
          ? '%F'
          : '%F %T%:z'
        : options.has('R')
          ? '%a, %d %b %Y %T %z'
          : '%a %b %e %T %Z %Y');
  if (shape === undefined) throw new UsageError(`invalid argument '${iso}' for '--iso-8601'`);
  await context.stdout.write(`${strftime(shape, now)}\n`);
  return 0;
});

/** Frames are cut to the screen; without a terminal they are printed one after the other. */
const watch = program('watch', 'run a command again and again', async (context) => {
  const options = parseOptions(context.args, 'n:tdgebcxp', {
    long: ['interval:', 'no-title', 'differences', 'chgexit', 'errexit', 'color', 'exec', 'precise'],
    alias: { interval: 'n', 'no-title': 't', differences: 'd', chgexit: 'g', errexit: 'e', color: 'c', exec: 'x' },
    untilOperand: true,
  });
  const everyMs = Math.max(100, Number((options.value('n') ?? '2').replace(',', '.')) * 1000);
  if (!Number.isFinite(everyMs)) throw new UsageError(`failed to parse argument: '${options.value('n')}'`);
  if (options.operands.length === 0) throw new UsageError('no command given');
  const script = options.has('x') ? options.operands.map(quote).join(' ') : options.operands.join(' ');
  const { tty } = context;
  if (tty) await context.stdout.write('\x1b[?1049h\x1b[?25l');
  let last: string | undefined;
  try {
    for (;;) {
      const output = collector();
      const status = await context.run(script, { stdout: output.writer, stderr: output.writer });
      if (context.signal.aborted) break;
      const body = output.text();
      await context.stdout.write(frame(script, body, everyMs, context, options.has('t')));
      if (options.has('g') && last !== undefined && last !== body) return 0;
      if (options.has('e') && status !== 0) return 8;
      last = body;
      await context.clock.sleep(everyMs, context.signal);
    }
    return 0;
  } finally {
    if (tty) await context.stdout.write('\x1b[?25h\x1b[?1049l').catch(() => {});
  }
});

function frame(
  script: string,
  body: string,
  everyMs: number,
  context: Parameters<Command['execute']>[0],
  bare: boolean,
): string {
  const columns = context.tty?.size.columns ?? 80;
  const when = `${context.env['HOSTNAME'] ?? 'lab'}: ${strftime('%a %b %e %T %Y', context.clock.now())}`;
  const left = `Every ${(everyMs / 1000).toFixed(1)}s: ${script}`;
  const room = columns - when.length - 1;
  const title = `${left.length > room ? `${left.slice(0, Math.max(0, room - 3))}...` : left.padEnd(room)} ${when}`;
  const lines = [...(bare ? [] : [title, '']), ...body.replace(/\n$/, '').split('\n')];
  if (!context.tty) return `${lines.join('\n')}\n`;
  const shown = lines.slice(0, context.tty.size.rows).map((line) => cut(line, columns));
  return `\x1b[H${shown.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`;
}

/** The first `columns` characters of a line; colours do not count. */
export function cut(line: string, columns: number): string {
  let width = 0;
  let result = '';
  for (const part of line.replaceAll('\t', '        ').split(/(\x1b\[[0-9;]*m)/)) {
    if (part.startsWith('\x1b')) result += part;
    else {
      const text = [...part].slice(0, Math.max(0, columns - width)).join('');
      width += text.length;
      result += text;
    }
  }
  return result;
}

export const timePrograms: Command[] = [sleep, timeout, date, watch];
