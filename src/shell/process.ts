import type { IFileSystem } from 'just-bash';
import type { Clock } from '#base/clock.ts';
import type { Command } from './command.ts';
import { DeviceFs } from './devices.ts';
import { type ArithmeticScope, evaluateArithmetic } from './expand/arithmetic.ts';
import { encodeText } from './expand/escapes.ts';
import { Descriptors, type OpenFile } from './files.ts';
import { Break, breathe, Continue, Exit, Killed, killedBy, Return, ShellError, type SignalName } from './flow.ts';
import { isBrokenPipe } from './pipe.ts';
import type { Compound } from './syntax/tree.ts';
import { elements, Variables } from './variables.ts';

/** What all processes of one shell share. */
export interface ShellWorld {
  readonly fs: IFileSystem;
  readonly clock: Clock;
  readonly commands: ReadonlyMap<string, Command>;
  readonly interactive: boolean;
  /** When the shell started, ms of the clock. */
  readonly startedAt: number;
  nextPid(): number;
  /** Living processes by their id, for `kill`. */
  readonly processes: Map<number, ShellProcess>;
  /** Aborted when the shell closes. */
  readonly closing: AbortSignal;
  /** Signals a process of somebody else; false when there is none of that number. */
  readonly signalOther?: (pid: number, signal: string) => boolean;
}

export interface ShellFunction {
  body: Compound<'FunctionDef'>['body'];
  redirections: Compound<'FunctionDef'>['redirections'];
}

export interface Job {
  readonly number: number;
  readonly pid: number;
  readonly text: string;
  /** undefined: still running. */
  status: number | undefined;
  readonly done: Promise<number>;
  readonly process: ShellProcess;
  /** The end was told to the user. */
  told: boolean;
}

/** Letters of `set`, with their long names. */
export const OPTIONS = {
  a: 'allexport',
  b: 'notify',
  e: 'errexit',
  f: 'noglob',
  h: 'hashall',
  m: 'monitor',
  n: 'noexec',
  u: 'nounset',
  v: 'verbose',
  x: 'xtrace',
  B: 'braceexpand',
  C: 'noclobber',
  E: 'errtrace',
  H: 'histexpand',
  P: 'physical',
  T: 'functrace',
} as const;
export type OptionName = (typeof OPTIONS)[keyof typeof OPTIONS] | 'pipefail' | 'posix' | 'emacs' | 'vi';
const SHOPTS = [
  'expand_aliases',
  'nullglob',
  'dotglob',
  'failglob',
  'globstar',
  'nocaseglob',
  'nocasematch',
  'extglob',
  'lastpipe',
  'inherit_errexit',
] as const;
export type ShoptName = (typeof SHOPTS)[number];
export const SHOPT_NAMES: readonly string[] = SHOPTS;

/** Deepest nesting of functions, `source`, `eval` and subshells. */
const DEEPEST = 500;

/** One shell process: the shell itself, a subshell, a stage of a pipeline, a background job. */
export class ShellProcess {
  readonly world: ShellWorld;
  readonly pid: number;
  /** `$$`: of the shell itself also in its subshells. */
  readonly shellPid: number;
  readonly fs: DeviceFs;
  variables = new Variables();
  functions = new Map<string, ShellFunction>();
  aliases = new Map<string, string>();
  options = new Set<OptionName>(['braceexpand', 'hashall']);
  shopts = new Set<ShoptName>(['extglob']);
  positional: string[] = [];
  /** `$0` */
  name = 'bash';
  cwd = '/';
  directories: string[] = [];
  fds = new Descriptors();
  jobs: Job[] = [];
  lastBackgroundPid: number | undefined;
  status = 0;
  line = 1;
  /** Errors name the line: scripts, not the prompt. */
  hasLines = true;
  signal: AbortSignal;
  traps = new Map<string, string>();
  pending: SignalName[] = [];
  /** Names of the running functions, innermost first, for FUNCNAME. */
  calls: string[] = [];
  depth = 0;
  loops = 0;
  subshell = 0;
  /** In a condition, where `set -e` does not act. */
  conditions = 0;
  isInTrap = false;
  /** Set by command substitutions, for the status of a bare assignment. */
  substitutionStatus: number | undefined;
  /** Process substitutions of the running command. */
  substitutions: { fd: number; done: Promise<number> }[] = [];
  /** Output of a pipeline's stage; the stage ends when nobody reads it any more. */
  stageOutput: OpenFile | undefined;
  readonly #controller = new AbortController();
  /** Ends the process; the root shell ends its run. */
  end: (killed: Killed) => void = (killed) => this.#controller.abort(killed);
  readonly #followed: (() => void)[] = [];
  #wake: (() => void) | undefined;

