import type { IFileSystem } from 'just-bash';
import type { Clock } from '#base/clock.ts';
import { builtins, DECLARING } from './builtins/builtins.ts';
import type { Command } from './command.ts';
import { OpenFile } from './files.ts';
import { Exit, Killed, killedBy, signalNamed } from './flow.ts';
import { unreadable } from './pipe.ts';
import { ShellProcess, type ShellWorld } from './process.ts';
import { statusOf } from './run/child.ts';
import { tellEndedJobs } from './run/job.ts';
import { runScript } from './run/script.ts';
import { runExitTrap, runFatalTrap } from './run/trap.ts';
import type { Stdio } from './stdio.ts';
import { isIncompleteScript, loadParser } from './syntax/parse.ts';

export interface ShellOptions {
  fs: IFileSystem;
  clock: Clock;
  env: Record<string, string>;
  cwd: string;
  commands: ReadonlyMap<string, Command>;
  /** `$0` and the name in front of errors; `bash` by default. */
  name?: string;
  /** `$1` and up. */
  args?: string[];
  /** Aliases expand, job notices are printed, errors carry no line number. */
  interactive?: boolean;
  /** What `id`, `whoami` and `$UID` say; 1000 by default. */
  uid?: number;
  /** Process id of the shell itself; containers say 1. */
  pid?: number;
  /** Signals a process beside this shell's own, for `kill`; false when there is none of that number. */
  signalOther?: (pid: number, signal: string) => boolean;
}

/** One shell process; variables, functions, directory, options and aliases live across runs. */
export interface Shell {
  /** Never rejects. A syntax error is printed as bash prints it, code 2. An aborted run ends with 130 at once. */
  run(script: string, stdio: Stdio, signal: AbortSignal): Promise<number>;
  /** Ends inside a quote, a here-document, a compound command or after a backslash: the prompt shows PS2. */
  isIncomplete(text: string): boolean;
  readonly cwd: string;
  /** Exported variables. */
  readonly env: Record<string, string>;
  /** `$?` */
  readonly status: number;
  /** Set after the `exit` builtin ran. */
  readonly exit: number | undefined;
  /** A variable of the shell, exported or not (PS1). */
  variable(name: string): string | undefined;
  names(): { builtins: string[]; functions: string[]; aliases: string[] };
  /** What an alias stands for; undefined when there is none of that name. */
  alias(name: string): string | undefined;
  /**
   * Sends a signal to the shell process: its trap runs when the foreground command ends, or at once inside `wait`; without
   * a trap the run ends with 128+n.
   */
  kill(signal: string): void;
  /** Ends background jobs. */
  close(): void;
}

/** `$$` of the first shell of a thread; later processes count on. */
const FIRST_PID = 1000;
let lastPid = FIRST_PID;
const PIDS = 4_000_000;

export function createShell(options: ShellOptions): Shell {
  return new RootShell(options);
}

class RootShell implements Shell {
  readonly #closing = new AbortController();
  readonly #sh: ShellProcess;
  #exit: number | undefined;
  #running: AbortController | undefined;

  constructor(options: ShellOptions) {
    void loadParser();
    const world: ShellWorld = {
      fs: options.fs,
      clock: options.clock,
      commands: options.commands,
      interactive: options.interactive ?? false,
      startedAt: options.clock.now(),
      nextPid: () => {
        lastPid = lastPid >= PIDS ? FIRST_PID : lastPid + 1;
        return lastPid;
      },
      closing: this.#closing.signal,
      ...(options.signalOther ? { signalOther: options.signalOther } : {}),
      processes: new Map(),
    };
    const pid = options.pid ?? world.nextPid();
    const sh = new ShellProcess(world, { pid, shellPid: pid });
    sh.name = options.name ?? 'bash';
    sh.positional = options.args ?? [];
    sh.cwd = options.cwd;
    sh.end = (killed) => {
      // The kernel gives process 1 no signal that it does not handle.
      if (pid !== 1 || killed.signal === 'KILL') this.#running?.abort(killed);
    };
    sh.hasLines = !world.interactive;
    if (world.interactive) sh.shopts.add('expand_aliases');
    for (const [name, value] of Object.entries(options.env)) {
      sh.variables.set(name, value);
      sh.variables.declare(name).exported = true;
    }
    const defaults: Record<string, string> = {
      IFS: ' \t\n',
      PS4: '+ ',
      OPTIND: '1',
      BASH_VERSION: '5.2.37(1)-release',
      BASH: '/bin/bash',
      HOSTTYPE: 'x86_64',
      OSTYPE: 'linux-gnu',
      MACHTYPE: 'x86_64-pc-linux-gnu',
      __UID: String(options.uid ?? 1000),
    };
    for (const [name, value] of Object.entries(defaults)) if (!sh.variables.own(name)) sh.variables.set(name, value);
    for (const name of ['PWD', 'SHLVL', 'PATH']) {
      const value = { PWD: options.cwd, SHLVL: '1', PATH: '/usr/local/bin:/usr/bin:/bin' }[name]!;
      if (name !== 'PWD' && sh.variables.own(name)) continue;
      sh.variables.set(name, value);
      sh.variables.declare(name).exported = true;
    }
    sh.variables.setList('BASH_VERSINFO', ['5', '2', '37', '1', 'release', 'x86_64-pc-linux-gnu']);
    this.#sh = sh;
  }

