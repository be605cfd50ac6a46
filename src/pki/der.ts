/** Just enough DER (X.690) to write certificates and requests and to find their parts. */

function length(size: number): Uint8Array {
  if (size < 0x80) return Uint8Array.of(size);
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export function tlv(tag: number, ...parts: Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const head = length(size);
  const out = new Uint8Array(1 + head.length + size);
  out[0] = tag;
  out.set(head, 1);
  let at = 1 + head.length;
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
  // 2026-11-24T21:12:12.000Z
  const iso = new Date(ms).toISOString();
  const year = iso.slice(0, iso.indexOf('-', 1));
  const at = year.length;
  const month = `${iso.slice(at + 1, at + 3)}${iso.slice(at + 4, at + 6)}`;
  const rest = `${month}${iso.slice(at + 7, at + 9)}${iso.slice(at + 10, at + 12)}${iso.slice(at + 13, at + 15)}Z`;
  return Number(year) < 2050
    ? tlv(0x17, Buffer.from(`${year.slice(2)}${rest}`, 'latin1'))
    : tlv(0x18, Buffer.from(`${year}${rest}`, 'latin1'));
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
