import type { Duplex, Readable } from 'node:stream';
import { Http2Connection } from '#mesh/http2/connection.ts';
import type { Headers } from '#mesh/http2/headers.ts';
import { CANCEL } from '#mesh/http2/numbers.ts';
import { Http2Stream } from '#mesh/http2/stream.ts';
import { decode, encode, type Message, type MessageType } from './protobuf.ts';

/** A method as a .proto file declares it. */
export interface Method {
  /** `/io.linkerd.proxy.identity.Identity/Certify` */
  path: string;
  request: MessageType;
  response: MessageType;
}

export const OK = 0;
export const UNKNOWN = 2;
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

const NOTHING: Buffer = Buffer.alloc(0);

/** The first message of these bytes; undefined while it is not whole. */
function firstMessage(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 5) return undefined;
  const end = 5 + bytes.readUInt32BE(1);
  return bytes.length < end ? undefined : bytes.subarray(5, end);
}

/** Cuts a byte stream into messages. */
class Deframer {
  #rest: Buffer = NOTHING;
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
const STATUS = { ':status': '200' };
const CONTENT = { 'content-type': 'application/grpc' };

/** A gRPC server for connections that are handed to it: `accept` each. */
export class GrpcServer {
  readonly #methods = new Map<string, { method: Method; handler: Handler }>();
  readonly #unknown: string;

  /** `unknown` is said to those who call a method that is not there. */
  constructor({ unknown = 'unimplemented' }: { unknown?: string } = {}) {
    this.#unknown = encodeURIComponent(unknown);
  }

  add(method: Method, handler: Handler): this {
    this.#methods.set(method.path, { method, handler });
    return this;
  }

  accept(connection: Duplex): void {
    new Http2Connection(connection, true, { onStream: (stream, headers) => this.#serve(stream, headers) });
  }

  #serve(stream: Http2Stream, headers: Headers): void {
    const known = this.#methods.get(String(headers[':path'] ?? ''));
    if (!known) {
      stream.writeHead(STATUS, { ...CONTENT, 'grpc-status': '12', 'grpc-message': this.#unknown }, true);
      return;
    }
    const { method, handler } = known;
    const whole = stream.complete;
    const first = whole && firstMessage(whole);
    if (first) void this.#run(stream, method, handler, first, headers);
    if (whole) return;
    let rest = NOTHING;
    let started = false;
    stream.body().on('data', (chunk: Buffer) => {
      if (started) return;
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const bytes = firstMessage(rest);
      if (!bytes) return;
      started = true;
      void this.#run(stream, method, handler, bytes, headers);
    });
  }

  async #run(stream: Http2Stream, method: Method, handler: Handler, bytes: Buffer, headers: Headers): Promise<void> {
    let begun = false;
    let ended = false;
    const begin = () => {
      if (begun) return;
      begun = true;
      stream.writeHead(STATUS, CONTENT);
    };
    let status: GrpcError | undefined;
    try {
      const request = decode(method.request, bytes);
      const send = (value: Message) => {
        if (ended) return;
        begin();
        stream.write(frame(method.response, value));
      };
      await handler(new StreamCall(stream, request, headers, send));
    } catch (error) {
      status = error instanceof GrpcError ? error : new GrpcError(INTERNAL, (error as Error).message);
    }
    ended = true;
    const trailers = {
      'grpc-status': String(status?.code ?? OK),
      ...(status ? { 'grpc-message': encodeURIComponent(status.message) } : {}),
    };
    if (!begun && status) {
      stream.writeHead(STATUS, { ...CONTENT, ...trailers }, true);
      return;
    }
    begin();
    stream.end(undefined, trailers);
  }
}

/** A class, as an accessor of an object literal is made anew at each call, slowly. */
class StreamCall implements Call {
  readonly request: Message;
  readonly headers: Headers;
  readonly send: Call['send'];
  readonly #stream: Http2Stream;

  constructor(stream: Http2Stream, request: Message, headers: Headers, send: Call['send']) {
    this.#stream = stream;
    this.request = request;
    this.headers = headers;
    this.send = send;
  }

  get signal(): AbortSignal {
    return goneSignal(this.#stream);
  }
}

/** Aborts when the stream is over; most handlers never ask. */
function goneSignal(stream: Http2Stream): AbortSignal {
  if (stream.isClosed) return AbortSignal.abort(GONE);
  const abort = new AbortController();
  const before = stream.onClosed;
  stream.onClosed = (complete) => {
    before?.(complete);
    abort.abort(GONE);
  };
  return abort.signal;
}

/** Who counts the calls of a channel. */
export interface CallMeter {
  sent(): SentCall;
}

/** What is heard of one call. */
export interface SentCall {
  /** The head of the answer. */
  head(status: number): void;
  /** The first piece of it. */
  piece(): void;
  /** `grpcStatus` where the answer came to its end and has one. */
  over(how: 'ended' | 'given up' | 'broken', grpcStatus?: string): void;
}

interface CallOptions {
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** One connection to a gRPC server. */
export class GrpcChannel {
  readonly #connection: Http2Connection;
  readonly #authority: string;
  readonly #closed: Promise<void>;
  readonly #meter: CallMeter | undefined;

  constructor(connection: Duplex, authority = 'localhost', meter?: CallMeter) {
    this.#authority = authority;
    this.#meter = meter;
    let onClosed = () => {};
    this.#closed = new Promise((resolve) => {
      onClosed = resolve;
    });
    this.#connection = new Http2Connection(connection, false, { onClosed });
  }

  /** Resolves when the connection is gone, whichever side ended it. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  get isClosed(): boolean {
    return !this.#connection.isOpen;
  }

  close(): void {
    this.#connection.destroy();
  }

  #start(stream: Http2Stream, method: Method, request: Message, options: CallOptions): void {
    const first = { ':method': 'POST', ':path': method.path, ':scheme': 'http', ':authority': this.#authority };
    this.#connection.request(first, { ...CONTENT, te: 'trailers', ...options.headers }, false, stream);
    stream.end(frame(method.request, request));
  }

  /** Calls a method and yields what it answers. Throws a GrpcError when the call ends with one or the connection breaks. */
  async *stream(method: Method, request: Message, options: CallOptions = {}): AsyncGenerator<Message> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.isClosed) throw new GrpcError(UNAVAILABLE, 'connection closed');
    let stream!: Http2Stream;
    const begun = new Promise<{ head: Headers; body: Readable }>((resolve, reject) => {
      stream = new Http2Stream((head) => resolve({ head, body: stream.body() }));
      stream.onClosed = () => stream.error && reject(stream.error);
    });
    const stop = () => stream.fail(CANCEL);
    signal?.addEventListener('abort', stop, { once: true });
    let head: Headers = {};
    let sent: SentCall | undefined;
    let how: 'ended' | 'given up' | 'broken' = 'given up';
    try {
      this.#start(stream, method, request, options);
      sent = this.#meter?.sent();
      const answer = await begun;
      head = answer.head;
      sent?.head(Number(head[':status']));
      const deframer = new Deframer();
      for await (const chunk of answer.body) {
        sent?.piece();
        for (const bytes of deframer.push(chunk as Buffer)) yield decode(method.response, bytes);
      }
      how = 'ended';
    } catch (error) {
      signal?.throwIfAborted();
      how = 'broken';
      throw new GrpcError(UNAVAILABLE, (error as Error).message);
    } finally {
      signal?.removeEventListener('abort', stop);
      stop();
      sent?.over(how, statusIn(stream.trailers ?? head));
    }
    signal?.throwIfAborted();
    const failure = failureOf(stream.trailers ?? head);
    if (failure) throw failure;
  }

