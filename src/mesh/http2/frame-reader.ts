import { addHeader, type Headers, isHeader } from './headers.ts';
import { HpackDecoder } from './hpack.ts';
import {
  CONTINUATION,
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FRAME_SIZE_ERROR,
  HEADERS,
  LARGEST_WINDOW,
  MOST_BLOCK,
  MOST_FRAME,
  PADDED,
  PREFACE,
  PRIORITY,
  PROTOCOL_ERROR,
  SETTINGS,
} from './numbers.ts';

/** What is wrong with a whole connection; `code` is one of RFC 9113, 7. */
export class ConnectionError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface FrameListener {
  /** A frame of any type but HEADERS and CONTINUATION. */
  onFrame(type: number, flags: number, id: number, payload: Buffer): void;
  /** A whole header block; not `valid` where a field of it is none. */
  onHead(id: number, headers: Headers, ended: boolean, valid: boolean): void;
}

interface Block {
  id: number;
  ended: boolean;
  parts: Buffer[];
  size: number;
}

/** Most frames that one header block may be spread over. */
const MOST_PARTS = 64;
const EMPTY: Buffer = Buffer.alloc(0);

/** Cuts what a peer sends into frames and header blocks. */
export class FrameReader {
  readonly #decoder = new HpackDecoder();
  #held: Buffer = EMPTY;
  #prefaced: boolean;
  #settled = false;
  #block: Block | undefined;
  #stopped = false;

  /** A client's first bytes are the preface. */
  constructor(fromClient: boolean) {
    this.#prefaced = !fromClient;
  }

  /** The rest of what came is not read. */
  stop(): void {
    this.#stopped = true;
  }

  /** Throws {@link ConnectionError}, or what the listener threw. */
  take(chunk: Buffer, listener: FrameListener): void {
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
      if (!this.#settled && type !== SETTINGS)
        throw new ConnectionError(PROTOCOL_ERROR, 'connection error detected: frame with invalid size');
      if (size > MOST_FRAME) throw new ConnectionError(FRAME_SIZE_ERROR, 'frame too large');
      if (bytes.length - at < 9 + size) break;
      const id = bytes.readUInt32BE(at + 5) & LARGEST_WINDOW;
      this.#takeFrame(type, bytes[at + 4]!, id, bytes.subarray(at + 9, at + 9 + size), listener);
      if (this.#stopped) return;
      at += 9 + size;
    }
    this.#held = at === bytes.length ? EMPTY : at === 0 ? bytes : bytes.subarray(at);
  }

  #takeFrame(type: number, flags: number, id: number, payload: Buffer, listener: FrameListener): void {
    if (this.#block && (type !== CONTINUATION || id !== this.#block.id))
      throw new ConnectionError(PROTOCOL_ERROR, 'header block not continued');
    if (type === HEADERS) {
      let part = unpadded(flags, payload);
      if (flags & PRIORITY) {
        if (part.length < 5) throw new ConnectionError(FRAME_SIZE_ERROR, 'invalid HEADERS');
        part = part.subarray(5);
      }
      this.#block = { id, ended: (flags & END_STREAM) !== 0, parts: [], size: 0 };
      this.#continue(flags, part, listener);
    } else if (type === CONTINUATION) this.#continue(flags, payload, listener);
    else {
      listener.onFrame(type, flags, id, payload);
      this.#settled = true;
    }
  }

  #continue(flags: number, part: Buffer, listener: FrameListener): void {
    const block = this.#block;
    if (!block) throw new ConnectionError(PROTOCOL_ERROR, 'unexpected CONTINUATION');
    block.parts.push(part);
    block.size += part.length;
    if (block.size > MOST_BLOCK || block.parts.length > MOST_PARTS)
      throw new ConnectionError(ENHANCE_YOUR_CALM, 'header block too long');
    if (!(flags & END_HEADERS)) return;
    this.#block = undefined;
    const headers: Headers = {};
    let valid = true;
    let regular = false;
    const bytes = block.parts.length === 1 ? part : Buffer.concat(block.parts);
    this.#decoder.read(bytes, (name, value) => {
      if (name.charCodeAt(0) === 58) {
        if (regular || headers[name] !== undefined) valid = false;
        headers[name] = value;
        return;
      }
      regular = true;
      if (isHeader(name, value)) addHeader(headers, name, value);
      else valid = false;
    });
    listener.onHead(block.id, headers, block.ended, valid);
  }
}

/** The payload of a DATA or HEADERS frame without its padding. */
export function unpadded(flags: number, payload: Buffer): Buffer {
  if (!(flags & PADDED)) return payload;
  const padding = payload[0] ?? 0;
  if (payload.length < 1 + padding) throw new ConnectionError(PROTOCOL_ERROR, 'too much padding');
  return payload.subarray(1, payload.length - padding);
}