  constructor(world: ShellWorld, o: { pid: number; shellPid: number }) {
    this.world = world;
    this.pid = o.pid;
    this.shellPid = o.shellPid;
    this.signal = this.#controller.signal;
    world.processes.set(o.pid, this);
    this.fs = new DeviceFs(world.fs, () => this.fds);
    this.variables.evaluate = (text) => String(this.arithmetic(text));
  }

  /** A copy that lives by itself; ends with its parent unless it is detached (a background job). */
  fork(options: { detached?: boolean } = {}): ShellProcess {
    if (this.depth >= DEEPEST)
      throw new ShellError('fork: retry: Resource temporarily unavailable', { fatal: true, status: 254 });
    const child = new ShellProcess(this.world, { pid: this.world.nextPid(), shellPid: this.shellPid });
    child.variables = this.variables.fork();
    child.variables.evaluate = (text) => String(child.arithmetic(text));
    child.functions = new Map(this.functions);
    child.aliases = new Map(this.aliases);
    child.options = new Set(this.options);
    child.shopts = new Set(this.shopts);
    child.positional = this.positional.slice();
    child.name = this.name;
    child.cwd = this.cwd;
    child.directories = this.directories.slice();
    child.fds = this.fds.copy();
    child.status = this.status;
    child.line = this.line;
    child.hasLines = this.hasLines;
    child.calls = this.calls.slice();
    child.depth = this.depth + 1;
    child.subshell = this.subshell + 1;
    child.conditions = this.conditions;
    child.lastBackgroundPid = this.lastBackgroundPid;
    if (!options.detached) child.jobs = this.jobs.slice();
    for (const [name, action] of this.traps) if (action === '') child.traps.set(name, action);
    child.follow(options.detached ? this.world.closing : this.signal);
    return child;
  }

