import type { Duplex } from 'node:stream';
import { addHeader, type Headers, isHeader } from './headers.ts';
import { HpackDecoder, HpackEncoder } from './hpack.ts';
import {
  ACK,
  COMPRESSION_ERROR,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  LARGEST_WINDOW,
  PADDED,
  PING,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  STREAM_WINDOW,
  WINDOW_UPDATE,
} from './numbers.ts';
import { Http2Stream, type StreamCarrier } from './stream.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

const MOST_FRAME = 16_384;
const MOST_BLOCK = 64 * 1024;
const FIRST_WINDOW = 65_535;
/** What a peer may send on all streams together. */
const CONNECTION_WINDOW = 1 << 24;
const MOST_STREAMS = 1_000;
/** Bytes that wait in the socket before streams are held back. */
const MOST_WAITING = 256 * 1024;
/** Resets that are taken from a peer beyond those of streams that were served, before it counts as an attack. */
const MOST_RESETS = 1_000;

/** What is wrong with a whole connection. */
class ConnectionError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Http2Events {
  /** A request, for a server. */
  onStream?(stream: Http2Stream, headers: Headers): void;
  onClosed?(): void;
}

interface Block {
  id: number;
  ended: boolean;
  parts: Buffer[];
  size: number;
}

/** One HTTP/2 connection (RFC 9113), of either side. What is written in one turn goes out together. */
export class Http2Connection implements StreamCarrier {
  readonly #socket: Duplex;
  readonly #events: Http2Events;
  readonly isServer: boolean;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #decoder = new HpackDecoder();
  readonly #encoder = new HpackEncoder();
  /** Heads that came in this turn; they are told at its end, when what follows them is known. */
  #heads: Http2Stream[] = [];
  #held: Buffer = Buffer.alloc(0);
  #out: Buffer[] = [];
  #flushing = false;
  #prefaced: boolean;
  #settled = false;
  #block: Block | undefined;
  #nextId = 1;
  #lastId = 0;
  #sendWindow = FIRST_WINDOW;
  #firstSendWindow = FIRST_WINDOW;
  #mostFrame = MOST_FRAME;
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
    this.#prefaced = !isServer;
    if (!isServer) this.#out.push(PREFACE);
    this.#settings();
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
    const block = this.#encoder.write(first, headers);
    const flags = ended ? END_STREAM : 0;
    if (block.length <= this.#mostFrame) {
      this.#frame(HEADERS, flags | END_HEADERS, id, block);
      return;
    }
    this.#frame(HEADERS, flags, id, block.subarray(0, this.#mostFrame));
    for (let at = this.#mostFrame; at < block.length; at += this.#mostFrame) {
      const part = block.subarray(at, at + this.#mostFrame);
      this.#frame(CONTINUATION, at + part.length === block.length ? END_HEADERS : 0, id, part);
    }
  }

