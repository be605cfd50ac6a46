import type { Duplex } from 'node:stream';
import { pump } from './body-pump.ts';
import { type Answer, withoutConnection, withoutHopByHop } from './exchange.ts';
import { IncomingBody } from './http1-body.ts';
import {
  ChunkedReader,
  chunked,
  contentLength,
  type Head,
  headerLines,
  Malformed,
  readHead,
  requestLine,
} from './http1-wire.ts';
import type { Outgoing } from './upstream.ts';

const NONE: Buffer = Buffer.alloc(0);
/** Methods whose requests say that they have no body. */
const ANNOUNCED = new Set(['POST', 'PUT', 'PATCH']);

/** The request cannot be told on this connection. */
class Broken extends Error {
  readonly code: string | undefined;
  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

interface Pending {
  method: string;
  resolve(answer: Answer): void;
  reject(error: Error): void;
  signal: AbortSignal | undefined;
}

/** One HTTP/1 connection of a client: a request at a time. */
export class Http1Connection {
  readonly #socket: Duplex;
  readonly #onFree: () => void;
  #held: Buffer = NONE;
  #pending: Pending | undefined;
  #body: IncomingBody | undefined;
  /** Bytes of the body that are to come; undefined when they are chunked or end with the connection. */
  #left: number | undefined;
  #chunks: ChunkedReader | undefined;
  #untilClose = false;
  #keep = true;
  /** The request is on its way to its end. */
  #sending = false;
  #answering = false;
  #resume: (() => void) | undefined;

