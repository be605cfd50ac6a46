/**
 * The protocol-buffer encoding, as much of it as linkerd2-proxy-api needs. A message type is a table of fields; messages
 * are plain objects with the names of the .proto files. Fields of a oneof are simply absent but for one.
 */
// biome-ignore lint/suspicious/noExplicitAny: messages are plain objects whose shape the tables give.
export type Message = Record<string, any>;

export type Scalar =
  | 'string'
  | 'bytes'
  | 'uint32'
  /** Up to 2^53. */
  | 'int64'
  | 'bool'
  | 'float'
  | 'double'
  | 'fixed32'
  /** A bigint. */
  | 'fixed64';

export interface Field {
  number: number;
  type: Scalar | MessageType;
  repeated?: boolean;
  /** map<string, string> */
  map?: boolean;
  /** The oneof it belongs to, as Go spells it: written even when it is zero or empty. */
  oneof?: string;
}

export interface MessageType {
  fields: Record<string, Field>;
}

type Shorthand = [number, Scalar | MessageType, ('repeated' | 'map' | 'oneof' | `oneof ${string}`)?];

/** Declares a message: name to number, type and, where needed, `repeated`, `map`, `oneof` (Kind) or `oneof Name`. */
export function message(fields: Record<string, Shorthand>): MessageType {
  const out: MessageType = { fields: {} };
  for (const [name, [number, type, label]] of Object.entries(fields)) {
    const oneof = label?.startsWith('oneof') ? label.slice(6) || 'Kind' : undefined;
    out.fields[name] = { number, type, ...(oneof ? { oneof } : label ? { [label]: true } : {}) };
  }
  return out;
}

/** Adds fields to a message that refers to itself. */
export function extend(type: MessageType, fields: Record<string, Shorthand>): void {
  Object.assign(type.fields, message(fields).fields);
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

const wireOf = (type: Field['type']): number => {
  if (typeof type === 'object' || type === 'string' || type === 'bytes') return LENGTH;
  if (type === 'fixed32' || type === 'float') return FIXED32;
  return type === 'fixed64' || type === 'double' ? FIXED64 : VARINT;
};

/** What a message is written into at first; most are smaller. */
const FIRST_BYTES = 256;
const LONGEST_VARINT = 10;

class Writer {
  #out: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;
  varint(value: number): void {
    this.#room(LONGEST_VARINT);
    let rest = value;
    while (rest > 0x7f) {
      this.#out[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#out[this.#at++] = rest;
  }
  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.#room(bytes);
    this.#at += this.#out.write(value, this.#at);
  }
  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#out.set(bytes, this.#at);
    this.#at += bytes.length;
  }
  finish(): Uint8Array {
    return this.#out.subarray(0, this.#at);
  }
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#out.length, this.#at + bytes));
    larger.set(this.#out.subarray(0, this.#at));
    this.#out = larger;
  }
}

function writeValue(writer: Writer, type: Field['type'], value: unknown): void {
  if (typeof type === 'object') return writer.block(encode(type, value as Message));
  switch (type) {
    case 'string':
      return writer.text(String(value));
    case 'bytes':
      return writer.block(value as Uint8Array);
    case 'bool':
      return writer.varint(value ? 1 : 0);
    case 'uint32':
    case 'int64':
      return writer.varint(Number(value));
    default: {
      const view = Buffer.alloc(type === 'fixed32' || type === 'float' ? 4 : 8);
      if (type === 'fixed32') view.writeUInt32LE(Number(value) >>> 0);
      else if (type === 'float') view.writeFloatLE(Number(value));
      else if (type === 'double') view.writeDoubleLE(Number(value));
      else view.writeBigUInt64LE(BigInt(value as bigint));
      return writer.raw(view);
    }
  }
}

const isDefault = (value: unknown): boolean =>
  value === 0 || value === '' || value === false || value === 0n || (value instanceof Uint8Array && value.length === 0);

const KEY_VALUE = message({ key: [1, 'string'], value: [2, 'string'] });

export function encode(type: MessageType, value: Message): Uint8Array {
  const writer = new Writer();
  for (const { name, field } of numbersOf(type).values()) {
    const given = value[name];
    if (given === undefined || given === null) continue;
    const tag = field.number * 8 + wireOf(field.map ? 'bytes' : field.type);
    if (field.map) {
      for (const [key, each] of Object.entries(given)) {
        writer.varint(tag);
        writer.block(encode(KEY_VALUE, { key, value: each }));
      }
    } else if (field.repeated) {
      for (const each of given) {
        writer.varint(tag);
        writeValue(writer, field.type, each);
      }
    } else if (field.oneof || typeof field.type === 'object' || !isDefault(given)) {
      writer.varint(tag);
      writeValue(writer, field.type, given);
    }
  }
  return writer.finish();
}

class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('message ends in the middle of a field');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
  text(length: number): string {
    const { buffer, byteOffset } = this.take(length);
    return Buffer.from(buffer, byteOffset, length).toString();
  }
  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new RangeError('message ends in the middle of a field');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function readValue(reader: Reader, type: Field['type']): unknown {
  if (typeof type === 'object') return decode(type, reader.take(reader.varint()));
  switch (type) {
    case 'string':
      return reader.text(reader.varint());
    case 'bytes':
      return reader.take(reader.varint());
    case 'bool':
      return reader.varint() !== 0;
    case 'uint32':
    case 'int64':
      return reader.varint();
    case 'fixed32':
      return Buffer.from(reader.take(4)).readUInt32LE();
    case 'float':
      return Buffer.from(reader.take(4)).readFloatLE();
    case 'double':
      return Buffer.from(reader.take(8)).readDoubleLE();
    case 'fixed64':
      return Buffer.from(reader.take(8)).readBigUInt64LE();
  }
}

/** Throws RangeError on bytes that are no such message. Unknown fields are skipped; absent ones stay absent. */
export function decode(type: MessageType, bytes: Uint8Array): Message {
  const reader = new Reader(bytes);
  const out: Message = {};
  const byNumber = numbersOf(type);
  while (reader.at < bytes.length) {
    const tag = reader.varint();
    const known = byNumber.get(Math.floor(tag / 8));
    const wire = tag % 8;
    if (!known || wire !== wireOf(known.field.map ? 'bytes' : known.field.type)) {
      skip(reader, wire);
      continue;
    }
    const { name, field } = known;
    if (field.map) {
      const entry = decode(KEY_VALUE, reader.take(reader.varint()));
      out[name] ??= {};
      out[name][entry['key'] ?? ''] = entry['value'] ?? '';
    } else if (field.repeated) {
      out[name] ??= [];
      out[name].push(readValue(reader, field.type));
    } else out[name] = readValue(reader, field.type);
  }
  return out;
}

const numbers = new WeakMap<MessageType, Map<number, { name: string; field: Field }>>();
function numbersOf(type: MessageType): Map<number, { name: string; field: Field }> {
  let map = numbers.get(type);
  if (!map) {
    map = new Map(Object.entries(type.fields).map(([name, field]) => [field.number, { name, field }]));
    numbers.set(type, map);
  }
  return map;
}

function skip(reader: Reader, wire: number): void {
  if (wire === VARINT) reader.varint();
  else if (wire === LENGTH) reader.take(reader.varint());
  else if (wire === FIXED32) reader.take(4);
  else if (wire === FIXED64) reader.take(8);
  else throw new RangeError(`unknown wire type ${wire}`);
}
