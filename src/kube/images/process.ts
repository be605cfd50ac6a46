import { constants } from 'node:os';
import { messageOf } from '#base/errors.ts';
import { processTable } from './process-table.ts';
import type { ContainerContext, Process } from './program.ts';

/** A program while it runs. */
export interface Running {
  /** Its number in the container. */
  readonly pid: number;
  /** Aborted when the program has ended, whatever ended it. */
  readonly signal: AbortSignal;
  /** Ends the program; the first call counts. */
  exit(code: number): void;
  /** Undone when the program ends, the last first. */
  onEnd(step: () => void): void;
  /**
   * Catches a signal. One that is not caught ends the program with 128+n, as the kernel would, except process 1 of a
   * container, which does not see signals that it has no handler for. SIGKILL cannot be caught.
   */
  onSignal(signal: NodeJS.Signals, handler: () => void): void;
}

/** The exit code that a shell reports for a process that a signal ended. */
export function signalCode(signal: NodeJS.Signals): number {
  return 128 + (constants.signals[signal] ?? 0);
}

/**
 * Makes a {@link Process} of a function. The program ends when the function's promise gives a code, when `exit` is called,
 * or by a signal; what it throws ends it with code 1.
 */
export function startProcess(
  context: Pick<ContainerContext, 'isMain' | 'argv' | 'clock' | 'files'>,
  run: (running: Running) => Promise<number> | void,
): Process {
  const handlers = new Map<NodeJS.Signals, () => void>();
  const pid = context.isMain ? 1 : undefined;
  const kill = (signal: NodeJS.Signals) => {
    if (signal === 'SIGKILL') return exit(signalCode(signal));
    const handler = handlers.get(signal);
    if (handler) {
      if (!abort.signal.aborted) handler();
    } else if (!context.isMain) exit(signalCode(signal));
  };
  const entry = { command: context.argv.join(' '), startedAt: context.clock.now(), kill };
  const { pid: given, remove } = processTable(context).add(entry, pid);
  const steps: (() => void)[] = [remove];
  const abort = new AbortController();
  let end: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    end = resolve;
  });
  const exit = (code: number) => {
    if (abort.signal.aborted) return;
    abort.abort(new DOMException('the program has ended', 'AbortError'));
    for (const step of steps.reverse()) step();
    end(code);
  };
  const running: Running = {
    pid: given,
    signal: abort.signal,
    exit,
    onEnd(step) {
      if (abort.signal.aborted) step();
      else steps.push(step);
    },
    onSignal: (signal, handler) => void handlers.set(signal, handler),
  };
  const failed = (error: unknown) => {
    if (!abort.signal.aborted) process.emitWarning(`a container's program failed: ${messageOf(error)}`);
    exit(1);
  };
  try {
    run(running)?.then(exit, failed);
  } catch (error) {
    failed(error);
  }
  return { exited, kill };
}

/**
 * A Go program that catches no signals: its runtime ends it all the same, as process 1 with code 2 because the kernel does
 * not let it die of the signal.
 */
export function dieLikeGo(context: Pick<ContainerContext, 'isMain'>, running: Running): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    running.onSignal(signal, () => running.exit(context.isMain ? 2 : signalCode(signal)));
}

/** A process that ends at once. */
export const ended = (code: number): Process => ({ exited: Promise.resolve(code), kill() {} });

/** Loads a program's code when a pod first needs it. Signals that arrive before are delivered after. */
export function lazily(load: () => Promise<Process>): Process {
  const early: NodeJS.Signals[] = [];
  let loaded: Process | undefined;
  const exited = load().then(
    (made) => {
      loaded = made;
      for (const signal of early) made.kill(signal);
      return made.exited;
    },
    (error: unknown) => {
      process.emitWarning(`a container's program could not be loaded: ${messageOf(error)}`);
      return 1;
    },
  );
  return {
    exited,
    kill(signal) {
      if (loaded) loaded.kill(signal);
      else early.push(signal);
    },
  };
}

/** Writes a line to the container's log; a reader that is gone does not matter. */
export function printer(context: ContainerContext, stream: 'stdout' | 'stderr'): (line: string) => void {
  return (line) => void context.stdio[stream].write(`${line}\n`).catch(() => {});
}

/** The time of Go's standard logger: `2026/11/24 10:03:05`. */
export function goLogTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');
}