  /** Calls a method that answers once. Without the machinery of {@link stream}: renewals by the thousand come this way. */
  unary(method: Method, request: Message, options: CallOptions = {}): Promise<Message> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.isClosed) return reject(new GrpcError(UNAVAILABLE, 'connection closed'));
      let sent: SentCall | undefined;
      const settle = (head: Headers, bytes: Buffer) => {
        sent?.over('ended', statusIn(stream.trailers ?? head));
        const failure = failureOf(stream.trailers ?? head);
        if (failure) return reject(failure);
        try {
          const message = firstMessage(bytes);
          if (message) return resolve(decode(method.response, message));
        } catch (error) {
          return reject(error);
        }
        reject(new GrpcError(INTERNAL, 'no message in the answer'));
      };
      const stream: Http2Stream = new Http2Stream((head) => {
        sent?.head(Number(head[':status']));
        const whole = stream.complete;
        if (whole) return settle(head, whole);
        const chunks: Buffer[] = [];
        const body = stream.body();
        body.on('data', (chunk: Buffer) => {
          sent?.piece();
          chunks.push(chunk);
        });
        body.on('end', () => settle(head, Buffer.concat(chunks)));
      });
      const stop = () => stream.fail(CANCEL);
      stream.onClosed = () => {
        signal?.removeEventListener('abort', stop);
        const { error } = stream;
        if (!error) return;
        sent?.over(signal?.aborted ? 'given up' : 'broken');
        reject(signal?.aborted ? signal.reason : new GrpcError(UNAVAILABLE, error.message));
      };
      signal?.addEventListener('abort', stop, { once: true });
      sent = this.#meter?.sent();
      this.#start(stream, method, request, options);
    });
  }
}

const statusIn = (trailers: Headers): string | undefined => trailers['grpc-status'] as string | undefined;

/** What a call came to, by what followed its answer. */
function failureOf(trailers: Headers): GrpcError | undefined {
  const status = trailers['grpc-status'];
  if (status === '0') return undefined;
  if (status === undefined) return new GrpcError(UNAVAILABLE, 'connection closed');
  return new GrpcError(Number(status), decodeURIComponent(String(trailers['grpc-message'] ?? '')));
}
