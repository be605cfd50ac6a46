import { ShellError, SIGNALS, type SignalName, signalNamed } from '../flow.ts';
import type { Job, ShellProcess } from '../process.ts';
import { findJob, jobLine } from '../run/job.ts';
import { runPendingTraps } from '../run/trap.ts';
import type { Builtin } from './builtins.ts';

/** Waits for a promise; ends early with 128+n when a trapped signal arrives, and throws when the process ends. */
async function waitFor<T>(sh: ShellProcess, promise: Promise<T>): Promise<T | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const onAbort = () => resolve(undefined);
  sh.signal.addEventListener('abort', onAbort, { once: true });
  const result = await Promise.race([promise, aborted, sh.interrupted().then(() => undefined)]);
  sh.signal.removeEventListener('abort', onAbort);
  await sh.checkpoint();
  return result;
}

async function interruptedStatus(sh: ShellProcess): Promise<number> {
  const signal = sh.pending[0];
  await runPendingTraps(sh);
  return signal ? 128 + SIGNALS[signal] : 127;
}

async function waitJobs(sh: ShellProcess, args: string[]): Promise<number> {
  if (args[0] === '-n') {
    const running = sh.jobs.filter((job) => !job.told);
    if (running.length === 0) return 127;
    const ended = await waitFor(sh, Promise.race(running.map((job) => job.done.then((status) => ({ job, status })))));
    if (!ended) return interruptedStatus(sh);
    ended.job.told = true;
    return ended.status;
  }
  if (args.length === 0) {
    const all = await waitFor(sh, Promise.all(sh.jobs.map((job) => job.done)));
    if (!all) return interruptedStatus(sh);
    if (!sh.world.interactive) for (const job of sh.jobs) job.told = true;
    return 0;
  }
  let status = 0;
  for (const text of args) {
    const job = findJob(sh, text);
    if (!job) {
      const isPid = /^\d+$/.test(text);
      await sh.complain(isPid ? `wait: pid ${text} is not a child of this shell` : `wait: ${text}: no such job`);
      status = 127;
      continue;
    }
    const ended = await waitFor(sh, job.done);
    if (ended === undefined) return interruptedStatus(sh);
    job.told = true;
    status = ended;
  }
  return status;
}

async function kill(sh: ShellProcess, args: string[]): Promise<number> {
  let signal: SignalName | '0' = 'TERM';
  const named = (text: string): SignalName | '0' => {
    const known = text === '0' ? '0' : signalNamed(text);
    if (!known) throw new ShellError(`kill: ${text}: invalid signal specification`);
    return known;
  };
  const rest = args.slice();
  if (rest[0] === '-l' || rest[0] === '-L') {
    if (rest[1]) {
      const number = Number(rest[1]) > 128 ? String(Number(rest[1]) - 128) : rest[1];
      const known = signalNamed(number);
      if (!known) throw new ShellError(`kill: ${rest[1]}: invalid signal specification`);
      await sh.out(`${/^\d+$/.test(rest[1]) ? known : SIGNALS[known]}\n`);
    } else
      await sh.out(
        `${Object.entries(SIGNALS)
          .map(([name, number]) => `${String(number).padStart(2)}) SIG${name}`)
          .join('\n')}\n`,
      );
    return 0;
  }
  if (rest[0] === '-s' || rest[0] === '-n') {
    rest.shift();
    signal = named(rest.shift() ?? '');
  } else if (/^-[A-Za-z0-9]+$/.test(rest[0] ?? '')) signal = named(rest.shift()!.slice(1));
  if (rest[0] === '--') rest.shift();
  if (rest.length === 0)
    throw new ShellError(
      'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]',
      { status: 2 },
    );
  let status = 0;
  for (const text of rest) {
    const target = text.startsWith('%') ? undefined : sh.world.processes.get(Number(text));
    if (target) {
      // An interactive shell does not end by TERM.
      const isIgnored = signal === 'TERM' && target.world.interactive && target.subshell === 0;
      if (signal !== '0' && !isIgnored) target.deliver(signal);
      await sh.checkpoint();
      if (target === sh) await runPendingTraps(sh);
      continue;
    }
    if (/^\d+$/.test(text) && sh.world.signalOther?.(Number(text), signal)) continue;
    const job = findJob(sh, text);
    if (!job || job.status !== undefined) {
      await sh.complain(
        text.startsWith('%')
          ? `kill: ${text}: no such job`
          : /^-?\d+$/.test(text)
            ? `kill: (${text}) - No such process`
            : `kill: ${text}: arguments must be process or job IDs`,
      );
      status = 1;
    } else if (signal !== '0') job.process.deliver(signal);
  }
  return status;
}

