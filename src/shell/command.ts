import type { IFileSystem } from 'just-bash';
import type { Clock } from '#base/clock.ts';
import type { Stdio } from './stdio.ts';

/** Streams of a nested run that differ from the caller's, and what else it may override. */
export interface RunOptions extends Partial<Stdio> {
  /** Ends the run, beside the caller's own signal. */
  signal?: AbortSignal;
  /** Added to the exported variables. */
  env?: Record<string, string>;
  /** Starts from an empty environment (`env -i`). */
  clearEnv?: boolean;
  cwd?: string;
  /** `$1` and up inside the script. */
  args?: string[];
}

/** What a program of the shell gets: its arguments and its world. All output goes through `stdio` as it is made. */
export interface CommandContext extends Stdio {
  /** Without the program's own name. */
  args: string[];
  /** Exported variables. */
  env: Record<string, string>;
  cwd: string;
  fs: IFileSystem;
  clock: Clock;
  /** Aborted by Ctrl-C, by a closing terminal, or when the reader of a pipe goes away. */
  signal: AbortSignal;
  /** Runs another command line in a subshell with the given or inherited streams; resolves with its exit code. */
  run(script: string, options?: RunOptions): Promise<number>;
}

/** A program of the shell. Resolves with its exit code; a thrown error is printed as `name: message`, exit code 1. */
export interface Command {
  readonly name: string;
  /** One line for `help`. */
  readonly summary?: string;
  execute(context: CommandContext): Promise<number>;
  /**
   * Completion of the last word. `words` are the words before the cursor (the first is the program's name), the last one
   * possibly empty. Returns whole candidate words.
   */
  complete?(words: string[], context: Pick<CommandContext, 'env' | 'cwd' | 'fs'>): Promise<string[]>;
}
