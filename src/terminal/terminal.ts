import type { Clock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import type { Command } from '#shell/command.ts';
import type { Shell } from '#shell/shell.ts';
import type { ByteReader, ByteWriter, Stdio, TerminalSize } from '#shell/stdio.ts';
import { completionsOf } from './line/complete.ts';
import { LineEditor } from './line/editor.ts';
import type { History } from './line/history.ts';
import { type Key, KeyDecoder } from './line/keys.ts';
import { TerminalOutput } from './output.ts';
import type { PromptState } from './prompt.ts';
import { TtyInput } from './tty.ts';
import type { Workspace } from './workspace.ts';

export interface TerminalOptions {
  size: TerminalSize;
  wall: Clock;
  workspace: Workspace;
  commands: ReadonlyMap<string, Command>;
  history: History;
  prompt(state: PromptState): string;
  welcome: string | undefined;
  /** A shell in the learner's home, or where another one was. */
  newShell(from?: { cwd: string; env: Record<string, string> }): Shell;
  onOutput(data: string): void;
  onClosed(): void;
}

const RC_FILE = '.bashrc';
const PASTE_ON = '\x1b[?2004h';
const PASTE_OFF = '\x1b[?2004l';
/** A completion that takes longer is given up. */
const COMPLETE_WITHIN_MS = 3_000;

/** One terminal: a shell, the line editor in front of it, and the tty of what runs in it. */
export class Terminal {
  readonly #options: TerminalOptions;
  readonly #output: TerminalOutput;
  readonly #editor: LineEditor;
  readonly #tty: TtyInput;
  readonly #decoder = new KeyDecoder();
  readonly #sizeListeners = new Set<(size: TerminalSize) => void>();
  readonly #held: string[] = [];
  #size: TerminalSize;
  #shell: Shell;
  #running: AbortController | undefined;
  /** Gives the terminal back although the program has not ended. */
  #abandon: (() => void) | undefined;
  #pumping = false;
  #closed = false;
  #status = 0;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#size = options.size;
    this.#output = new TerminalOutput(options.onOutput, options.wall);
    this.#tty = new TtyInput({
      echo: (data) => this.#output.print(data),
      interrupt: () => this.#interrupt(),
      suspend: () =>
        this.#output.print(
          '\r\nStopping a program with Ctrl-Z is not possible here: end it with Ctrl-C, or open a second terminal.\r\n',
        ),
    });
    this.#editor = new LineEditor(
      {
        write: (data) => this.#output.print(data),
        history: options.history,
        complete: (line) => this.#complete(line),
        isIncomplete: (text) => this.#shell.isIncomplete(text),
      },
      options.size.columns,
    );
    this.#shell = options.newShell();
  }

  /** Shows the welcome and the first prompt. */
  async start(): Promise<void> {
    const { welcome, workspace } = this.#options;
    if (welcome) this.#output.print(`${welcome.replace(/\r?\n/g, '\r\n').replace(/(\r\n)?$/, '\r\n')}`);
    if (await workspace.fs.exists(`${workspace.home}/${RC_FILE}`)) await this.#run(`. ~/${RC_FILE}`);
    else this.#prompt();
  }

  input(data: string): void {
    if (this.#closed) return;
    if (this.#running) return this.#tty.feed(data);
    this.#decoder.push(data);
    void this.#pump();
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    this.#editor.resize(size.columns);
    for (const listener of [...this.#sizeListeners]) listener(size);
  }

  /** Prints a line above the input; where a program has the whole screen, when that is left. */
  notice(text: string): void {
    const line = `\x1b[33m${text}\x1b[0m\r\n`;
    if (this.#running && this.#tty.isRaw) return void this.#held.push(line);
    this.#above(line);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#running?.abort(new DOMException('the terminal was closed', 'AbortError'));
    this.#abandon?.();
    this.#shell.close();
    this.#output.close();
    this.#options.onClosed();
  }

  #above(data: string): void {
    if (this.#running) {
      if (!this.#output.isAtLineStart) this.#output.print('\r\n');
      return this.#output.print(data);
    }
    this.#editor.hide();
    this.#output.print(data);
    if (!this.#output.isAtLineStart) this.#output.print('\r\n');
    this.#editor.show();
  }

  /** Takes keys one after the other; a completion may have to wait for the cluster. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let key = this.#decoder.next(); key && !this.#closed; key = this.#decoder.next()) await this.#key(key);
    } finally {
      this.#pumping = false;
    }
  }

  async #key(key: Key): Promise<void> {
    const outcome = await this.#editor.key(key);
    if (!outcome || this.#closed) return;
    if (outcome.type === 'eof') {
      this.#output.print('exit\r\n');
      return this.close();
    }
    if (outcome.type === 'interrupt') this.#status = 130;
    if (outcome.type === 'interrupt' || outcome.text.trim() === '') return this.#prompt();
    await this.#run(outcome.text);
  }

  #prompt(): void {
    if (this.#closed) return;
    if (!this.#output.isAtLineStart) this.#output.print('\r\n');
    for (const line of this.#held.splice(0)) this.#output.print(line);
    this.#output.print(PASTE_ON);
    this.#editor.start(
      this.#options.prompt({ cwd: this.#shell.cwd, status: this.#status, ps1: this.#shell.variable('PS1') }),
    );
  }

  async #run(script: string): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    this.#output.print(PASTE_OFF);
    this.#tty.feedAhead(this.#decoder.takeRest());
    const stdin = this.#tty.open();
    const abandoned = new Promise<'abandoned'>((resolve) => {
      this.#abandon = () => resolve('abandoned');
    });
    const shell = this.#shell;
    const ended = await Promise.race([
      shell.run(script, this.#streams(stdin.reader), running.signal).catch((error) => {
        this.#output.print(`bash: ${messageOf(error)}\r\n`);
        return 1;
      }),
      abandoned,
    ]);
    stdin.close();
    this.#tty.restore();
    this.#running = undefined;
    this.#abandon = undefined;
    if (this.#closed) return;
    if (ended === 'abandoned') {
      this.#shell = this.#options.newShell({ cwd: shell.cwd, env: shell.env });
      shell.close();
      this.#status = 130;
    } else this.#status = ended;
    if (this.#shell.exit !== undefined) return this.close();
    this.#decoder.push(this.#tty.takeUnread().replaceAll('\n', '\r'));
    this.#prompt();
    void this.#pump();
  }

  /** The first Ctrl-C aborts; should the program not end, the next one takes the terminal away from it. */
  #interrupt(): void {
    if (this.#running?.signal.aborted) return this.#abandon?.();
    this.#running?.abort(new DOMException('interrupted', 'AbortError'));
  }

  #streams(stdin: ByteReader): Stdio {
    const { size, tty } = { size: () => this.#size, tty: this.#tty };
    const writer: ByteWriter = {
      // A job in the background prints above the input line.
      write: (data) => (this.#running ? this.#output.write(data) : this.#writeAbove(data)),
      end() {},
    };
    return {
      stdin,
      stdout: writer,
      stderr: writer,
      tty: {
        get size() {
          return size();
        },
        onResize: (listener) => {
          this.#sizeListeners.add(listener);
          return () => this.#sizeListeners.delete(listener);
        },
        setRaw: () => tty.setRaw(),
        keys: stdin,
      },
    };
  }

  async #writeAbove(data: Uint8Array | string): Promise<void> {
    this.#editor.hide();
    const written = this.#output.write(data);
    if (!this.#output.isAtLineStart) this.#output.print('\r\n');
    this.#editor.show();
    await written;
  }

  async #complete(line: string) {
    const { commands, workspace, wall } = this.#options;
    const { builtins, functions, aliases } = this.#shell.names();
    const found = completionsOf(line, {
      fs: workspace.fs,
      cwd: this.#shell.cwd,
      env: this.#shell.env,
      commands,
      names: [...builtins, ...functions, ...aliases],
      aliasOf: (name) => this.#shell.alias(name),
    });
    const late = wall.sleep(COMPLETE_WITHIN_MS).then(() => completionsOf('', emptyWorld(workspace)));
    return Promise.race([found, late]);
  }
}

const emptyWorld = (workspace: Workspace) => ({
  fs: workspace.fs,
  cwd: '/',
  env: {},
  commands: new Map(),
  names: [],
});
