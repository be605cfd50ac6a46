import type { Duplex } from 'node:stream';
import type { Headers } from './headers.ts';
import { HpackEncoder } from './hpack.ts';
import {
  CONNECTION_WINDOW,
  CONTINUATION,
  END_HEADERS,
  END_STREAM,
  FIRST_WINDOW,
  GOAWAY,
  HEADERS,
  MOST_BLOCK,
  MOST_FRAME,
  MOST_STREAMS,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  STREAM_WINDOW,
  WINDOW_UPDATE,
} from './numbers.ts';

const HEAD_BYTES = 9;

/** Writes the frames of one side of a connection. What is written in one turn goes out together. */
export class FrameWriter {
  /** As large as the peer takes them, bytes. */
  mostFrame = MOST_FRAME;
  readonly #socket: Duplex;
  readonly #encoder = new HpackEncoder();
  /** Type and flags in one number, stream and payload of each frame, one after the other. */
  #heads: number[] = [];
  #payloads: Buffer[] = [];
  #bytes = 0;
  #prefacing = false;
  #flushing = false;
  #stopped = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** The bytes that a client begins with; before its first frame. */
  preface(): void {
    this.#prefacing = true;
  }

  /** What this side takes. */
  settings(isServer: boolean): void {
    const own: [number, number][] = [isServer ? [3, MOST_STREAMS] : [2, 0], [4, STREAM_WINDOW], [6, MOST_BLOCK]];
    const payload = Buffer.allocUnsafe(own.length * 6);
    own.forEach(([id, value], i) => {
      payload.writeUInt16BE(id, i * 6);
      payload.writeUInt32BE(value, i * 6 + 2);
    });
    this.frame(SETTINGS, 0, 0, payload);
    this.giveBack(0, CONNECTION_WINDOW - FIRST_WINDOW);
  }

  /** How much of a table the peer keeps, bytes. */
  set tableLimit(bytes: number) {
    this.#encoder.limit = bytes;
  }

  frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#stopped) return;
    this.#heads.push(type * 256 + flags, id);
    this.#payloads.push(payload);
    this.#bytes += HEAD_BYTES + payload.length;
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(this.flush);
  }

  head(id: number, first: Headers, headers: Headers, ended: boolean): void {
    const block = this.#encoder.write(first, headers);
    const flags = ended ? END_STREAM : 0;
    if (block.length <= this.mostFrame) {
      this.frame(HEADERS, flags | END_HEADERS, id, block);
      return;
    }
    this.frame(HEADERS, flags, id, block.subarray(0, this.mostFrame));
    for (let at = this.mostFrame; at < block.length; at += this.mostFrame) {
      const part = block.subarray(at, at + this.mostFrame);
      this.frame(CONTINUATION, at + part.length === block.length ? END_HEADERS : 0, id, part);
    }
  }

  reset(id: number, code: number): void {
    this.frame(RST_STREAM, 0, id, numbers(code));
  }

  /** Lets the peer send as much more, on a stream or (0) on all together. */
  giveBack(id: number, bytes: number): void {
    this.frame(WINDOW_UPDATE, 0, id, numbers(bytes));
  }

  goaway(lastId: number, code: number): void {
    this.frame(GOAWAY, 0, 0, numbers(lastId, code));
  }

  readonly flush = (): void => {
    this.#flushing = false;
    if (this.#payloads.length === 0) return;
    const [heads, payloads] = [this.#heads, this.#payloads];
    const out = Buffer.allocUnsafe(this.#bytes + (this.#prefacing ? PREFACE.length : 0));
    let at = this.#prefacing ? PREFACE.copy(out) : 0;
    for (let i = 0; i < payloads.length; i++) {
      const payload = payloads[i]!;
      out.writeUIntBE(payload.length, at, 3);
      out.writeUInt16BE(heads[2 * i]!, at + 3);
      out.writeUInt32BE(heads[2 * i + 1]!, at + 5);
      at += HEAD_BYTES;
      out.set(payload, at);
      at += payload.length;
    }
    this.#prefacing = false;
    this.#heads = [];
    this.#payloads = [];
    this.#bytes = 0;
    if (!this.#socket.destroyed) this.#socket.write(out);
  };

  /** Sends what waits; nothing is written from now on. */
  stop(): void {
    this.flush();
    this.#stopped = true;
  }
}

function numbers(...values: number[]): Buffer {
  const payload = Buffer.allocUnsafe(values.length * 4);
  for (let i = 0; i < values.length; i++) payload.writeUInt32BE(values[i]!, i * 4);
  return payload;
}
