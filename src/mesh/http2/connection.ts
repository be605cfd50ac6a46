import type { Duplex } from 'node:stream';
import { ConnectionError, type FrameListener, FrameReader, unpadded } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import type { Headers } from './headers.ts';
import {
  ACK,
  COMPRESSION_ERROR,
  CONNECTION_WINDOW,
  DATA,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FIRST_WINDOW,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  LARGEST_WINDOW,
  MOST_FRAME,
  MOST_STREAMS,
  PING,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './numbers.ts';
import { Http2Stream, type StreamCarrier } from './stream.ts';

/** Bytes that wait in the socket before streams are held back. */
const MOST_WAITING = 256 * 1024;
/** Resets that are taken from a peer beyond those of streams that were served, before it counts as an attack. */
const MOST_RESETS = 1_000;
const EMPTY: Buffer = Buffer.alloc(0);

export interface Http2Events {
  /** A request, for a server. */
  onStream?(stream: Http2Stream, headers: Headers): void;
  onClosed?(): void;
}

/** One HTTP/2 connection (RFC 9113), of either side: its streams, their windows, and what concerns all of them. */
export class Http2Connection implements StreamCarrier, FrameListener {
  readonly #socket: Duplex;
  readonly #events: Http2Events;
  readonly isServer: boolean;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  /** Heads that came in this turn; they are told at its end, when what follows them is known. */
  #heads: Http2Stream[] = [];
  #nextId = 1;
  #lastId = 0;
  #sendWindow = FIRST_WINDOW;
  #firstSendWindow = FIRST_WINDOW;
  #mostStreams = Number.POSITIVE_INFINITY;
  /** Received and not yet given back. */
  #owed = 0;
  #resets = 0;
  #waiting: (() => void)[] = [];
  #leaving = false;
  #gone = false;

  constructor(socket: Duplex, isServer: boolean, events: Http2Events) {
    this.#socket = socket;
    this.isServer = isServer;
    this.#events = events;
    this.#reader = new FrameReader(isServer);
    this.#writer = new FrameWriter(socket);
    if (!isServer) this.#writer.preface();
    this.#writer.settings(isServer);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => this.#proceed());
    socket.on('end', () => this.#close(new Error('connection closed before message completed')));
    socket.on('error', (error: Error) => this.#close(error));
    socket.on('close', () => this.#close(new Error('connection closed before message completed')));
  }

  /** Whether requests can still be made on it. */
  get isOpen(): boolean {
    return !this.#gone && !this.#leaving;
  }

  /** Makes a request; waits where the peer has as many as it wants. */
  request(first: Headers, headers: Headers, ended: boolean, stream: Http2Stream): void {
    const start = () => {
      if (stream.isClosed) return;
      if (!this.isOpen) return stream.onGone(new Error('connection closed'));
      const id = this.#nextId;
      this.#nextId += 2;
      stream.open(this, id, this.#firstSendWindow);
      this.#streams.set(id, stream);
      this.writeHead(id, first, headers, ended);
      if (ended) stream.sentEnd();
      else stream.proceed();
    };
    if (this.#streams.size < this.#mostStreams) start();
    else this.#waiting.push(start);
  }

  writeHead(id: number, first: Headers, headers: Headers, ended: boolean): void {
    this.#writer.head(id, first, headers, ended);
  }

  /** Sends what both windows allow of `data`, and the end with it if all of it fits; returns how much went. */
  writeData(id: number, data: Buffer, window: number, ended: boolean): number {
    if (this.#gone) return data.length;
    if (data.length === 0) {
      this.#writer.frame(DATA, ended ? END_STREAM : 0, id, data);
      return 0;
    }
    let at = 0;
    while (at < data.length && !this.#isFull) {
      const size = Math.min(data.length - at, this.#writer.mostFrame, window - at, this.#sendWindow);
      if (size <= 0) break;
      const last = ended && at + size === data.length;
      this.#writer.frame(DATA, last ? END_STREAM : 0, id, data.subarray(at, at + size));
      this.#sendWindow -= size;
      at += size;
    }
    return at;
  }

  reset(id: number, code: number): void {
    this.#writer.reset(id, code);
  }

  giveBack(id: number, bytes: number): void {
    this.#writer.giveBack(id, bytes);
  }

  /** A stream is over on both sides. */
  forget(id: number): void {
    this.#streams.delete(id);
    if (this.#waiting.length > 0 && this.#streams.size < this.#mostStreams) this.#waiting.shift()?.();
    if (this.#leaving && this.#streams.size === 0) this.#end();
  }

  destroy(): void {
    this.#close(new Error('connection closed'));
  }

  get #isFull(): boolean {
    return this.#socket.writableLength > MOST_WAITING;
  }

  #take(chunk: Buffer): void {
    if (this.#gone) return;
    try {
      this.#reader.take(chunk, this);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    if (this.#gone) return;
    if (this.#heads.length > 0) {
      const heads = this.#heads;
      this.#heads = [];
      for (const stream of heads) stream.tell();
    }
    if (this.#owed > CONNECTION_WINDOW / 2) {
      this.giveBack(0, this.#owed);
      this.#owed = 0;
    }
  }

  onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    switch (type) {
      case DATA:
        return this.#takeData(flags, id, payload);
      case RST_STREAM:
        if (payload.length !== 4 || id === 0) throw new ConnectionError(FRAME_SIZE_ERROR, 'invalid RST_STREAM');
        if (this.isServer && this.#streams.has(id) && ++this.#resets > MOST_RESETS)
          throw new ConnectionError(ENHANCE_YOUR_CALM, 'too many resets');
        return this.#streams.get(id)?.takeReset(payload.readUInt32BE(0));
      case SETTINGS:
        return this.#takeSettings(flags, id, payload);
      case PUSH_PROMISE:
        throw new ConnectionError(PROTOCOL_ERROR, 'unexpected PUSH_PROMISE');
      case PING:
        if (payload.length !== 8 || id !== 0) throw new ConnectionError(FRAME_SIZE_ERROR, 'invalid PING');
        if (!(flags & ACK)) this.#writer.frame(PING, ACK, 0, Buffer.from(payload));
        return;
      case GOAWAY:
        return this.#takeGoaway(id, payload);
      case WINDOW_UPDATE:
        return this.#takeWindow(id, payload);
    }
  }

  #takeData(flags: number, id: number, payload: Buffer): void {
    if (id === 0) throw new ConnectionError(PROTOCOL_ERROR, 'DATA without a stream');
    this.#owed += payload.length;
    const stream = this.#streams.get(id);
    if (!stream) {
      if (this.#isIdle(id)) throw new ConnectionError(PROTOCOL_ERROR, 'DATA on an idle stream');
      return;
    }
    const data = unpadded(flags, payload);
    const lost = payload.length - data.length;
    stream.takeData(data, lost, (flags & END_STREAM) !== 0);
  }

  /** Not used so far: what a peer says on it is a fault, while streams that are over may still hear an echo. */
  #isIdle(id: number): boolean {
    return this.isServer ? id > this.#lastId : id >= this.#nextId || id % 2 === 0;
  }

  /** A head of a message; trailers too. */
  onHead(id: number, headers: Headers, ended: boolean, valid: boolean): void {
    const stream = this.#streams.get(id);
    if (stream) {
      if (!valid) stream.fail(PROTOCOL_ERROR);
      else if (stream.takeHead(headers, ended)) this.#heads.push(stream);
      return;
    }
    if (!this.#isIdle(id)) return;
    if (!this.isServer || id % 2 === 0) throw new ConnectionError(PROTOCOL_ERROR, 'invalid stream');
    this.#lastId = id;
    if (this.#leaving || this.#streams.size >= MOST_STREAMS) return this.reset(id, REFUSED_STREAM);
    const complete =
      headers[':method'] && (headers[':method'] === 'CONNECT' || (headers[':path'] && headers[':scheme']));
    if (!valid || !complete) return this.reset(id, PROTOCOL_ERROR);
    const opened: Http2Stream = new Http2Stream((got) => {
      if (listSize(got) > MOST_LIST) opened.writeHead({ ':status': '431' }, {}, true);
      else this.#events.onStream?.(opened, got);
    });
    opened.open(this, id, this.#firstSendWindow);
    this.#streams.set(id, opened);
    if (opened.takeHead(headers, ended)) this.#heads.push(opened);
  }

  #takeSettings(flags: number, id: number, payload: Buffer): void {
    if (id !== 0 || payload.length % 6 !== 0 || (flags & ACK && payload.length > 0))
      throw new ConnectionError(FRAME_SIZE_ERROR, 'invalid SETTINGS');
    if (flags & ACK) return;
    for (let at = 0; at < payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      switch (payload.readUInt16BE(at)) {
        case 1:
          this.#writer.tableLimit = value;
          break;
        case 3:
          this.#mostStreams = value;
          break;
        case 4: {
          if (value > LARGEST_WINDOW) throw new ConnectionError(FLOW_CONTROL_ERROR, 'window too large');
          const more = value - this.#firstSendWindow;
          this.#firstSendWindow = value;
          for (const stream of this.#streams.values()) stream.widen(more);
          break;
        }
        case 5:
          if (value < MOST_FRAME || value > 0xffffff) throw new ConnectionError(PROTOCOL_ERROR, 'invalid frame size');
          this.#writer.mostFrame = Math.min(value, MOST_FRAME);
          break;
      }
    }
    this.#writer.frame(SETTINGS, ACK, 0, EMPTY);
    while (this.#waiting.length > 0 && this.#streams.size < this.#mostStreams) this.#waiting.shift()!();
    this.#proceed();
  }

  #takeWindow(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw new ConnectionError(FRAME_SIZE_ERROR, 'invalid WINDOW_UPDATE');
    const more = payload.readUInt32BE(0) & LARGEST_WINDOW;
    if (id === 0) {
      this.#sendWindow += more;
      if (more === 0 || this.#sendWindow > LARGEST_WINDOW)
        throw new ConnectionError(FLOW_CONTROL_ERROR, 'invalid window');
      this.#proceed();
      return;
    }
    const stream = this.#streams.get(id);
    if (!stream) {
      if (this.#isIdle(id)) throw new ConnectionError(PROTOCOL_ERROR, 'WINDOW_UPDATE on an idle stream');
      return;
    }
    if (more === 0) stream.fail(PROTOCOL_ERROR);
    else if (!stream.widen(more)) stream.fail(FLOW_CONTROL_ERROR);
    else stream.proceed();
  }

  #takeGoaway(id: number, payload: Buffer): void {
    if (id !== 0 || payload.length < 8) throw new ConnectionError(FRAME_SIZE_ERROR, 'invalid GOAWAY');
    this.#leaving = true;
    const last = payload.readUInt32BE(0) & LARGEST_WINDOW;
    if (!this.isServer) {
      for (const [each, stream] of [...this.#streams]) {
        if (each > last) stream.takeReset(REFUSED_STREAM);
      }
    }
    for (const start of this.#waiting.splice(0)) start();
    if (this.#streams.size === 0) this.#end();
  }

  /** Streams go on that waited for a window or for the socket. */
  #proceed(): void {
    for (const stream of [...this.#streams.values()]) {
      if (this.#sendWindow <= 0 || this.#isFull) return;
      stream.proceed();
    }
  }

  #fail(error: Error): void {
    const code = error instanceof ConnectionError ? error.code : COMPRESSION_ERROR;
    this.#writer.goaway(this.#lastId, code);
    this.#close(error);
  }

  #end(): void {
    this.#writer.flush();
    if (!this.#gone) this.#socket.end(() => this.#socket.destroy());
  }

  #close(error: Error): void {
    if (this.#gone) return;
    this.#writer.stop();
    this.#reader.stop();
    this.#gone = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.onGone(error);
    for (const start of this.#waiting.splice(0)) start();
    if (!this.#socket.destroyed) this.#socket.end(() => this.#socket.destroy());
    this.#events.onClosed?.();
  }
}

/** A server takes this much of a request's head (hyper, proto/h2/server.rs). */
const MOST_LIST = 16 * 1024;

/** As RFC 9113 6.5.2 counts it. */
function listSize(headers: Headers): number {
  let size = 0;
  for (const name in headers) for (const value of [headers[name] ?? ''].flat()) size += name.length + value.length + 32;
  return size;
}
