import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';

/** Size of a terminal in characters. */
export interface DeskSize {
  columns: number;
  rows: number;
}

/** What a desk tells of itself. */
export interface DeskEvents {
  onOpened(terminal: string): void;
  onOutput(terminal: string, data: string): void;
  onClosed(terminal: string): void;
  /** A line was entered in a shell. */
  onHistory(line: string): void;
  /** A file below the home has this content now, or null: it is gone. The path is relative to the home. */
  onFile(path: string, content: Uint8Array | null, version: number): void;
  /** Lets the learner edit a text in the page; null when that was given up. */
  openEditor(path: string, content: string, signal: AbortSignal): Promise<string | null>;
}

export interface DeskOptions extends DeskEvents {
  /** The learner's files by path below the home. */
  files: Record<string, Uint8Array>;
  /** Lines of earlier sessions, oldest first. */
  history: string[];
  wall: Clock;
}

/**
 * Where a learner works: terminals, and the files that editor and shells share. What can't be done is an AcademyError;
 * names of files are relative to the home.
 */
export interface Desk {
  /** Opens a terminal; one that is open already only gets its size. */
  open(terminal: string, size: DeskSize): void | Promise<void>;
  input(terminal: string, data: string): void | Promise<void>;
  resize(terminal: string, size: DeskSize): void | Promise<void>;
  close(terminal: string): void | Promise<void>;
  /** A line in every terminal, without breaking what is being typed. */
  notice(text: string): void;
  /** Runs a script in a fresh bash in the learner's home. */
  runScript(script: string): Promise<{ code: number; output: string }>;
  write(path: string, content: string, baseVersion?: number): void | Promise<void>;
  delete(path: string): void | Promise<void>;
  rename(path: string, to: string): void | Promise<void>;
  /** Tells of every change of a file that was not told yet, because it may not be the last; absent where none waits. */
  flush?(): void;
  /** Lets go. What runs in a box goes on there, for whoever comes back to it. */
  stop(): void | Promise<void>;
}

/**
 * A machine beside a cluster in which terminals can run: a user `learner` with the home `/home/learner`, bash, tmux and the
 * scripts of `cluster/toolbox`. It reaches the cluster's API by what `kubeconfig` says.
 */
export interface Box {
  readonly kubeconfig: string;
  /** Runs a command to its end, as the learner. */
  run(
    command: string[],
    options?: { stdin?: string | Uint8Array; timeoutMs?: number; signal?: AbortSignal },
  ): Promise<{ code: number; stdout: string; stderr: string }>;
  /** The standard streams of a command, which ends when they are closed. */
  stream(command: string[], signal?: AbortSignal): Promise<Duplex>;
  /** Starts the machine again if it has ended. Rejects when it is gone. */
  revive(signal?: AbortSignal): Promise<void>;
}
