/** How a command leaves its place in the tree. Thrown and caught inside the shell, never seen outside. */
export class Break {
  levels: number;
  constructor(levels: number) {
    this.levels = levels;
  }
}
export class Continue {
  levels: number;
  constructor(levels: number) {
    this.levels = levels;
  }
}
export class Return {
  readonly status: number;
  constructor(status: number) {
    this.status = status;
  }
}
/** `exit`, `set -e`, or an error that ends a script. */
export class Exit {
  readonly status: number;
  /** An error inside a command line: an interactive shell lives on. */
  readonly fromError: boolean;
  constructor(status: number, fromError = false) {
    this.status = status;
    this.fromError = fromError;
  }
}

/** A signal that ended the process; also the reason of its AbortSignal. */
export class Killed extends Error {
  readonly signal: SignalName;
  constructor(signal: SignalName) {
    super(`killed by SIG${signal}`);
    this.signal = signal;
  }
  get status(): number {
    return 128 + SIGNALS[this.signal];
  }
}

/** A problem that is printed as `bash: message` and fails the command, or ends the script when `fatal`. */
export class ShellError extends Error {
  readonly status: number;
  readonly fatal: boolean;
  constructor(message: string, options: { status?: number; fatal?: boolean } = {}) {
    super(message);
    this.status = options.status ?? 1;
    this.fatal = options.fatal ?? false;
  }
}

/** Linux's numbers. */
export const SIGNALS = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  WINCH: 28,
} as const;
export type SignalName = keyof typeof SIGNALS;

/** `TERM`, `SIGTERM`, `15`; undefined when there is no such signal. */
export function signalNamed(text: string): SignalName | undefined {
  const upper = text.toUpperCase().replace(/^SIG/, '');
  if (upper in SIGNALS) return upper as SignalName;
  const entry = Object.entries(SIGNALS).find(([, number]) => String(number) === text);
  return entry?.[0] as SignalName | undefined;
}

/** The signal behind an abort; Ctrl-C when it does not say. */
export function killedBy(signal: AbortSignal): Killed {
  return signal.reason instanceof Killed ? signal.reason : new Killed('INT');
}

const SLICE_MS = 8;
let sliceEnd = 0;
let turn: Promise<void> | undefined;

/**
 * Lets the event loop run when the shells of this thread have computed for a while; undefined when there is time left.
 * All busy shells wait for the same turn, so that timers and messages get through however many loops spin.
 */
export function breathe(): Promise<void> | undefined {
  if (performance.now() < sliceEnd) return undefined;
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined;
      sliceEnd = performance.now() + SLICE_MS;
      resolve();
    });
  });
  return turn;
}
