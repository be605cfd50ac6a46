import type { Clock, Timer } from '#base/clock.ts';
import { Emitter } from '#base/events.ts';
import type { ClientMessage, ServerMessage } from '#schema/protocol.ts';

/** What of a browser's WebSocket is used here. */
export type Socket = Pick<WebSocket, 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose'>;

export type Link =
  | { state: 'connecting' }
  | { state: 'open' }
  /** Lost; tried again at `retryAt`, ms since the epoch. */
  | { state: 'waiting'; retryAt: number }
  /** The server knows no session of ours any more. */
  | { state: 'gone' }
  | { state: 'closed' };

export interface ConnectionOptions {
  clock: Clock;
  openSocket(): Socket;
  /** Asks over REST whether the session lives; rejects when the server does not answer. */
  sessionLives(): Promise<boolean>;
  /** Output offsets that this page has, for the first message. */
  since(): Record<string, number>;
  /** Told of everything that is sent for the learner. */
  onSend?(message: ClientMessage): void;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;
const PING_EVERY_MS = 20_000;
/** A server that leaves a ping unanswered for this long is taken for lost. */
const PONG_WITHIN_MS = 15_000;
/** Messages kept while there is no connection; input is counted apart. */
const MOST_KEPT = 500;
const MOST_INPUTS = 5_000;

type Input = Extract<ClientMessage, { type: 'terminal.input' }>;

/**
 * The line to a session. It comes back by itself when it breaks. What was typed is numbered and held until the server
 * has said that it arrived, and the server is told how much of the output this page has: neither is lost or doubled.
 */
export class Connection {
  readonly events = new Emitter<{ message: ServerMessage; link: Link }>();
  readonly #o: ConnectionOptions;
  readonly #page = crypto.randomUUID();
  #socket: Socket | undefined;
  #link: Link = { state: 'connecting' };
  #kept: ClientMessage[] = [];
  /** Input that the server has not said to have. */
  #inputs: Input[] = [];
  #lastInput = 0;
  #failures = 0;
  #retry: Timer | undefined;
  #ping: Timer | undefined;
  #overdue: Timer | undefined;

  constructor(options: ConnectionOptions) {
    this.#o = options;
  }

  get link(): Link {
    return this.#link;
  }

  connect(): void {
    this.#retry?.cancel();
    this.#drop();
    this.#setLink({ state: 'connecting' });
    const socket = this.#o.openSocket();
    this.#socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.#write({ type: 'hello', since: this.#o.since(), page: this.#page });
      this.#sendPing();
    };
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return;
      const message = JSON.parse(String(data)) as ServerMessage;
      if (message.type === 'pong') return this.#pong(message);
      this.events.emit('message', message);
    };
    socket.onclose = () => {
      if (this.#socket === socket) void this.#lost(opened);
    };
  }

  /** Sends now, or as soon as the line is back. Size changes and watched views replace older ones of their kind. */
  send(message: ClientMessage): void {
    if (this.#link.state === 'closed' || this.#link.state === 'gone') return;
    this.#o.onSend?.(message);
    if (message.type === 'terminal.input') {
      const numbered = { ...message, n: ++this.#lastInput };
      this.#inputs.push(numbered);
      if (this.#inputs.length > MOST_INPUTS) this.#inputs.shift();
      if (this.#link.state === 'open') this.#write(numbered);
      return;
    }
    if (this.#link.state === 'open') return this.#write(message);
    this.#kept = this.#kept.filter((older) => !replaces(message, older));
    if (this.#kept.length < MOST_KEPT) this.#kept.push(message);
  }

  /** Forgets the session this page was attached to, and attaches to the one that is there now. */
  restart(): void {
    this.#kept = [];
    this.#inputs = [];
    this.#failures = 0;
    this.connect();
  }

  close(): void {
    this.#retry?.cancel();
    this.#drop();
    this.#setLink({ state: 'closed' });
  }

  /** The first pong of a connection comes after all that the session had to tell: from then on the line is open. */
  #pong(pong: Extract<ServerMessage, { type: 'pong' }>): void {
    this.#overdue?.cancel();
    const { received = this.#lastInput } = pong;
    this.#inputs = this.#inputs.filter(({ n = 0 }) => n > received);
    if (this.#link.state === 'open') return this.events.emit('message', pong);
    this.#failures = 0;
    this.#ping = this.#o.clock.setInterval(() => this.#sendPing(), PING_EVERY_MS);
    const kept = this.#kept;
    const inputs = this.#inputs;
    this.#kept = [];
    this.#setLink({ state: 'open' });
    for (const message of kept) this.#write(message);
    this.events.emit('message', pong);
    for (const input of inputs) this.#write(input);
  }

  async #lost(opened: boolean): Promise<void> {
    this.#drop();
    // A refused upgrade looks like a broken line to a page. REST tells the two apart.
    if (!opened) {
      const lives = await this.#o.sessionLives().catch(() => undefined);
      if (this.#link.state === 'closed' || this.#socket) return;
      if (lives === false) return this.#setLink({ state: 'gone' });
    }
    const delay = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    this.#setLink({ state: 'waiting', retryAt: this.#o.clock.now() + delay });
    this.#retry = this.#o.clock.setTimeout(() => this.connect(), delay);
  }

  #sendPing(): void {
    this.#write({ type: 'ping' });
    this.#overdue?.cancel();
    this.#overdue = this.#o.clock.setTimeout(() => void this.#lost(true), PONG_WITHIN_MS);
  }

  #write(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #drop(): void {
    this.#ping?.cancel();
    this.#overdue?.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #setLink(link: Link): void {
    this.#link = link;
    this.events.emit('link', link);
  }
}

function replaces(newer: ClientMessage, older: ClientMessage): boolean {
  if (newer.type !== older.type) return false;
  if (newer.type === 'views.watch') return true;
  if (newer.type === 'terminal.resize' && older.type === 'terminal.resize') return newer.terminal === older.terminal;
  if (newer.type === 'file.write' && older.type === 'file.write') return newer.path === older.path;
  return false;
}