async function trap(sh: ShellProcess, args: string[]): Promise<number> {
  if (args[0] === '-l') return kill(sh, ['-l']);
  if (args.length === 0 || args[0] === '-p') {
    const wanted = args.slice(1).map(eventOf);
    for (const [event, action] of sh.traps) {
      if (wanted.length > 0 && !wanted.includes(event)) continue;
      await sh.out(
        `trap -- ${action === '' ? "''" : `'${action.replaceAll("'", "'\\''")}'`} ${event in SIGNALS ? `SIG${event}` : event}\n`,
      );
    }
    return 0;
  }
  const rest = args[0] === '--' ? args.slice(1) : args.slice();
  const clears = rest.length === 1 || rest[0] === '-' || /^\d+$/.test(rest[0]!);
  const action = clears && rest[0] !== '-' ? '-' : rest.shift()!;
  for (const text of rest) {
    const event = eventOf(text);
    if (event === 'DEBUG' || event === 'RETURN') throw new ShellError(`trap: ${event} is not available in this shell`);
    if (action === '-') sh.traps.delete(event);
    else sh.traps.set(event, action);
  }
  return 0;
}

function eventOf(text: string): string {
  const upper = text.toUpperCase();
  if (text === '0' || upper === 'EXIT') return 'EXIT';
  if (['ERR', 'DEBUG', 'RETURN'].includes(upper)) return upper;
  const signal = signalNamed(text);
  if (!signal) throw new ShellError(`trap: ${text}: invalid signal specification`);
  return signal;
}

function jobOrThrow(sh: ShellProcess, name: string, text = '%%'): Job {
  const job = findJob(sh, text.startsWith('%') ? text : `%${text}`);
  if (!job) throw new ShellError(`${name}: ${text === '%%' ? 'current' : text}: no such job`);
  return job;
}

export const jobBuiltins: Builtin[] = [
  {
    name: 'jobs',
    run: async (sh, args) => {
      const flags = args.filter((arg) => arg.startsWith('-')).join('');
      for (const job of sh.jobs) {
        if (job.told || (flags.includes('r') && job.status !== undefined)) continue;
        await sh.out(flags.includes('p') ? `${job.pid}\n` : jobLine(sh, job, flags.includes('l')));
        if (job.status !== undefined) job.told = true;
      }
      return 0;
    },
  },
  { name: 'wait', run: waitJobs },
  { name: 'kill', run: kill },
  { name: 'trap', run: trap },
  {
    name: 'fg',
    run: async (sh, [text]) => {
      const job = jobOrThrow(sh, 'fg', text);
      await sh.out(`${job.text}\n`);
      job.told = true;
      const onAbort = () => job.process.deliver('INT');
      sh.signal.addEventListener('abort', onAbort, { once: true });
      const status = await waitFor(sh, job.done);
      sh.signal.removeEventListener('abort', onAbort);
      return status ?? interruptedStatus(sh);
    },
  },
  {
    name: 'bg',
    run: async (sh, [text]) => {
      const job = jobOrThrow(sh, 'bg', text);
      await sh.complain(`bg: job ${job.number} already in background`);
      return 0;
    },
  },
  {
    name: 'disown',
    run: (sh, [text]) => {
      const job = jobOrThrow(sh, 'disown', text);
      sh.jobs = sh.jobs.filter((each) => each !== job);
      return 0;
    },
  },
];
