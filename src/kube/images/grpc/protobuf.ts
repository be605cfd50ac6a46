/** A message as the wire has it: field number to its values in order. Strings and messages are bytes, integers numbers. */
export type Fields = Map<number, (Uint8Array | number)[]>;

export type FieldValue = string | Uint8Array | number | boolean;

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    out.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return out;
}

/**
 * A protocol-buffer message of strings, bytes, booleans and integers from 0 to 2^53, in the given order. Empty and zero
 * values are left out, as proto3 does.
 */
export function encodeFields(fields: [number: number, value: FieldValue][]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    if (typeof value === 'number' || typeof value === 'boolean') {
      if (value) parts.push(Uint8Array.from([...varint(number * 8), ...varint(Number(value))]));
      continue;
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    if (bytes.length === 0 && typeof value === 'string') continue;
    parts.push(Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes);
  }
  return Buffer.concat(parts);
}

/** Throws RangeError on bytes that are no message. */
export function decodeFields(bytes: Uint8Array): Fields {
  const out: Fields = new Map();
  let at = 0;
  const read = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('message ends in the middle of a field');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = read();
    const wire = tag % 8;
    const number = Math.floor(tag / 8);
    let value: Uint8Array | number;
    if (wire === 0) value = read();
    else if (wire === 1 || wire === 2 || wire === 5) {
      const length = wire === 2 ? read() : wire === 1 ? 8 : 4;
      if (at + length > bytes.length) throw new RangeError('message ends in the middle of a field');
      value = bytes.subarray(at, at + length);
      at += length;
    } else throw new RangeError(`unknown wire type ${wire}`);
    const list = out.get(number);
    if (list) list.push(value);
    else out.set(number, [value]);
  }
  return out;
}

export function textOf(fields: Fields, number: number): string {
  const value = fields.get(number)?.at(-1);
  return value instanceof Uint8Array ? Buffer.from(value).toString() : '';
}

export function numberOf(fields: Fields, number: number): number {
  const value = fields.get(number)?.at(-1);
  return typeof value === 'number' ? value : 0;
}

export function messagesOf(fields: Fields, number: number): Fields[] {
  return (fields.get(number) ?? []).filter((value) => value instanceof Uint8Array).map((value) => decodeFields(value));
}
