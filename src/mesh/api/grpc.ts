import { connect, constants, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { decode, encode, type Message, type MessageType } from './protobuf.ts';

/** A method as a .proto file declares it. */
export interface Method {
  /** `/io.linkerd.proxy.identity.Identity/Certify` */
  path: string;
  request: MessageType;
  response: MessageType;
}

export const OK = 0;
export const INVALID_ARGUMENT = 3;
export const NOT_FOUND = 5;
export const PERMISSION_DENIED = 7;
export const FAILED_PRECONDITION = 9;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;

/** A call that ended with a status other than OK. */
export class GrpcError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'GrpcError';
    this.code = code;
  }
}

/** What a handler has of its call. */
export interface Call {
  request: Message;
  headers: Record<string, string | string[] | undefined>;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  send(message: Message): void;
}

/** A unary handler sends once and returns; a streaming one sends as it likes and returns when the stream ends. */
export type Handler = (call: Call) => Promise<void> | void;

/** Frames a message: not compressed, length, bytes. */
function frame(type: MessageType, value: Message): Buffer {
  const bytes = encode(type, value);
  const out = Buffer.allocUnsafe(5 + bytes.length);
  out.writeUInt8(0, 0);
  out.writeUInt32BE(bytes.length, 1);
  out.set(bytes, 5);
  return out;
}

/** Cuts a byte stream into messages. */
class Deframer {
  #rest: Buffer = Buffer.alloc(0);
  *push(chunk: Buffer): Generator<Buffer> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 5) {
      const length = this.#rest.readUInt32BE(1);
      if (this.#rest.length < 5 + length) return;
      yield this.#rest.subarray(5, 5 + length);
      this.#rest = this.#rest.subarray(5 + length);
    }
  }
}

/** One for all calls: each of its own would look at the stack first. */
const GONE = new Error('the caller has gone');

/** A gRPC server for connections that are handed to it: `accept` each. */
export class GrpcServer {
  readonly #methods = new Map<string, { method: Method; handler: Handler }>();
  readonly #server: Http2Server;

  constructor() {
    this.#server = createServer({ settings: { maxConcurrentStreams: 1024 } });
    this.#server.on('stream', (stream, headers) => this.#serve(stream, headers as Record<string, string>));
    this.#server.on('sessionError', () => {});
  }

  add(method: Method, handler: Handler): this {
    this.#methods.set(method.path, { method, handler });
    return this;
  }

  accept(connection: Duplex): void {
    this.#server.emit('connection', connection);
  }

  #serve(stream: ServerHttp2Stream, headers: Record<string, string>): void {
    stream.on('error', () => {});
    const known = this.#methods.get(headers[':path'] ?? '');
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    if (!known) {
      stream.respond({ ...head, 'grpc-status': '12', 'grpc-message': 'unimplemented' }, { endStream: true });
      return;
    }
    const { method, handler } = known;
    const abort = new AbortController();
    stream.once('close', () => abort.abort(GONE));
    const deframer = new Deframer();
    let started = false;
    stream.on('data', (chunk: Buffer) => {
      if (started) return;
      for (const bytes of deframer.push(chunk)) {
        started = true;
        void this.#run(stream, head, method, handler, bytes, headers, abort.signal);
        return;
      }
    });
  }

  async #run(
    stream: ServerHttp2Stream,
    head: Record<string, string | number>,
    method: Method,
    handler: Handler,
    bytes: Buffer,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<void> {
    let status: GrpcError | undefined;
    const begin = () => {
      if (stream.headersSent || stream.destroyed) return;
      stream.respond(head, { waitForTrailers: true });
      stream.on('wantTrailers', () =>
        stream.sendTrailers({
          'grpc-status': String(status?.code ?? OK),
          ...(status ? { 'grpc-message': encodeURIComponent(status.message) } : {}),
        }),
      );
    };
    try {
      const request = decode(method.request, bytes);
      await handler({
        request,
        headers,
        signal,
        send: (value) => {
          begin();
          if (!stream.destroyed && !stream.writableEnded) stream.write(frame(method.response, value));
        },
      });
    } catch (error) {
      status = error instanceof GrpcError ? error : new GrpcError(INTERNAL, (error as Error).message);
    }
    if (stream.destroyed) return;
    if (!stream.headersSent && status) {
      const trailers = { 'grpc-status': String(status.code), 'grpc-message': encodeURIComponent(status.message) };
      stream.respond({ ...head, ...trailers }, { endStream: true });
      return;
    }
    begin();
    stream.end();
  }
}