  /** Sends what both windows allow of `data`, and the end with it if all of it fits; returns how much went. */
  writeData(id: number, data: Buffer, window: number, ended: boolean): number {
    if (this.#gone) return data.length;
    if (data.length === 0) {
      this.#frame(DATA, ended ? END_STREAM : 0, id, data);
      return 0;
    }
    let at = 0;
    while (at < data.length && !this.#isFull) {
      const size = Math.min(data.length - at, this.#mostFrame, window - at, this.#sendWindow);
      if (size <= 0) break;
      const last = ended && at + size === data.length;
      this.#frame(DATA, last ? END_STREAM : 0, id, data.subarray(at, at + size));
      this.#sendWindow -= size;
      at += size;
    }
    return at;
  }

  reset(id: number, code: number): void {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(code);
    this.#frame(RST_STREAM, 0, id, payload);
  }

  /** Lets the peer send as much more on a stream. */
  giveBack(id: number, bytes: number): void {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(bytes);
    this.#frame(WINDOW_UPDATE, 0, id, payload);
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

  #settings(): void {
    const own: [number, number][] = this.isServer
      ? [
          [3, MOST_STREAMS],
          [4, STREAM_WINDOW],
          [6, MOST_BLOCK],
        ]
      : [
          [2, 0],
          [4, STREAM_WINDOW],
          [6, MOST_BLOCK],
        ];
    const payload = Buffer.allocUnsafe(own.length * 6);
    own.forEach(([id, value], i) => {
      payload.writeUInt16BE(id, i * 6);
      payload.writeUInt32BE(value, i * 6 + 2);
    });
    this.#frame(SETTINGS, 0, 0, payload);
    this.giveBack(0, CONNECTION_WINDOW - FIRST_WINDOW);
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#gone) return;
    const head = Buffer.allocUnsafe(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(id, 5);
    this.#out.push(head, payload);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    if (this.#out.length === 0) return;
    const out = this.#out;
    this.#out = [];
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat(out));
  };

  #take(chunk: Buffer): void {
    if (this.#gone) return;
    try {
      let bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
      if (!this.#prefaced) {
        const start = bytes.subarray(0, PREFACE.length);
        if (!PREFACE.subarray(0, start.length).equals(start)) throw new ConnectionError(PROTOCOL_ERROR, 'no preface');
        this.#prefaced = start.length === PREFACE.length;
        bytes = this.#prefaced ? bytes.subarray(PREFACE.length) : bytes;
      }
      let at = 0;
      while (this.#prefaced && bytes.length - at >= 9) {
        const size = bytes.readUIntBE(at, 3);
        const type = bytes[at + 3]!;
        if (!this.#settled && type !== SETTINGS) throw new ConnectionError(PROTOCOL_ERROR, 'http2 error: no settings');
        if (size > MOST_FRAME) throw new ConnectionError(FRAME_SIZE_ERROR, 'frame too large');
        if (bytes.length - at < 9 + size) break;
        const id = bytes.readUInt32BE(at + 5) & LARGEST_WINDOW;
        this.#takeFrame(type, bytes[at + 4]!, id, bytes.subarray(at + 9, at + 9 + size));
        if (this.#gone) return;
        at += 9 + size;
      }
      this.#held = at === bytes.length ? EMPTY : at === 0 ? bytes : bytes.subarray(at);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
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

  #takeFrame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#block && (type !== CONTINUATION || id !== this.#block.id))
      throw new ConnectionError(PROTOCOL_ERROR, 'header block not continued');
    switch (type) {
      case DATA:
        return this.#takeData(flags, id, payload);
      case HEADERS:
        return this.#takeHeaders(flags, id, payload);
      case CONTINUATION:
        return this.#continue(flags, payload);
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
        if (!(flags & ACK)) this.#frame(PING, ACK, 0, Buffer.from(payload));
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

  #takeHeaders(flags: number, id: number, payload: Buffer): void {
    let part = unpadded(flags, payload);
    if (flags & PRIORITY) {
      if (part.length < 5) throw new ConnectionError(FRAME_SIZE_ERROR, 'invalid HEADERS');
      part = part.subarray(5);
    }
    this.#block = { id, ended: (flags & END_STREAM) !== 0, parts: [], size: 0 };
    this.#continue(flags, part);
  }

  #continue(flags: number, part: Buffer): void {
    const block = this.#block;
    if (!block) throw new ConnectionError(PROTOCOL_ERROR, 'unexpected CONTINUATION');
    block.parts.push(part);
    block.size += part.length;
    if (block.size > MOST_BLOCK || block.parts.length > 64)
      throw new ConnectionError(ENHANCE_YOUR_CALM, 'header block too long');
    if (!(flags & END_HEADERS)) return;
    this.#block = undefined;
    this.#takeBlock(block);
  }

  #takeBlock({ id, ended, parts }: Block): void {
    const headers: Headers = {};
    let valid = true;
    let regular = false;
    this.#decoder.read(parts.length === 1 ? parts[0]! : Buffer.concat(parts), (name, value) => {
      if (name.charCodeAt(0) === 58) {
        if (regular || headers[name] !== undefined) valid = false;
        headers[name] = value;
        return;
      }
      regular = true;
      if (isHeader(name, value)) addHeader(headers, name, value);
      else valid = false;
    });
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
    const opened: Http2Stream = new Http2Stream((got) => this.#events.onStream?.(opened, got));
    opened.open(this, id, this.#firstSendWindow);
    this.#streams.set(id, opened);
    if (opened.takeHead(headers, ended)) this.#heads.push(opened);
  }

  #takeSettings(flags: number, id: number, payload: Buffer): void {
    if (id !== 0 || payload.length % 6 !== 0 || (flags & ACK && payload.length > 0))
      throw new ConnectionError(FRAME_SIZE_ERROR, 'invalid SETTINGS');
    this.#settled = true;
    if (flags & ACK) return;
    for (let at = 0; at < payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      switch (payload.readUInt16BE(at)) {
        case 1:
          this.#encoder.limit = value;
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
          this.#mostFrame = Math.min(value, MOST_FRAME);
          break;
      }
    }
    this.#frame(SETTINGS, ACK, 0, EMPTY);
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
    const payload = Buffer.allocUnsafe(8);
    payload.writeUInt32BE(this.#lastId, 0);
    payload.writeUInt32BE(code, 4);
    this.#frame(GOAWAY, 0, 0, payload);
    this.#close(error);
  }

  #end(): void {
    this.#flush();
    if (!this.#gone) this.#socket.end(() => this.#socket.destroy());
  }

  #close(error: Error): void {
    if (this.#gone) return;
    this.#flush();
    this.#gone = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.onGone(error);
    for (const start of this.#waiting.splice(0)) start();
    if (!this.#socket.destroyed) this.#socket.end(() => this.#socket.destroy());
    this.#events.onClosed?.();
  }
}

const EMPTY: Buffer = Buffer.alloc(0);

function unpadded(flags: number, payload: Buffer): Buffer {
  if (!(flags & PADDED)) return payload;
  const padding = payload[0] ?? 0;
  if (payload.length < 1 + padding) throw new ConnectionError(PROTOCOL_ERROR, 'too much padding');
  return payload.subarray(1, payload.length - padding);
}
