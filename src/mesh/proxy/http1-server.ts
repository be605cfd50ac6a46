import type { Duplex } from 'node:stream';
import { pump } from './body-pump.ts';
import { type Answer, type Exchange, withoutHopByHop } from './exchange.ts';
import { IncomingBody } from './http1-body.ts';
import {
  chunked,
  contentLength,
  type Head,
  headerLines,
  MOST_TARGET_BYTES,
  readHead,
  reasonIn,
  refusalOf,
} from './http1-wire.ts';

const NONE: Buffer = Buffer.alloc(0);
/** How much of later requests is read while an earlier one is served. */
const MOST_AHEAD = 64 * 1024;
/** Bodies up to this size go out in one piece with their head. */
const SMALL = 4 * 1024;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
const LINE = new RegExp(`^(${METHODS.join('|')}) (/[\\u0021-\\u00ff]*) HTTP/1\\.([01])$`);

interface Plain {
  method: string;
  path: string;
  length: number;
  /** HTTP/1.0: answered as such, without chunks, and then the connection ends unless the client asked otherwise. */
  isOld: boolean;
  keeps: boolean;
}

/** What a request is about when it is one of those that this server takes; undefined for the others. */
function plain({ line, headers }: Head): Plain | undefined {
  const [, method, path, minor] = LINE.exec(line) ?? [];
  const isOld = minor === '0';
  if (method === undefined || (headers['host'] === undefined && !isOld)) return undefined;
  if (headers['transfer-encoding'] ?? headers['upgrade'] ?? headers['expect'] ?? headers['trailer']) return undefined;
  const { connection } = headers;
  if (connection !== undefined && !/^(keep-alive|close)$/i.test(connection as string)) return undefined;
  const asked = connection === undefined ? undefined : !/close/i.test(connection as string);
  const keeps = asked ?? !isOld;
  return { method, path: path!, length: contentLength(headers) ?? 0, isOld, keeps };
}

/**
 * The plain part of HTTP/1 on an accepted connection: requests with a length that leave it open or are HTTP/1.0. With the first that
 * is anything else, be it an upgrade, chunks or no request at all, `handOver` gets the connection, nothing of that
 * request read.
 */
export class PlainServer {
  readonly #socket: Duplex;
  readonly #onExchange: (exchange: Exchange) => void;
  readonly #handOver: () => void;
  #held: Buffer = NONE;
  #current: PlainExchange | undefined;
  #ended = false;

