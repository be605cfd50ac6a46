/** Just enough DER (X.690) to write certificates and requests and to find their parts. */

/** How many bytes an element's length takes after the first of its head. */
function lengthBytes(size: number): number {
  if (size < 0x80) return 0;
  let count = 1;
  for (let rest = size; rest > 0xff; rest = Math.floor(rest / 256)) count++;
  return count;
}

export function tlv(tag: number, ...parts: Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const more = lengthBytes(size);
  const out = new Uint8Array(2 + more + size);
  out[0] = tag;
  out[1] = more === 0 ? size : 0x80 | more;
  for (let i = more, rest = size; i > 0; i--, rest = Math.floor(rest / 256)) out[1 + i] = rest % 256;
  let at = 2 + more;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const sequence = (...parts: Uint8Array[]): Uint8Array => tlv(0x30, ...parts);
export const set = (...parts: Uint8Array[]): Uint8Array => tlv(0x31, ...parts);
export const octets = (content: Uint8Array): Uint8Array => tlv(0x04, content);
export const utf8 = (text: string): Uint8Array => tlv(0x0c, Buffer.from(text, 'utf8'));
export const TRUE = Uint8Array.of(0x01, 0x01, 0xff);
export const NULL = Uint8Array.of(0x05, 0x00);
/** Context-specific, constructed (explicit) or primitive (implicit). */
export const explicit = (n: number, ...parts: Uint8Array[]): Uint8Array => tlv(0xa0 | n, ...parts);
export const implicit = (n: number, content: Uint8Array): Uint8Array => tlv(0x80 | n, content);

export function bits(content: Uint8Array, unused = 0): Uint8Array {
  return tlv(0x03, Uint8Array.of(unused), content);
}

/** A non-negative integer. */
export function integer(value: bigint | number): Uint8Array {
  if (typeof value === 'number' && value < 0x80) return Uint8Array.of(0x02, 1, value);
  let hex = BigInt(value).toString(16);
  if (hex.length % 2) hex = `0${hex}`;
  if (Number.parseInt(hex.slice(0, 2), 16) >= 0x80) hex = `00${hex}`;
  return tlv(0x02, Buffer.from(hex, 'hex'));
}

const oids = new Map<string, Uint8Array>();
export function oid(dotted: string): Uint8Array {
  const known = oids.get(dotted);
  if (known) return known;
  const [a = 0, b = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [a * 40 + b];
  for (const arc of rest) {
    const group = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) group.unshift((left & 0x7f) | 0x80);
    bytes.push(...group);
  }
  const made = tlv(0x06, Uint8Array.from(bytes));
  oids.set(dotted, made);
  return made;
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280 4.1.2.5). Seconds are kept, milliseconds are not. */
export function time(ms: number): Uint8Array {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  const parts = [date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()];
  const pairs = [year % 100, ...parts, date.getUTCSeconds()];
  if (year >= 2050) pairs.unshift(Math.floor(year / 100));
  const digits = new Uint8Array(2 * pairs.length + 1);
  pairs.forEach((pair, i) => {
    digits[2 * i] = 0x30 + Math.floor(pair / 10);
    digits[2 * i + 1] = 0x30 + (pair % 10);
  });
  digits[2 * pairs.length] = 0x5a;
  return tlv(year < 2050 ? 0x17 : 0x18, digits);
}

export interface Node {
  tag: number;
  /** The whole of it, head included. */
  raw: Uint8Array;
  content: Uint8Array;
}

/** Reads the elements that stand side by side in `der`. Throws RangeError when it is cut off or malformed. */
export function read(der: Uint8Array): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < der.length; ) {
    const start = at;
    const tag = der[at++]!;
    let size = der[at++];
    if (size === undefined) throw new RangeError('DER ends in the middle of an element');
    if (size > 0x80) {
      const count = size & 0x7f;
      if (count > 4) throw new RangeError('DER element too large');
      size = 0;
      for (let i = 0; i < count; i++) size = size * 256 + (der[at++] ?? 0);
    }
    if (at + size > der.length) throw new RangeError('DER ends in the middle of an element');
    nodes.push({ tag, raw: der.subarray(start, at + size), content: der.subarray(at, at + size) });
    at += size;
  }
  return nodes;
}

/** The dotted form of an OBJECT IDENTIFIER's content. */
export function oidOf(content: Uint8Array): string {
  const arcs: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    arcs.push(value);
    value = 0;
  }
  const first = arcs.shift() ?? 0;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...arcs].join('.');
}