  async run(script: string, stdio: Stdio, signal: AbortSignal): Promise<number> {
    const sh = this.#sh;
    await loadParser();
    const running = new AbortController();
    const end = () => running.abort(killedBy(signal));
    const close = () => running.abort(new Killed('HUP'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    this.#closing.signal.addEventListener('abort', close, { once: true });
    this.#running = running;
    sh.signal = running.signal;
    sh.line = 1;
    sh.conditions = 0;
    sh.loops = 0;
    this.#connect(stdio);
    try {
      sh.status = await this.#toTheEnd(script);
      if (sh.world.interactive && this.#exit === undefined) await tellEndedJobs(sh);
    } finally {
      signal.removeEventListener('abort', end);
      this.#closing.signal.removeEventListener('abort', close);
      this.#running = undefined;
    }
    return sh.status;
  }

  #connect(stdio: Stdio): void {
    const { fds } = this.#sh;
    const { tty } = stdio;
    const isInput = tty?.isInput ?? true;
    // `exec >file` at a prompt holds; the caller's streams are taken only where nothing of the shell's own stands.
    const put = (fd: number, file: OpenFile) => {
      const old = fds.get(fd);
      if (old === undefined ? !this.#connected : this.#given.has(old)) fds.put(fd, file);
      this.#given.add(file);
    };
    put(0, new OpenFile({ reader: unreadable(stdio.stdin), tty: isInput ? tty : undefined }));
    put(1, new OpenFile({ writer: stdio.stdout, tty }));
    put(2, new OpenFile({ writer: stdio.stderr, tty }));
    this.#sh.stageOutput = fds.get(1);
    this.#connected = true;
  }
  #connected = false;
  readonly #given = new WeakSet<OpenFile>();

  /** Runs a script and, where the process ends with it, its EXIT trap. */
  async #toTheEnd(script: string): Promise<number> {
    const sh = this.#sh;
    let status: number;
    let ends = !sh.world.interactive;
    try {
      status = await runScript(sh, script);
    } catch (thrown) {
      if (thrown instanceof Exit && !(thrown.fromError && sh.world.interactive)) {
        ends = true;
        this.#exit = thrown.status;
      }
      if (thrown instanceof Killed && !sh.world.interactive) this.#exit = thrown.status;
      status =
        thrown instanceof Killed && !sh.world.interactive && sh.traps.has(thrown.signal)
          ? await this.#last(() => runFatalTrap(sh, thrown))
          : await statusOf(sh, thrown);
      if (sh.world.interactive && thrown instanceof Killed && thrown.signal === 'INT') ends = false;
    }
    if (!ends) return status & 255;
    status = await this.#last(() => runExitTrap(sh, status));
    if (this.#exit !== undefined) this.#exit = status & 255;
    return status & 255;
  }

  async #last(action: () => Promise<number>): Promise<number> {
    try {
      return await action();
    } catch (thrown) {
      return statusOf(this.#sh, thrown);
    }
  }

  isIncomplete(text: string): boolean {
    return isIncompleteScript(text);
  }
  get cwd(): string {
    return this.#sh.cwd;
  }
  get env(): Record<string, string> {
    return this.#sh.variables.exported();
  }
  get status(): number {
    return this.#sh.status;
  }
  get exit(): number | undefined {
    return this.#exit;
  }
  variable(name: string): string | undefined {
    return this.#sh.special(name) ?? this.#sh.variables.value(name);
  }
  names(): { builtins: string[]; functions: string[]; aliases: string[] } {
    return {
      builtins: [...builtins.keys(), ...DECLARING.keys()].sort(),
      functions: [...this.#sh.functions.keys()].sort(),
      aliases: [...this.#sh.aliases.keys()].sort(),
    };
  }
  alias(name: string): string | undefined {
    return this.#sh.aliases.get(name);
  }
  kill(name: string): void {
    const signal = signalNamed(name);
    if (!signal) throw new RangeError(`no such signal: ${name}`);
    this.#sh.deliver(signal);
  }
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new Killed('HUP'));
    this.#sh.fds.closeAll();
  }
}
