import headless from '@xterm/headless';
import { WallClock } from '../../../src/base/clock.ts';
import type { Command } from '../../../src/shell/command.ts';
import type { Shell } from '../../../src/shell/shell.ts';
import type { Stdio } from '../../../src/shell/stdio.ts';
import { History } from '../../../src/terminal/line/history.ts';
import { Terminal } from '../../../src/terminal/terminal.ts';
import { Workspace } from '../../../src/terminal/workspace.ts';

/** Keys as a person would name them; everything else in a script of keys is typed as it stands. */
const KEYS: Record<string, string> = {
  Enter: '\r',
  Tab: '\t',
  Backspace: '\x7f',
  Delete: '\x1b[3~',
  Escape: '\x1b',
  Up: '\x1b[A',
  Down: '\x1b[B',
  Right: '\x1b[C',
  Left: '\x1b[D',
  Home: '\x1b[H',
  End: '\x1b[F',
  'C-Left': '\x1b[1;5D',
  'C-Right': '\x1b[1;5C',
  'Paste(': '\x1b[200~',
  ')Paste': '\x1b[201~',
};

/** `ls<Enter>`, `<C-a>`, `<M-b>` and so on as a terminal sends them. */
export function keys(script: string): string {
  return script.replace(/<([^<>\s]+)>/g, (all, name: string) => {
    if (KEYS[name]) return KEYS[name];
    if (/^C-.$/.test(name)) return String.fromCharCode(name.toUpperCase().charCodeAt(2) & 0x1f);
    if (/^M-.+$/.test(name)) return `\x1b${KEYS[name.slice(2)] ?? name.slice(2)}`;
    return all;
  });
}

type Run = (script: string, stdio: Stdio, signal: AbortSignal) => Promise<number>;

/** A shell that runs what the test says, and takes quotes and a closing `done` for what makes a line whole. */
export function scriptedShell(run: Run): Shell {
  let status = 0;
  return {
    run: async (script, stdio, signal) => {
      status = await run(script, stdio, signal);
      return status;
    },
    isIncomplete: (text) =>
      (text.match(/'/g)?.length ?? 0) % 2 === 1 || (/\bdo\b/.test(text) && !/\bdone\b/.test(text)) || /\\$/.test(text),
    cwd: '/home/learner',
    env: { HOME: '/home/learner', PATH: '/usr/bin', KUBECONFIG: '/home/learner/.kube/config' },
    get status() {
      return status;
    },
    exit: undefined,
    names: () => ({ builtins: ['cd', 'echo', 'export'], functions: [], aliases: ['k'] }),
    variable: () => undefined,
    alias: (name) => (name === 'k' ? 'kubectl' : undefined),
    kill() {},
    close() {},
  };
}

export interface Desk {
  terminal: Terminal;
  workspace: Workspace;
  history: History;
  /** Commands that were run, in order. */
  ran: string[];
  kept: string[];
  /** Types, and waits until the screen has come to rest. */
  type(script: string): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  settle(): Promise<void>;
  /** The rows of the screen with blanks at their ends and empty rows at the end left out. */
  screen(): string;
  /** Where the cursor is, `row:column` from 0. */
  cursor(): string;
  /** All that was ever printed. */
  raw(): string;
  closed(): boolean;
}

export interface DeskOptions {
  columns?: number;
  rows?: number;
  history?: string[];
  files?: Record<string, string>;
  commands?: Command[];
  run?: Run;
  welcome?: string;
}

/** A terminal with a screen that shows what a learner would see. The prompt is `$ `. */
export async function desk(options: DeskOptions = {}): Promise<Desk> {
  const columns = options.columns ?? 40;
  const rows = options.rows ?? 12;
  const screen = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  const files = Object.fromEntries(
    Object.entries(options.files ?? {}).map(([path, text]) => [path, Buffer.from(text)]),
  );
  const workspace = new Workspace({ files, onFile() {} });
  const kept: string[] = [];
  const ran: string[] = [];
  const history = new History(options.history ?? [], (line) => kept.push(line));
  let raw = '';
  let closed = false;
  let pending = Promise.resolve();
  const terminal = new Terminal({
    size: { columns, rows },
    wall: new WallClock(),
    workspace,
    commands: new Map((options.commands ?? []).map((command) => [command.name, command])),
    history,
    prompt: ({ status }) => (status === 0 ? '$ ' : `[${status}]$ `),
    welcome: options.welcome,
    newShell: () =>
      scriptedShell(async (script, stdio, signal) => {
        ran.push(script);
        return (await options.run?.(script, stdio, signal)) ?? 0;
      }),
    onOutput: (data) => {
      raw += data;
      pending = pending.then(() => new Promise<void>((resolve) => screen.write(data, resolve)));
    },
    onClosed: () => {
      closed = true;
    },
  });
  /** Rest: several turns in a row in which nothing was printed. */
  const settle = async () => {
    for (let quiet = 0; quiet < 4; quiet++) {
      const before = raw.length;
      await new Promise<void>((resolve) => setImmediate(resolve));
      await pending;
      if (raw.length !== before) quiet = -1;
    }
  };
  await terminal.start();
  await settle();
  return {
    terminal,
    workspace,
    history,
    ran,
    kept,
    settle,
    type: async (script) => {
      terminal.input(keys(script));
      await settle();
    },
    resize: async (newColumns, newRows) => {
      screen.resize(newColumns, newRows);
      terminal.resize({ columns: newColumns, rows: newRows });
      await settle();
    },
    screen: () => {
      const { active } = screen.buffer;
      const lines = Array.from({ length: screen.rows }, (_, y) =>
        (active.getLine(active.baseY + y)?.translateToString(true) ?? '').trimEnd(),
      );
      return lines.join('\n').trimEnd();
    },
    cursor: () => `${screen.buffer.active.cursorY}:${screen.buffer.active.cursorX}`,
    raw: () => raw,
    closed: () => closed,
  };
}
