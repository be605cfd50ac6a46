import type { Clock } from '#base/clock.ts';
import { AcademyError } from '#base/errors.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { Command } from '#shell/command.ts';
import { readerOf } from '#shell/pipe.ts';
import { createShell, type Shell } from '#shell/shell.ts';
import type { ByteWriter, TerminalSize } from '#shell/stdio.ts';
import { History } from './line/history.ts';
import { defaultPrompt, type PromptState } from './prompt.ts';
import { Terminal } from './terminal.ts';
import { ownPrograms } from './tools/own.ts';
import type { Workspace } from './workspace.ts';

export interface TerminalsOptions {
  workspace: Workspace;
  /** Paces the output. */
  wall: Clock;
  /** The clock that `date` shows, the cluster's; default the wall's. Waiting goes by the wall's, as the person does. */
  clock?: Clock;
  commands: readonly Command[];
  env?: Record<string, string>;
  /** Lines of earlier sessions, oldest first. */
  history: string[];
  prompt?(state: PromptState): string;
  welcome?: string;
  onOpened(id: string): void;
  onOutput(id: string, data: string): void;
  onClosed(id: string): void;
  onHistory(line: string): void;
}

const MOST_TERMINALS = 8;
/** Output of a script that is kept, UTF-16 units. */
const SCRIPT_OUTPUT = 4 * 1024 * 1024;

/** All terminals of a session: the same files, the same programs, one history. */
export class Terminals {
  readonly #options: TerminalsOptions;
  readonly #open = new Map<string, Terminal>();
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #history: History;
  readonly #life = new Lifecycle();

  constructor(options: TerminalsOptions) {
    this.#options = options;
    this.#history = new History(options.history, options.onHistory);
    const given = new Map(options.commands.map((command) => [command.name, command]));
    const own = ownPrograms({ history: this.#history, commands: () => [...this.#commands.values()] });
    this.#commands = new Map([...own.map((command) => [command.name, command] as const), ...given]);
    options.workspace.installPrograms(this.#commands.values());
  }

  /** Opens a terminal; one that is open already only gets its size. */
  open(id: string, size: TerminalSize): void {
    const { onOpened, onOutput, onClosed, workspace, wall } = this.#options;
    if (this.#life.closed) return;
    const present = this.#open.get(id);
    if (present) {
      present.resize(size);
      return onOpened(id);
    }
    if (this.#open.size >= MOST_TERMINALS)
      throw new AcademyError('request/invalid', `A session has ${MOST_TERMINALS} terminals at most.`, {
        hint: 'Close one of the others first.',
      });
    const terminal = new Terminal({
      size,
      wall,
      workspace,
      commands: this.#commands,
      history: this.#history,
      prompt: this.#options.prompt ?? defaultPrompt,
      welcome: this.#options.welcome,
      newShell: (from) => this.#newShell(true, from),
      onOutput: (data) => onOutput(id, data),
      onClosed: () => {
        this.#open.delete(id);
        onClosed(id);
      },
    });
    this.#open.set(id, terminal);
    onOpened(id);
    void terminal.start();
  }

  input(id: string, data: string): void {
    this.#find(id).input(data);
  }

  resize(id: string, size: TerminalSize): void {
    this.#find(id).resize(size);
  }

  close(id: string): void {
    this.#open.get(id)?.close();
  }

  /** Prints a line in every terminal without breaking what is being typed. */
  notice(text: string): void {
    for (const terminal of this.#open.values()) terminal.notice(text);
  }

  /** Runs a script in a fresh bash in the learner's home. Output and errors come in the order they were written. */
  async runScript(script: string, signal?: AbortSignal): Promise<{ code: number; output: string }> {
    const shell = this.#newShell(false);
    const decoder = new TextDecoder();
    let output = '';
    const writer: ByteWriter = {
      async write(data) {
        const text = typeof data === 'string' ? data : decoder.decode(data, { stream: true });
        if (output.length < SCRIPT_OUTPUT) output += text;
      },
      end() {},
    };
    const signals = signal ? [signal, this.#life.signal] : [this.#life.signal];
    try {
      const stdio = { stdin: readerOf(''), stdout: writer, stderr: writer };
      const code = await shell.run(script, stdio, AbortSignal.any(signals));
      return { code, output };
    } finally {
      shell.close();
    }
  }

  /** Ends every terminal and script. */
  stop(): void {
    void this.#life.close();
    for (const terminal of [...this.#open.values()]) terminal.close();
    this.#options.workspace.flush();
  }

  #find(id: string): Terminal {
    const terminal = this.#open.get(id);
    if (!terminal) throw new AcademyError('request/invalid', `There is no terminal "${id}".`);
    return terminal;
  }

  #newShell(interactive: boolean, from?: { cwd: string; env: Record<string, string> }): Shell {
    const { workspace, wall, clock, env } = this.#options;
    const { home } = workspace;
    return createShell({
      fs: workspace.fs,
      clock: clock ? shownClock(clock, wall) : wall,
      cwd: from?.cwd ?? home,
      env: from?.env ?? {
        HOME: home,
        USER: 'learner',
        LOGNAME: 'learner',
        SHELL: '/bin/bash',
        PATH: '/usr/local/bin:/usr/bin:/bin',
        LANG: 'C.UTF-8',
        EDITOR: 'edit',
        ...(interactive ? { TERM: 'xterm-256color' } : { TERM: 'dumb' }),
        ...env,
      },
      commands: this.#commands,
      interactive,
    });
  }
}

/**
 * Tells one clock's time and waits by another's: a `watch` must not run a million times while the cluster's clock is moved a
 * month on.
 */
function shownClock(shown: Clock, waiting: Clock): Clock {
  return {
    now: () => shown.now(),
    setTimeout: (fn, delayMs) => waiting.setTimeout(fn, delayMs),
    setInterval: (fn, periodMs) => waiting.setInterval(fn, periodMs),
    sleep: (ms, signal) => waiting.sleep(ms, signal),
  };
}
