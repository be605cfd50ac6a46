import type { Clock } from '#base/clock.ts';
import { AcademyError } from '#base/errors.ts';
import type { Box, DeskSize } from '../desk.ts';
import { TmuxControl } from './control.ts';
import { withoutQueries } from './queries.ts';

export interface ScreensOptions {
  box: Box;
  wall: Clock;
  onOpened(terminal: string): void;
  onOutput(terminal: string, data: string): void;
  onClosed(terminal: string): void;
  /** The connection broke without having been closed. */
  onBroken(): void;
}

interface Screen {
  window: string;
  pane: string;
  decoder: TextDecoder;
  /** Output that is held back, and the end of a sequence that is not complete. */
  held: string[];
  heldSize: number;
  tail: string;
}

const MOST_TERMINALS = 8;
const SESSION = 'academy';
/** `-D`-like attaching is not wanted: who was attached before is gone, or is about to notice. */
const ATTACH = ['tmux', '-L', SESSION, '-f', '/etc/academy/tmux.conf', '-C', 'new-session', '-A', '-s', SESSION];
/** Keeps the session when the learner has closed every terminal. */
const KEEPER = ['-n', 'keeper', 'exec cat'];
/** Bytes of input in one command. */
const INPUT_AT_ONCE = 512;
/** After silence output is sent on at once, then this often, ms; of each terminal at most this much, UTF-16 units. */
const SEND_EVERY_MS = 16;
const SEND_AT_ONCE = 32 * 1024;
/** Output held back of all terminals above which tmux is no longer read, and so holds its programs back. */
const HELD = 512 * 1024;

/**
 * The terminals of a box. Each is a window of one tmux session, which lives in the box: it outlasts every connection, and
 * whoever comes back finds each screen as it is. What programs print reaches the page as they printed it.
 */
export class Screens {
  readonly #o: ScreensOptions;
  readonly #byId = new Map<string, Screen>();
  readonly #byPane = new Map<string, string>();
  #control: TmuxControl | undefined;
  #stream: Awaited<ReturnType<Box['stream']>> | undefined;
  #timer: { cancel(): void } | undefined;
  #held = 0;
  #opening = new Map<string, Promise<void>>();

  constructor(options: ScreensOptions) {
    this.#o = options;
  }

  get ids(): string[] {
    return [...this.#byId.keys()];
  }

  /** Connects, and shows what runs already. */
  async connect(signal?: AbortSignal): Promise<void> {
    const stream = await this.#o.box.stream([...ATTACH, ...KEEPER], signal);
    if (signal?.aborted) {
      stream.destroy();
      throw signal.reason;
    }
    this.#stream = stream;
    const control = new TmuxControl(stream, {
      onOutput: (pane, data) => this.#output(pane, data),
      onWindowClosed: (window) => this.#windowClosed(window),
      onEnd: () => {
        if (this.#control !== control) return;
        this.#control = undefined;
        this.#o.onBroken();
      },
    });
    this.#control = control;
    const format = '#{window_id} #{pane_id} #{window_name}';
    const rows = (await control.command('list-windows', '-t', SESSION, '-F', format)).map((line) => line.split(' '));
    const gone = new Set(this.#byId.keys());
    for (const [window = '', pane = '', id = ''] of rows) {
      if (id === 'keeper') continue;
      gone.delete(id);
      this.#add(id, window, pane);
      this.#o.onOpened(id);
      await this.#replay(id, pane);
    }
    for (const id of gone) this.#remove(id);
  }

  async open(id: string, size: DeskSize): Promise<void> {
    await this.#opening.get(id);
    if (this.#byId.has(id)) {
      await this.resize(id, size);
      return this.#o.onOpened(id);
    }
    if (this.#byId.size + this.#opening.size >= MOST_TERMINALS)
      throw new AcademyError('request/invalid', `A session has ${MOST_TERMINALS} terminals at most.`, {
        hint: 'Close one of the others first.',
      });
    const opening = this.#open(id, size).finally(() => this.#opening.delete(id));
    this.#opening.set(id, opening);
    return opening;
  }

  async #open(id: string, size: DeskSize): Promise<void> {
    const control = this.#connected();
    const [line = ''] = await control.command(
      ...['new-window', '-d', '-t', `${SESSION}:`, '-n', id, '-P', '-F', '#{window_id} #{pane_id}'],
    );
    const [window = '', pane = ''] = line.split(' ');
    const early = this.#early.get(pane) ?? [];
    this.#early.delete(pane);
    this.#add(id, window, pane);
    this.#o.onOpened(id);
    // Before anything that follows: a shell draws its prompt again over the first one when its size changes.
    for (const data of early) this.#output(pane, data);
    // Of tmux's own settings for sizes, some end tmux 3.3 when a window is made. This one is safe.
    await this.resize(id, size);
  }

  /** What a pane prints before its number is known here. */
  readonly #early = new Map<string, Buffer[]>();

  input(id: string, data: string): void {
    const { pane } = this.#find(id);
    const control = this.#connected();
    const bytes = Buffer.from(data);
    for (let at = 0; at < bytes.length; at += INPUT_AT_ONCE) {
      const hex =
        bytes
          .subarray(at, at + INPUT_AT_ONCE)
          .toString('hex')
          .match(/../g) ?? [];
      control.command('send-keys', '-t', pane, '-H', ...hex).catch(() => {});
    }
  }

  async resize(id: string, { columns, rows }: DeskSize): Promise<void> {
    const { window } = this.#find(id);
    await this.#connected().command('resize-window', '-t', window, '-x', String(columns), '-y', String(rows));
  }

  async close(id: string): Promise<void> {
    const screen = this.#byId.get(id);
    if (screen) await this.#connected().command('kill-window', '-t', screen.window);
  }

  /** Prints a line above the one that is being typed; a program that fills the screen is left alone. */
  async notice(text: string): Promise<void> {
    for (const [id, { pane }] of this.#byId) {
      const [state = ''] = await this.#connected().command(
        ...['display-message', '-p', '-t', pane, '#{alternate_on} #{cursor_x} #{cursor_y}'],
      );
      const [alternate, column, row = '0'] = state.split(' ');
      if (alternate === '1') continue;
      const [line = ''] = await this.#connected().command('capture-pane', '-p', '-e', '-t', pane, '-S', row, '-E', row);
      this.#o.onOutput(id, `\r\x1b[K\x1b[1;33m${text}\x1b[0m\r\n${line}\x1b[${Number(column) + 1}G`);
    }
  }

  /** Lets go of the connection; what runs goes on. */
  disconnect(): void {
    const control = this.#control;
    this.#control = undefined;
    control?.close();
    this.#timer?.cancel();
  }

  #connected(): TmuxControl {
    if (!this.#control) throw new AcademyError('driver/failed', 'The terminals are being reconnected.');
    return this.#control;
  }

  #find(id: string): Screen {
    const screen = this.#byId.get(id);
    if (!screen) throw new AcademyError('request/invalid', `There is no terminal "${id}".`);
    return screen;
  }

  #add(id: string, window: string, pane: string): void {
    this.#byId.set(id, { window, pane, decoder: new TextDecoder(), held: [], heldSize: 0, tail: '' });
    this.#byPane.set(pane, id);
  }

