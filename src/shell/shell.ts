import type { IFileSystem } from 'just-bash';
import type { Clock } from '#base/clock.ts';
import type { Command } from './command.ts';
import type { Stdio } from './stdio.ts';

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
  /**
   * A signal to this process (`TERM`, `INT`, `HUP`): its trap runs as soon as the command in the foreground has ended.
   * False when no trap is set for it; what then becomes of the process is the caller's to decide.
   */
  signal(name: string): boolean;
  names(): { builtins: string[]; functions: string[]; aliases: string[] };
  /** Ends background jobs. */
  close(): void;
}

export function createShell(_options: ShellOptions): Shell {
  throw new Error('the executor is not in this checkout yet');
}