  /** `onFree` is called whenever another request may be sent; `onGone` once none may be. */
  constructor(socket: Duplex, onFree: () => void, onGone: () => void) {
    this.#socket = socket;
    this.#onFree = onFree;
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#take(chunk);
      } catch (error) {
        this.#fail(error as Error);
      }
    });
    socket.on('drain', () => this.#resume?.());
    socket.on('end', () => this.#end());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(new Broken(error.message, error.code)));
    socket.on('close', () => {
      this.#fail(new Broken('connection closed before message completed', 'ECONNRESET'));
      onGone();
    });
  }

  get usable(): boolean {
    return this.#keep && !this.#sending && !this.#answering && !this.#socket.destroyed;
  }

  /** Only while {@link usable}. */
  send(out: Outgoing): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { method, signal, body } = out;
      const length = out.headers['content-length'];
      let head = requestLine(method, out.path, out.isOld) + headerLines(out.headers);
      if (out.authority) head += headerLines({ host: out.authority });
      this.#pending = { method, resolve, reject, signal };
      this.#answering = true;
      if (signal) {
        if (signal.aborted) return this.#fail(new Broken('aborted'));
        signal.addEventListener('abort', this.#onAbort, { once: true });
      }
      if (!body) {
        if (length === undefined && ANNOUNCED.has(method)) head += 'content-length: 0\r\n';
        this.#socket.write(`${head}\r\n`, 'latin1');
        return;
      }
      const isChunked = length === undefined;
      if (isChunked) head += 'transfer-encoding: chunked\r\n';
      this.#sending = true;
      this.#socket.write(`${head}\r\n`, 'latin1');
      this.#resume = pump(body, {
        write: (chunk) => this.#socket.write(isChunked ? chunked(chunk) : chunk),
        end: () => {
          if (isChunked) this.#socket.write('0\r\n\r\n', 'latin1');
          this.#sending = false;
          this.#resume = undefined;
          if (!this.#answering) this.#free();
        },
        broken: () => this.#fail(new Broken('the request broke off')),
      });
    });
  }

  close(): void {
    this.#keep = false;
    this.#socket.destroy();
  }

  readonly #onAbort = () => this.#fail(new Broken('aborted'));

  #take(chunk: Buffer): void {
    if (!this.#answering) {
      // An answer to no request.
      this.close();
      return;
    }
    if (this.#body) {
      this.#takeBody(chunk);
      return;
    }
    const bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    const head = readHead(bytes);
    if (!head) {
      this.#held = bytes;
      return;
    }
    this.#held = NONE;
    this.#takeHead(head, bytes.subarray(head.size));
  }

  #takeHead({ line, headers }: Head, rest: Buffer): void {
    const [, minor, code, reason] = /^HTTP\/1\.([01]) (\d{3})(?: (.*)|$)/.exec(line) ?? [];
    if (code === undefined) throw new Malformed('invalid HTTP version parsed');
    const status = Number(code);
    if (status < 200) {
      if (status === 101) throw new Malformed('unexpected upgrade');
      if (rest.length > 0) this.#take(rest);
      return;
    }
    const connection = headers['connection'] as string | undefined;
    this.#keep = minor === '1' ? !/\bclose\b/i.test(connection ?? '') : /\bkeep-alive\b/i.test(connection ?? '');
    const { method, resolve } = this.#pending!;
    const encoding = headers['transfer-encoding'] as string | undefined;
    const trailer = headers['trailer'] !== undefined;
    this.#left = undefined;
    if (method === 'HEAD' || status === 204 || status === 304) this.#left = 0;
    else if (encoding !== undefined) {
      delete headers['content-length'];
      if (/(^|,)\s*chunked\s*$/i.test(encoding)) this.#chunks = new ChunkedReader();
      else this.#untilClose = true;
    } else {
      this.#left = contentLength(headers);
      if (this.#left === undefined) this.#untilClose = true;
    }
    const answer: Answer = {
      status,
      ...(reason === undefined ? {} : { reason }),
      headers: withoutHopByHop(withoutConnection(headers)),
    };
    if (this.#left !== undefined && rest.length >= this.#left) {
      // All of it is here already: no stream is needed.
      if (rest.length > this.#left) this.#keep = false;
      if (this.#left > 0) answer.whole = rest.subarray(0, this.#left);
      this.#settled();
      resolve(answer);
      this.#answered();
      return;
    }
    const body = new IncomingBody(this.#socket, () => this.close());
    this.#body = body;
    answer.body = body;
    const chunks = this.#chunks;
    if (trailer && chunks) answer.trailers = () => withoutHopByHop(chunks.trailers);
    this.#settled();
    resolve(answer);
    if (rest.length > 0) this.#takeBody(rest);
  }

  #takeBody(bytes: Buffer): void {
    const body = this.#body!;
    if (this.#chunks) {
      const rest = this.#chunks.take(bytes, (data) => body.give(data));
      if (rest === undefined) return;
      if (rest.length > 0) this.#keep = false;
    } else if (this.#left !== undefined) {
      const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
      if (part.length < bytes.length) this.#keep = false;
      this.#left -= part.length;
      body.give(part);
      if (this.#left > 0) return;
    } else {
      body.give(bytes);
      return;
    }
    this.#endBody();
  }

  #endBody(): void {
    const body = this.#body!;
    this.#body = undefined;
    this.#chunks = undefined;
    this.#untilClose = false;
    body.finish();
    this.#answered();
  }

  /** Nothing that the answer waited for is left to be told. */
  #settled(): void {
    this.#pending?.signal?.removeEventListener('abort', this.#onAbort);
    if (this.#pending?.signal && this.#body) {
      const { signal } = this.#pending;
      const body = this.#body;
      const stop = () => body.destroy(new Broken('aborted'));
      signal.addEventListener('abort', stop, { once: true });
      body.once('close', () => signal.removeEventListener('abort', stop));
    }
    this.#pending = undefined;
  }

  #answered(): void {
    this.#answering = false;
    if (this.#sending) return;
    this.#free();
  }

  #free(): void {
    if (this.#keep) this.#onFree();
    else this.#socket.destroy();
  }

  #end(): void {
    if (this.#body && this.#untilClose) {
      this.#keep = false;
      this.#endBody();
    } else this.#fail(new Broken('connection closed before message completed', 'ECONNRESET'));
  }

  #fail(error: Error): void {
    this.#keep = false;
    const pending = this.#pending;
    this.#settled();
    const body = this.#body;
    this.#body = undefined;
    this.#answering = false;
    this.#resume = undefined;
    if (!this.#socket.destroyed) this.#socket.destroy();
    body?.destroy(error);
    pending?.reject(error);
  }
}

/** Idle connections that are kept. */
const MOST_FREE = 64;

/** Connections to one HTTP/1 peer; one that was free last is used first. */
export class Http1Pool {
  readonly #dial: () => Promise<Duplex>;
  readonly #free: Http1Connection[] = [];

  constructor(dial: () => Promise<Duplex>) {
    this.#dial = dial;
  }

  /** Rejects when no connection could be made, or when it broke before the head of the answer. */
  send(out: Outgoing): Promise<Answer> {
    for (let free = this.#free.pop(); free; free = this.#free.pop()) if (free.usable) return free.send(out);
    return this.#open(out);
  }

  async #open(out: Outgoing): Promise<Answer> {
    const socket = await this.#dial();
    if (out.signal?.aborted) {
      socket.destroy();
      throw new Broken('aborted');
    }
    const connection: Http1Connection = new Http1Connection(
      socket,
      () => {
        if (this.#free.length < MOST_FREE) this.#free.push(connection);
        else connection.close();
      },
      () => {
        const at = this.#free.indexOf(connection);
        if (at >= 0) this.#free.splice(at, 1);
      },
    );
    return connection.send(out);
  }

  /** Closes idle connections. */
  close(): void {
    for (const connection of this.#free.splice(0)) connection.close();
  }
}
