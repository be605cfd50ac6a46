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
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;
const PING_EVERY_MS = 20_000;
/** A server that leaves a ping unanswered for this long is taken for lost. */
const PONG_WITHIN_MS = 8_000;
/** Messages kept while there is no connection. */
const MOST_KEPT = 500;

/**
 * The line to a session. It comes back by itself when it breaks, and keeps what was sent meanwhile. Nothing printed is
 * lost, because the server is told how much this page already has.
 */
export class Connection {
  readonly events = new Emitter<{ message: ServerMessage; link: Link }>();
  readonly #o: ConnectionOptions;
  #socket: Socket | undefined;
  #link: Link = { state: 'connecting' };
  #kept: ClientMessage[] = [];
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
      this.#failures = 0;
      this.#write({ type: 'hello', since: this.#o.since() });
      const kept = this.#kept;
      this.#kept = [];
      this.#setLink({ state: 'open' });
      for (const message of kept) this.#write(message);
      this.#sendPing();
      this.#ping = this.#o.clock.setInterval(() => this.#sendPing(), PING_EVERY_MS);
    };
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return;
      this.#overdue?.cancel();
      this.events.emit('message', JSON.parse(String(data)) as ServerMessage);
    };
    socket.onclose = () => {
      if (this.#socket === socket) void this.#lost(opened);
    };
  }

  /** Sends now, or as soon as the line is back. Size changes and watched views replace older ones of their kind. */
  send(message: ClientMessage): void {
    if (this.#link.state === 'open') return this.#write(message);
    if (this.#link.state === 'closed' || this.#link.state === 'gone') return;
    this.#kept = this.#kept.filter((older) => !replaces(message, older));
    if (this.#kept.length < MOST_KEPT) this.#kept.push(message);
  }

  /** Forgets the session this page was attached to, and attaches to the one that is there now. */
  restart(): void {
    this.#kept = [];
    this.#failures = 0;
    this.connect();
  }

  close(): void {
    this.#retry?.cancel();
    this.#drop();
    this.#setLink({ state: 'closed' });
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