  constructor(socket: Duplex, onExchange: (exchange: Exchange) => void, handOver: () => void) {
    this.#socket = socket;
    this.#onExchange = onExchange;
    this.#handOver = handOver;
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    const rest = this.#current?.take(chunk) ?? chunk;
    if (rest.length === 0) return;
    this.#held = this.#held.length > 0 ? Buffer.concat([this.#held, rest]) : rest;
    if (!this.#current) this.#next();
    else if (this.#held.length > MOST_AHEAD) this.#socket.pause();
  };

  readonly #onDrain = (): void => this.#current?.resume?.();

  readonly #onEnd = (): void => {
    this.#ended = true;
    if (!this.#current) this.#finish();
    else if (!this.#current.isRead) this.#socket.destroy();
  };

  readonly #onError = (): void => {
    this.#socket.destroy();
  };

  readonly #onClose = (): void => this.#current?.broken();

  /** Starts on what is held. Only while no request is served. */
  #next(): void {
    let head: Head | undefined;
    let request: Plain | undefined;
    try {
      head = readHead(this.#held);
      if (!head) return;
      if (head.line.length <= MOST_TARGET_BYTES) request = plain(head);
    } catch {
      // Node's parser is to judge, and to end it.
    }
    if (!head || !request) {
      const isLong = this.#held.indexOf('\r\n') > MOST_TARGET_BYTES;
      return isLong ? void this.#socket.end(refusalOf(414), () => this.#socket.destroy()) : this.#leave();
    }
    const rest = this.#held.subarray(head.size);
    this.#held = NONE;
    const exchange = new PlainExchange(this.#socket, request, head, (keep) => this.#done(keep));
    this.#current = exchange;
    this.#held = rest.length > 0 ? exchange.take(rest) : rest;
    this.#onExchange(exchange);
  }

  #done(keep: boolean): void {
    this.#current = undefined;
    if (!keep || this.#ended) {
      this.#finish();
      return;
    }
    this.#socket.resume();
    if (this.#held.length > 0) {
      process.nextTick(() => {
        if (!this.#current && !this.#socket.destroyed) this.#next();
      });
    }
  }

  #finish(): void {
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.resume();
    socket.end(() => socket.destroy());
  }

  #leave(): void {
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    socket.unshift(this.#held);
    this.#held = NONE;
    this.#handOver();
    socket.resume();
  }
}

/** One request and its answer. */
class PlainExchange implements Exchange {
  readonly version = 'HTTP/1.1';
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: Exchange['headers'];
  readonly body?: IncomingBody;
  // gRPC is HTTP/2; what calls itself so over HTTP/1 is answered as HTTP.
  readonly isGrpc = false;
  readonly isNative = true;
  resume: (() => void) | undefined;
  readonly #socket: Duplex;
  readonly #onOver: (keep: boolean) => void;
  /** Bytes of the request's body that are to come. */
  #left: number;
  #discards = false;
  #answer: Answer | undefined;
  #answered = false;
  #keep: boolean;
  readonly isOld: boolean;
  #over = false;
  #wasComplete = false;
  #listeners: ((complete: boolean) => void)[] = [];

  constructor(socket: Duplex, request: Plain, { headers }: Head, onOver: (keep: boolean) => void) {
    this.#socket = socket;
    this.#onOver = onOver;
    this.method = request.method;
    this.path = request.path;
    this.isOld = request.isOld;
    this.#keep = request.keeps;
    this.authority = (headers['host'] as string | undefined) ?? '';
    this.headers = withoutHopByHop(headers);
    this.#left = request.length;
    if (request.length > 0) {
      this.body = new IncomingBody(socket, () => {
        this.#discards = true;
        socket.resume();
      });
    }
  }

  /** All of the request is here. */
  get isRead(): boolean {
    return this.#left === 0;
  }

  /** Takes what is of the body; returns the rest. */
  take(bytes: Buffer): Buffer {
    if (this.#left === 0) return bytes;
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= part.length;
    if (!this.#discards) this.body!.give(part);
    if (this.#left === 0) {
      if (!this.#discards) this.body!.finish();
      this.#check();
    }
    return bytes.subarray(part.length);
  }

  respond(answer: Answer): void {
    if (this.#over || this.#answer) {
      answer.body?.destroy();
      return;
    }
    this.#answer = answer;
    const { status, body, whole = NONE } = answer;
    const ends = answer.headers['connection'] === 'close';
    const headers = withoutHopByHop(answer.headers, ends);
    const sized = headers['content-length'] !== undefined;
    const bodiless = this.method === 'HEAD' || status === 204 || status === 304;
    if (ends) this.#keep = false;
    if (!bodiless && !sized) {
      if (body && this.isOld) this.#keep = false;
      else if (body) headers['transfer-encoding'] = 'chunked';
      else headers['content-length'] = String(whole.length);
    }
    if (this.isOld && this.#keep) headers['connection'] = 'keep-alive';
    else if (!this.isOld && !this.#keep) headers['connection'] ??= 'close';
    const isChunked = !sized && !this.isOld;
    const head = `HTTP/1.${this.isOld ? 0 : 1} ${status} ${reasonIn(answer)}\r\n${headerLines(headers)}\r\n`;
    if (!body || bodiless) {
      body?.resume();
      if (bodiless || whole.length <= SMALL) {
        this.#socket.write(bodiless ? head : head + whole.toString('latin1'), 'latin1');
      } else {
        this.#socket.write(head, 'latin1');
        this.#socket.write(whole);
      }
      this.#end(true);
      return;
    }
    this.#socket.write(head, 'latin1');
    this.resume = pump(body, {
      write: (chunk) => this.#socket.write(isChunked ? chunked(chunk) : chunk),
      end: () => {
        if (isChunked) this.#socket.write(lastChunk(answer), 'latin1');
        this.#end(true);
      },
      broken: () => {
        // What came of the body is kept: the client sees the end before its time, not a reset.
        if (!this.#over) this.#socket.end(() => this.#socket.destroy());
      },
    });
  }

  onDone(listener: (complete: boolean) => void): void {
    if (this.#over) listener(this.#wasComplete);
    else this.#listeners.push(listener);
  }

  /** The connection has gone. */
  broken(): void {
    if (this.#over) return;
    const error = new Error('the client has gone');
    if (this.#left > 0) this.body?.destroy(error);
    const answer = this.#answer?.body;
    this.#keep = false;
    this.#end(false);
    if (answer && !answer.readableEnded) answer.destroy();
  }

  #end(complete: boolean): void {
    this.#over = true;
    this.#wasComplete = complete;
    this.#answered = true;
    this.resume = undefined;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener(complete);
    // What nobody read of the request is in the way of the next.
    if (this.#left > 0) this.body?.destroy();
    this.#check();
  }

  #check(): void {
    if (this.#answered && (this.#left === 0 || !this.#keep)) this.#onOver(this.#keep);
  }
}

function lastChunk(answer: Answer): string {
  const trailers = answer.trailers?.();
  return `0\r\n${trailers ? headerLines(withoutHopByHop(trailers)) : ''}\r\n`;
}
