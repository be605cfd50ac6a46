import { STATUS_CODES } from 'node:http';
import { addHeader, BREAKS_OUT, FIELD_NAME, type Headers } from '#mesh/http2/headers.ts';

/** As much of a head as is read before its end must have come (hyper, proto/h1/io.rs). */
export const MOST_HEAD_BYTES = 8 * 1024 + 100 * 4 * 1024;
/** What a request may ask for at most (http, uri/mod.rs). */
export const MOST_TARGET_BYTES = 65_534;

/** What stands behind a status: what the other side said, or else its usual name (http, status.rs). */
export const reasonIn = ({ status, reason }: { status: number; reason?: string }): string =>
  // Node has a word of its own for no words at all.
  reason === undefined ? (status === 418 ? "I'm a teapot" : (STATUS_CODES[status] ?? '<none>')) : reason || ' ';

/** The answer to what cannot be read as a request. */
export const refusalOf = (status: number): string =>
  `HTTP/1.1 ${status} ${reasonIn({ status })}\r\nconnection: close\r\ncontent-length: 0\r\ndate: ${new Date().toUTCString()}\r\n\r\n`;

/** What cannot be HTTP/1 as RFC 9112 has it. */
export class Malformed extends Error {}

export interface Head {
  /** The first line, without its end. */
  line: string;
  /** By lower-case name, several of one name joined as Node joins them. */
  headers: Headers;
  /** How many bytes it takes, the empty line included. */
  size: number;
}

const END = Buffer.from('\r\n\r\n');
/** The head that bytes start with; undefined while its end has not come. Throws {@link Malformed}. */
export function readHead(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf(END);
  if (end < 0 || end > MOST_HEAD_BYTES) {
    if (bytes.length > MOST_HEAD_BYTES) throw new Malformed('headers too long');
    return undefined;
  }
  const lines = bytes.toString('latin1', 0, end).split('\r\n');
  const headers: Headers = {};
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!FIELD_NAME.test(name) || BREAKS_OUT.test(value)) throw new Malformed('invalid header');
    if (name === 'content-length' && headers[name] !== undefined && headers[name] !== value)
      throw new Malformed('several content lengths');
    addHeader(headers, name, value);
  }
  return { line: lines[0]!, headers, size: end + 4 };
}

/** The header lines of a message, each with its end. Throws {@link Malformed} for what would break out of its line. */
export function headerLines(headers: Headers): string {
  let out = '';
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const each of value) out += headerLine(name, each);
    else out += headerLine(name, value);
  }
  return out;
}

function headerLine(name: string, value: string): string {
  if (BREAKS_OUT.test(value)) throw new Malformed(`invalid character in header ${name}`);
  return `${name}: ${value}\r\n`;
}

const TARGET = /^[\u0021-\u00ff]+$/;

/** The first line of a request. Throws {@link Malformed} for what would break out of it. */
export function requestLine(method: string, path: string, isOld = false): string {
  if (!FIELD_NAME.test(method) || !TARGET.test(path)) throw new Malformed('invalid request line');
  return `${method} ${path} HTTP/1.${isOld ? 0 : 1}\r\n`;
}

/** The length that headers announce; undefined when they announce none. Throws {@link Malformed}. */
export function contentLength(headers: Headers): number | undefined {
  const text = headers['content-length'];
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) throw new Malformed('invalid content length');
  return Number(text);
}

/** One chunk of a chunked body. */
export function chunked(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, Buffer.from('\r\n')]);
}

const LINE_END = 10;
const MOST_LINE = 4 * 1024;

/** Takes a chunked body apart, in whatever pieces it comes. */
export class ChunkedReader {
  #state: 'size' | 'data' | 'after' | 'trailers' | 'done' = 'size';
  #left = 0;
  #held: Buffer = Buffer.alloc(0);
  #trailerBytes = 0;
  /** What came after the last chunk. */
  readonly trailers: Headers = {};

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Hands data to `onData`; returns what is left once the body has ended, else undefined. Throws {@link Malformed}. */
  take(given: Buffer, onData: (data: Buffer) => void): Buffer | undefined {
    let bytes = this.#held.length > 0 ? Buffer.concat([this.#held, given]) : given;
    this.#held = Buffer.alloc(0);
    while (this.#state !== 'done') {
      if (this.#state === 'data') {
        if (bytes.length === 0) return undefined;
        const part = bytes.subarray(0, this.#left);
        bytes = bytes.subarray(part.length);
        this.#left -= part.length;
        onData(part);
        if (this.#left > 0) return undefined;
        this.#state = 'after';
      }
      const end = bytes.indexOf(LINE_END);
      if (end < 0) {
        if (bytes.length > MOST_LINE) throw new Malformed('line too long');
        this.#held = Buffer.from(bytes);
        return undefined;
      }
      if (end > MOST_LINE || bytes[end - 1] !== 13) throw new Malformed('invalid chunk');
      const line = bytes.toString('latin1', 0, end - 1);
      bytes = bytes.subarray(end + 1);
      this.#line(line);
    }
    return bytes;
  }

  #line(line: string): void {
    if (this.#state === 'after') {
      if (line !== '') throw new Malformed('invalid chunk');
      this.#state = 'size';
    } else if (this.#state === 'size') {
      const [, size] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(line) ?? [];
      if (size === undefined) throw new Malformed('invalid chunk size');
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left > 0 ? 'data' : 'trailers';
    } else if (line === '') {
      this.#state = 'done';
    } else {
      this.#trailerBytes += line.length;
      const colon = line.indexOf(':');
      const name = line.slice(0, Math.max(0, colon)).toLowerCase();
      if (!FIELD_NAME.test(name) || this.#trailerBytes > MOST_HEAD_BYTES) throw new Malformed('invalid trailer');
      this.trailers[name] = line.slice(colon + 1).trim();
    }
  }
}
