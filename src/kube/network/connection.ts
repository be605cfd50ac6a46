import { Duplex } from 'node:stream';
import type { Connection } from './network.ts';

export interface Ends {
  client: { address: string; port: number };
  server: { address: string; port: number };
  /** What the client dialled, before any redirect. */
  originalDst: { address: string; port: number };
}

export function socketError(code: string, message: string): Error & { code: string } {
  return Object.assign(new Error(message), { code, errno: code, syscall: 'connect' });
}

/** One end of an in-memory connection: what is written here is read there, with the reader's back-pressure. */
class PairEnd extends Duplex implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly originalDst: { address: string; port: number };
  /** As net.Socket counts them. */
  bytesRead = 0;
  bytesWritten = 0;
  peer!: PairEnd;
  #resume: (() => void) | undefined;

  constructor(
    local: { address: string; port: number },
    remote: { address: string; port: number },
    originalDst: { address: string; port: number },
  ) {
    super({ allowHalfOpen: true, emitClose: true });
    this.localAddress = local.address;
    this.localPort = local.port;
    this.remoteAddress = remote.address;
    this.remotePort = remote.port;
    this.originalDst = originalDst;
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.peer.#take(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.peer.#take(chunks.length === 1 ? chunks[0]!.chunk : Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    const { peer } = this;
    // The peer's reader learns of the end in its own turn, as from a socket.
    if (!peer.destroyed) process.nextTick(() => !peer.destroyed && peer.push(null));
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { peer } = this;
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
    if (!peer.destroyed) {
      process.nextTick(() => {
        if (peer.destroyed) return;
        // A clean close of a finished connection is an end; anything else is a reset.
        if (!error && this.writableFinished) peer.push(null);
        else peer.destroy(socketError('ECONNRESET', 'read ECONNRESET'));
      });
    }
    done(error);
  }

  reset(): void {
    const { peer } = this;
    if (!peer.destroyed) peer.destroy(socketError('ECONNRESET', 'read ECONNRESET'));
    this.destroy();
  }

  // What net.Socket offers and Node's http and tls call.
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  /**
   * Delivered in a turn of its own, as from a socket: HTTP/2 writes while it reads, and must not be read into meanwhile.
   */
  #take(chunk: Buffer, done: (error?: Error | null) => void): void {
    this.bytesRead += chunk.length;
    this.peer.bytesWritten += chunk.length;
    process.nextTick(() => this.#deliver(chunk, done));
  }

  #deliver(chunk: Buffer, done: (error?: Error | null) => void): void {
    if (this.destroyed || this.readableEnded) {
      done(socketError('EPIPE', 'write EPIPE'));
      return;
    }
    if (this.push(chunk)) done();
    else this.#resume = done;
  }
}

/** Two connected ends. The client sees itself connected to what it dialled, as getpeername says behind a redirect. */
export function createPair(ends: Ends): { client: Connection; server: Connection } {
  const client = new PairEnd(ends.client, ends.originalDst, ends.originalDst);
  const server = new PairEnd(ends.server, ends.client, ends.originalDst);
  client.peer = server;
  server.peer = client;
  return { client, server };
}