  /** Ends with this signal too. */
  follow(signal: AbortSignal): void {
    const end = () => this.#controller.abort(signal.reason instanceof Killed ? signal.reason : new Killed('INT'));
    if (signal.aborted) return end();
    signal.addEventListener('abort', end, { once: true });
    this.#followed.push(() => signal.removeEventListener('abort', end));
  }
  /** Called when the process has ended: no parent's signal and no `kill` reaches it any more. */
  unfollow(): void {
    this.world.processes.delete(this.pid);
    for (const stop of this.#followed.splice(0)) stop();
  }

  /** `kill`: a trap runs between two commands, an ignored signal does nothing, any other ends the process. */
  deliver(signal: SignalName): void {
    const action = signal === 'KILL' ? undefined : this.traps.get(signal);
    if (action === '') return;
    if (action !== undefined) {
      this.pending.push(signal);
      this.#wake?.();
    } else if (!['CHLD', 'CONT', 'WINCH', 'STOP', 'TSTP'].includes(signal)) {
      this.end(new Killed(signal));
      for (const job of this.jobs)
        if (job.process !== this && job.status === undefined && signal === 'HUP') job.process.deliver(signal);
    }
  }

  /** Resolves when a trapped signal arrives; `wait` ends then. */
  interrupted(): Promise<void> {
    if (this.pending.length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Throws when this process was ended; gives the event loop its turn. */
  async checkpoint(): Promise<void> {
    const turn = breathe();
    if (turn) await turn;
    if (this.signal.aborted) throw killedBy(this.signal);
  }

  enter(): void {
    if (++this.depth > DEEPEST) {
      throw new ShellError(`maximum nesting level exceeded (${DEEPEST})`, { fatal: true });
    }
  }

  /** `bash: line 3: `, or `bash: ` at a prompt. */
  get prefix(): string {
    return this.hasLines ? `${this.name}: line ${this.line}: ` : `${this.name}: `;
  }

  async out(text: string): Promise<void> {
    const writer = this.fds.get(1)?.writer;
    if (!writer) throw new ShellError('write error: Bad file descriptor');
    const turn = breathe();
    if (turn) await turn;
    if (this.signal.aborted) throw killedBy(this.signal);
    await writer.write(encodeText(text));
  }
  async err(text: string): Promise<void> {
    try {
      await this.fds.get(2)?.writer?.write(text);
    } catch (error) {
      if (!isBrokenPipe(error)) throw error;
    }
  }
  /** Prints a problem as the shell prints it. */
  complain(message: string): Promise<void> {
    return this.err(`${this.prefix}${message}\n`);
  }

  /** A path as the file system takes it. */
  path(text: string): string {
    return this.fs.resolvePath(this.cwd, text);
  }

  arithmetic(text: string): bigint {
    return evaluateArithmetic(text, this.#scope);
  }

  readonly #scope: ArithmeticScope = {
    get: (name, subscript) => {
      if (subscript === undefined) return this.lookup(name);
      const variable = this.variables.get(name);
      if (!variable) return this.#unset(name);
      if (variable.map) return variable.map.get(subscript);
      const list = elements(variable);
      const index = Number(this.arithmetic(subscript));
      if (index < 0) return list.at(index)?.[1];
      return variable.list ? variable.list.get(index) : index === 0 ? variable.value : undefined;
    },
    set: (name, subscript, value) => {
      if (subscript === undefined) this.variables.set(name, value);
      else if (this.variables.get(name)?.map) this.variables.setElement(name, subscript, value);
      else this.variables.setElement(name, Number(this.arithmetic(subscript)), value);
    },
  };

  #unset(name: string): undefined {
    if (this.options.has('nounset')) throw new ShellError(`${name}: unbound variable`, { fatal: true });
    return undefined;
  }

  /** The value of a name in an expression; throws under `set -u` when it is not set. */
  lookup(name: string): string | undefined {
    const value = this.special(name) ?? this.variables.value(name);
    return value === undefined ? this.#unset(name) : value;
  }

  /** Variables and parameters that the shell computes. */
  special(name: string): string | undefined {
    switch (name) {
      case '?':
        return String(this.status);
      case '$':
        return String(this.shellPid);
      case '!':
        return this.lastBackgroundPid === undefined ? '' : String(this.lastBackgroundPid);
      case '#':
        return String(this.positional.length);
      case '0':
        return this.name;
      case '-':
        return this.optionLetters();
      case 'RANDOM':
        return String(Math.floor(Math.random() * 32768));
      case 'SECONDS':
        if (this.variables.own(name)) return undefined;
        return String(Math.floor((this.world.clock.now() - this.world.startedAt) / 1000));
      case 'EPOCHSECONDS':
        return String(Math.floor(this.world.clock.now() / 1000));
      case 'EPOCHREALTIME':
        return (this.world.clock.now() / 1000).toFixed(6);
      case 'LINENO':
        return String(this.line);
      case 'BASHPID':
        return String(this.pid);
      case 'PPID':
        return '1';
      case 'UID':
      case 'EUID':
        return this.variables.value('__UID') ?? '1000';
      case 'BASH_SUBSHELL':
        return String(this.subshell);
      case 'FUNCNAME':
        return this.calls[0];
      case 'SHELLOPTS':
        return [...this.options].sort().join(':');
      default:
        return undefined;
    }
  }

  optionLetters(): string {
    const letters = Object.entries(OPTIONS).filter(([, name]) => this.options.has(name));
    return letters.map(([letter]) => letter).join('') + (this.world.interactive ? 'i' : '');
  }
}

/** Whether a thrown value is the shell's own way of moving, and not an error. */
export function isFlow(thrown: unknown): boolean {
  return (
    thrown instanceof Break ||
    thrown instanceof Continue ||
    thrown instanceof Return ||
    thrown instanceof Exit ||
    thrown instanceof Killed
  );
}
