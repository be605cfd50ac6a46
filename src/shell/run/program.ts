import type { Command, CommandContext, RunOptions } from '../command.ts';
import { OpenFile } from '../files.ts';
import { breathe, Killed, killedBy } from '../flow.ts';
import { brokenPipe, isBrokenPipe, readerOf, UnreadableReader, unreadable } from '../pipe.ts';
import type { ShellProcess } from '../process.ts';
import type { ByteWriter, Tty } from '../stdio.ts';
import { runChild } from './child.ts';
import { reasonOf } from './errors.ts';
import { runScript } from './script.ts';

/** How long a program may take to end by itself after Ctrl-C, ms; then it is left behind and its streams are cut. */
const GRACE_MS = 100;

/** A program's input: the shell's, until the program is over. An unfinished read never takes bytes from the next one. */
class ProgramInput extends UnreadableReader {
  readonly #source: UnreadableReader;
  readonly #life: AbortSignal;
  constructor(source: UnreadableReader, life: AbortSignal) {
    super();
    this.#source = source;
    this.#life = life;
  }
  async read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const turn = breathe();
    if (turn) await turn;
    if (this.#life.aborted) throw this.#life.reason;
    const both = signal && signal !== this.#life ? AbortSignal.any([signal, this.#life]) : this.#life;
    const chunk = await this.#source.read(both);
    if (!chunk || !both.aborted) return chunk;
    this.#source.unread(chunk);
    throw both.reason;
  }
  unread(chunk: Uint8Array): void {
    this.#source.unread(chunk);
  }
  cancel(): void {}
}

/** A program's output: writes yield to the event loop now and then, and a broken pipe ends the program. */
class ProgramOutput implements ByteWriter {
  readonly #target: ByteWriter | undefined;
  readonly #onBroken: () => void;
  isBroken = false;
  isCut = false;
  constructor(target: ByteWriter | undefined, onBroken: () => void) {
    this.#target = target;
    this.#onBroken = onBroken;
  }
  async write(data: Uint8Array | string): Promise<void> {
    if (this.isCut || this.isBroken) throw brokenPipe();
    if (!this.#target) throw Object.assign(new Error('write error: Bad file descriptor'), { code: 'EBADF' });
    const turn = breathe();
    if (turn) await turn;
    try {
      await this.#target.write(data);
    } catch (error) {
      if (isBrokenPipe(error)) {
        this.isBroken = true;
        this.#onBroken();
      }
      throw error;
    }
  }
  end(): void {}
}

/** Runs a program with the process's descriptors; its exit code. */
export async function runProgram(
  sh: ShellProcess,
  command: Command,
  args: string[],
  overrides: Record<string, string> = {},
): Promise<number> {
  const life = new AbortController();
  const onAbort = () => life.abort(killedBy(sh.signal));
  if (sh.signal.aborted) throw killedBy(sh.signal);
  sh.signal.addEventListener('abort', onAbort, { once: true });

  const input = sh.fds.get(0);
  const output = sh.fds.get(1);
  const stdin = new ProgramInput(input?.reader ?? readerOf(''), life.signal);
  const stdout = new ProgramOutput(output?.writer, () => life.abort(brokenPipe()));
  const stderr = new ProgramOutput(sh.fds.get(2)?.writer, () => {});
  const context: CommandContext = {
    args,
    env: { ...sh.variables.exported(), ...overrides },
    cwd: sh.cwd,
    fs: sh.fs,
    clock: sh.world.clock,
    signal: life.signal,
    stdin,
    stdout,
    stderr,
    ...ttyOf(sh, stdin),
    run: (script, options) => runNested(sh, life.signal, script, options),
  };

  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  life.signal.addEventListener('abort', () => {
    timer = setTimeout(leave, GRACE_MS);
  });
  let outcome: { code: number } | { error: unknown } | undefined;
  try {
    const running = start(command, context).then(
      (code) => ({ code }),
      (error: unknown) => ({ error }),
    );
    outcome = (await Promise.race([running, left])) ?? undefined;
  } finally {
    clearTimeout(timer);
    sh.signal.removeEventListener('abort', onAbort);
    stdout.isCut = true;
    stderr.isCut = true;
    life.abort(new Error('the program is over'));
  }
  if (sh.signal.aborted) throw killedBy(sh.signal);
  if (stdout.isBroken) {
    if (output === sh.stageOutput) throw new Killed('PIPE');
    return new Killed('PIPE').status;
  }
  if (outcome && 'code' in outcome) return outcome.code & 255;
  const error = outcome?.error;
  const text = errorText(error);
  await sh.err(text.startsWith(`${command.name}: `) ? `${text}\n` : `${command.name}: ${text}\n`);
  return 1;
}

/** A program that throws at once must not throw past its promise. */
async function start(command: Command, context: CommandContext): Promise<number> {
  return command.execute(context);
}

function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as { code?: string }).code && /^E[A-Z]+\b/.test(error.message) ? reasonOf(error) : error.message;
}

/** The terminal, for programs that write to it; `keys` is its keyboard, also when stdin is a pipe. */
function ttyOf(sh: ShellProcess, stdin: UnreadableReader): { tty?: Tty } {
  const tty = sh.fds.get(1)?.tty;
  if (!tty) return {};
  const isKeyboard = sh.fds.get(0)?.tty !== undefined;
  const keys = isKeyboard ? stdin : tty.keys;
  return {
    tty: {
      get size() {
        return tty.size;
      },
      onResize: (listener) => tty.onResize(listener),
      setRaw: () => tty.setRaw(),
      ...(keys ? { keys } : {}),
      isInput: isKeyboard,
    },
  };
}

async function runNested(sh: ShellProcess, life: AbortSignal, script: string, o: RunOptions = {}): Promise<number> {
  const child = sh.fork();
  child.follow(life);
  if (o.signal) child.follow(o.signal);
  if (o.clearEnv) for (const name of Object.keys(child.variables.exported())) child.variables.unset(name);
  for (const [name, value] of Object.entries(o.env ?? {})) {
    child.variables.set(name, value);
    child.variables.declare(name).exported = true;
  }
  if (o.cwd) child.cwd = o.cwd;
  if (o.args) child.positional = o.args;
  child.options.delete('errexit');
  if (o.stdin) child.fds.put(0, new OpenFile({ reader: unreadable(o.stdin), tty: o.tty }));
  if (o.stdout) child.fds.put(1, new OpenFile({ writer: o.stdout, tty: o.tty }));
  if (o.stderr) child.fds.put(2, new OpenFile({ writer: o.stderr, tty: o.tty }));
  return runChild(child, () => runScript(child, script));
}