/** One connection to a gRPC server. */
export class GrpcChannel {
  readonly #session: ReturnType<typeof connect>;
  readonly #closed: Promise<void>;

  constructor(connection: Duplex, authority = 'localhost') {
    this.#session = connect(`http://${authority}`, { createConnection: () => connection });
    this.#session.on('error', () => {});
    this.#closed = new Promise((resolve) => this.#session.once('close', resolve));
  }

  /** Resolves when the connection is gone, whichever side ended it. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  get isClosed(): boolean {
    return this.#session.destroyed || this.#session.closed;
  }

  close(): void {
    this.#session.destroy();
  }

  /** Calls a method and yields what it answers. Throws a GrpcError when the call ends with one or the connection breaks. */
  async *stream(
    method: Method,
    request: Message,
    options: { signal?: AbortSignal; headers?: Record<string, string> } = {},
  ): AsyncGenerator<Message> {
    options.signal?.throwIfAborted();
    if (this.#session.destroyed) throw new GrpcError(UNAVAILABLE, 'connection closed');
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': method.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...options.headers,
    });
    const stop = () => stream.close(constants.NGHTTP2_CANCEL);
    options.signal?.addEventListener('abort', stop, { once: true });
    let trailers: Record<string, string | string[] | undefined> = {};
    stream.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) trailers = headers as typeof trailers;
    });
    stream.on('trailers', (headers) => {
      trailers = headers as typeof trailers;
    });
    let failure: Error | undefined;
    stream.on('error', (error: Error) => {
      failure = error;
    });
    stream.end(frame(method.request, request));
    const deframer = new Deframer();
    try {
      for await (const chunk of stream) {
        for (const bytes of deframer.push(chunk as Buffer)) yield decode(method.response, bytes);
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw new GrpcError(UNAVAILABLE, (error as Error).message);
    } finally {
      options.signal?.removeEventListener('abort', stop);
      if (!stream.closed) stop();
    }
    options.signal?.throwIfAborted();
    const status = trailers['grpc-status'];
    if (status === '0') return;
    if (status === undefined) throw new GrpcError(UNAVAILABLE, failure?.message ?? 'connection closed');
    throw new GrpcError(Number(status), decodeURIComponent(String(trailers['grpc-message'] ?? '')));
  }

  /** Calls a method that answers once. Without the machinery of {@link stream}: renewals by the thousand come this way. */
  unary(
    method: Method,
    request: Message,
    options: { signal?: AbortSignal; headers?: Record<string, string> } = {},
  ): Promise<Message> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#session.destroyed) return reject(new GrpcError(UNAVAILABLE, 'connection closed'));
      const stream = this.#session.request({
        ':method': 'POST',
        ':path': method.path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...options.headers,
      });
      const deframer = new Deframer();
      let answer: Message | undefined;
      let trailers: Record<string, string | string[] | undefined> = {};
      let failure: Error | undefined;
      const stop = () => stream.close(constants.NGHTTP2_CANCEL);
      signal?.addEventListener('abort', stop, { once: true });
      stream.on('response', (headers) => {
        if (headers['grpc-status'] !== undefined) trailers = headers as typeof trailers;
      });
      stream.on('trailers', (headers) => {
        trailers = headers as typeof trailers;
      });
      stream.on('data', (chunk: Buffer) => {
        for (const bytes of deframer.push(chunk)) answer ??= decode(method.response, bytes);
      });
      stream.on('error', (error: Error) => {
        failure = error;
      });
      stream.on('close', () => {
        signal?.removeEventListener('abort', stop);
        if (signal?.aborted) return reject(signal.reason);
        const status = trailers['grpc-status'];
        if (status === '0' && answer) resolve(answer);
        else if (status === '0') reject(new GrpcError(INTERNAL, 'no message in the answer'));
        else if (status === undefined) reject(new GrpcError(UNAVAILABLE, failure?.message ?? 'connection closed'));
        else reject(new GrpcError(Number(status), decodeURIComponent(String(trailers['grpc-message'] ?? ''))));
      });
      stream.end(frame(method.request, request));
    });
  }
}