  #remove(id: string): void {
    const screen = this.#byId.get(id);
    if (!screen) return;
    this.#send(id, screen, true);
    this.#byId.delete(id);
    this.#byPane.delete(screen.pane);
    this.#o.onClosed(id);
  }

  #windowClosed(window: string): void {
    for (const [id, screen] of this.#byId) if (screen.window === window) this.#remove(id);
  }

  /** The lines that tmux remembers of a pane, with their colours, and the cursor where it is. */
  async #replay(id: string, pane: string): Promise<void> {
    const control = this.#connected();
    const [lines, [state = '']] = await Promise.all([
      control.command('capture-pane', '-p', '-e', '-t', pane, '-S', '-', '-E', '-'),
      control.command('display-message', '-p', '-t', pane, '#{alternate_on} #{cursor_x} #{cursor_y} #{pane_height}'),
    ]);
    const [alternate, column, row, height] = state.split(' ').map(Number);
    const up = (height ?? 0) - 1 - (row ?? 0);
    const screen = `${lines.join('\r\n')}\r${up > 0 ? `\x1b[${up}A` : ''}\x1b[${(column ?? 0) + 1}G`;
    this.#o.onOutput(id, `${alternate === 1 ? '\x1b[?1049h' : ''}\x1b[0m${screen}`);
  }

  #output(pane: string, data: Buffer): void {
    const id = this.#byPane.get(pane);
    const screen = id === undefined ? undefined : this.#byId.get(id);
    if (!screen) {
      if (this.#opening.size > 0) this.#early.set(pane, [...(this.#early.get(pane) ?? []), data]);
      return;
    }
    const text = screen.decoder.decode(data, { stream: true });
    screen.held.push(text);
    screen.heldSize += text.length;
    this.#held += text.length;
    if (this.#held > HELD) this.#stream?.pause();
    this.#timer ??= this.#o.wall.setTimeout(() => this.#sendAll(), 1);
  }

  #sendAll(): void {
    this.#timer = undefined;
    const some = this.#held > 0;
    for (const [id, screen] of this.#byId) this.#send(id, screen, false);
    if (this.#held <= HELD / 2) this.#stream?.resume();
    if (some) this.#timer = this.#o.wall.setTimeout(() => this.#sendAll(), SEND_EVERY_MS);
  }

  #send(id: string, screen: Screen, all: boolean): void {
    if (screen.heldSize === 0) return;
    const text = screen.held.join('');
    const now = all ? text : text.slice(0, SEND_AT_ONCE);
    const rest = text.slice(now.length);
    screen.held = rest ? [rest] : [];
    screen.heldSize = rest.length;
    this.#held -= now.length;
    const { shown, tail } = withoutQueries(screen.tail + now);
    screen.tail = all ? '' : tail;
    if (shown) this.#o.onOutput(id, shown);
  }
}
