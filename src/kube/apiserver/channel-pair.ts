import type { ChannelSocket } from '#kube/api/http.ts';

type Listener = (channel: number, data: Uint8Array) => void;

/** On v5 a message on this channel closes the channel that its one byte names. */
const CLOSE_CHANNEL = 255;

/**
 * One end of an in-process channel connection. What arrives before anybody listens is kept, and delivery is in a later
 * turn than sending, as over a network.
 */
export class ChannelEnd implements ChannelSocket {
  readonly protocol: string;
  peer!: ChannelEnd;
  #messages: Listener[] = [];
  #closes: ((channel: number) => void)[] = [];
  #ends: (() => void)[] = [];
  #held: (() => void)[] = [];
  #pending = 0;
  #closed = false;

  constructor(protocol: string) {
    this.protocol = protocol;
  }

  get bufferedBytes(): number {
    return this.#pending;
  }

  send(channel: number, data: Uint8Array): void {
    if (this.#closed) return;
    this.#pending += data.length;
    setImmediate(() => {
      this.#pending -= data.length;
      this.peer.#deliver(() => {
        if (channel === CLOSE_CHANNEL) for (const listener of this.peer.#closes) listener(data[0] ?? 0);
        else for (const listener of this.peer.#messages) listener(channel, data);
      });
    });
  }

  onMessage(listener: Listener): void {
    this.#messages.push(listener);
    for (const deliver of this.#held.splice(0)) deliver();
  }
  onChannelClose(listener: (channel: number) => void): void {
    this.#closes.push(listener);
  }
  onClose(listener: () => void): void {
    this.#ends.push(listener);
    if (this.#closed) listener();
  }

  close(): void {
    if (this.#closed) return;
    setImmediate(() => {
      this.#end();
      this.peer.#end();
    });
  }

  #end(): void {
    if (this.#closed) return;
    // What nobody listened for yet is still there for who comes.
    if (this.#messages.length > 0) for (const deliver of this.#held.splice(0)) deliver();
    this.#closed = true;
    for (const listener of this.#ends) listener();
  }

  #deliver(run: () => void): void {
    if (this.#closed) return;
    if (this.#messages.length === 0) this.#held.push(run);
    else run();
  }
}

export function channelPair(protocol: string): { client: ChannelEnd; server: ChannelEnd } {
  const client = new ChannelEnd(protocol);
  const server = new ChannelEnd(protocol);
  client.peer = server;
  server.peer = client;
  return { client, server };
}
