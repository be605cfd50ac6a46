import type { Headers } from './headers.ts';
import { decodeHuffman } from './huffman.ts';

/** A header block that cannot be read: the connection is of no more use (RFC 9113, 4.3). */
export class CompressionError extends Error {}

// biome-ignore format: pairs
const STATIC: [name: string, value: string][] = [
  [':authority', ''], [':method', 'GET'], [':method', 'POST'], [':path', '/'], [':path', '/index.html'],
  [':scheme', 'http'], [':scheme', 'https'], [':status', '200'], [':status', '204'], [':status', '206'],
  [':status', '304'], [':status', '400'], [':status', '404'], [':status', '500'], ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'], ['accept-language', ''], ['accept-ranges', ''], ['accept', ''],
  ['access-control-allow-origin', ''], ['age', ''], ['allow', ''], ['authorization', ''], ['cache-control', ''],
  ['content-disposition', ''], ['content-encoding', ''], ['content-language', ''], ['content-length', ''],
  ['content-location', ''], ['content-range', ''], ['content-type', ''], ['cookie', ''], ['date', ''], ['etag', ''],
  ['expect', ''], ['expires', ''], ['from', ''], ['host', ''], ['if-match', ''], ['if-modified-since', ''],
  ['if-none-match', ''], ['if-range', ''], ['if-unmodified-since', ''], ['last-modified', ''], ['link', ''],
  ['location', ''], ['max-forwards', ''], ['proxy-authenticate', ''], ['proxy-authorization', ''], ['range', ''],
  ['referer', ''], ['refresh', ''], ['retry-after', ''], ['server', ''], ['set-cookie', ''],
  ['strict-transport-security', ''], ['transfer-encoding', ''], ['user-agent', ''], ['vary', ''], ['via', ''],
  ['www-authenticate', ''],
];
const TABLE_BYTES = 4_096;
const ENTRY_BYTES = 32;
const MOST_TOTAL = 512 * 1024;
const KNOWN_NAMES = new Map<string, number>();
const KNOWN_FIELDS = new Map<string, Map<string, number>>();
STATIC.forEach(([name, value], index) => {
  if (!KNOWN_NAMES.has(name)) KNOWN_NAMES.set(name, index + 1);
  if (value === '') return;
  const values = KNOWN_FIELDS.get(name) ?? new Map<string, number>();
  KNOWN_FIELDS.set(name, values.set(value, index + 1));
});
/** Different from message to message: not worth a place in the table. */
const ONCE = new Set([':path', 'content-length', 'age', 'etag', 'location', 'set-cookie', 'if-none-match']);

interface Field {
  name: string;
  value: string;
}

/** Reads header blocks of one direction of one connection, in their order. */
export class HpackDecoder {
  #table: Field[] = [];
  #size = 0;
  #limit = TABLE_BYTES;
  #at = 0;
  #block: Buffer = Buffer.alloc(0);

  /** Throws {@link CompressionError}. */
  read(block: Buffer, onField: (name: string, value: string) => void): void {
    this.#block = block;
    this.#at = 0;
    let total = 0;
    while (this.#at < block.length) {
      const byte = block[this.#at]!;
      let field: Field;
      if (byte & 0x80) field = this.#field(this.#integer(7));
      else if ((byte & 0xe0) === 0x20) {
        this.#limit = this.#integer(5);
        if (this.#limit > TABLE_BYTES) throw new CompressionError('table too large');
        this.#evict(0);
        continue;
      } else {
        const indexed = (byte & 0x40) !== 0;
        const index = this.#integer(indexed ? 6 : 4);
        const name = index > 0 ? this.#field(index).name : this.#string();
        field = { name, value: this.#string() };
        if (indexed) this.#add(field);
      }
      total += field.name.length + field.value.length + ENTRY_BYTES;
      if (total > MOST_TOTAL) throw new CompressionError('headers too long');
      onField(field.name, field.value);
    }
  }

  #field(index: number): Field {
    if (index >= 1 && index <= STATIC.length) {
      const [name, value] = STATIC[index - 1]!;
      return { name, value };
    }
    // Younger entries are at the end.
    const field = this.#table[this.#table.length - (index - STATIC.length)];
    if (!field) throw new CompressionError('no such entry');
    return field;
  }

  #add(field: Field): void {
    const size = field.name.length + field.value.length + ENTRY_BYTES;
    this.#evict(size);
    if (size > this.#limit) return;
    this.#table.push(field);
    this.#size += size;
  }

  #evict(room: number): void {
    let gone = 0;
    while (gone < this.#table.length && this.#size + room > this.#limit) {
      const { name, value } = this.#table[gone++]!;
      this.#size -= name.length + value.length + ENTRY_BYTES;
    }
    if (gone > 0) this.#table.splice(0, gone);
  }

  #integer(bits: number): number {
    const most = (1 << bits) - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new CompressionError('integer too large');
  }

  #byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new CompressionError('header block too short');
    return byte;
  }

  #string(): string {
    const coded = (this.#block[this.#at] ?? 0) & 0x80;
    const length = this.#integer(7);
    const end = this.#at + length;
    if (end > this.#block.length) throw new CompressionError('header block too short');
    const text = coded
      ? decodeHuffman(this.#block.subarray(this.#at, end))
      : this.#block.toString('latin1', this.#at, end);
    this.#at = end;
    if (text === undefined) throw new CompressionError('invalid string');
    return text;
  }
}

/** Writes header blocks of one direction of one connection. */
export class HpackEncoder {
  /** When a field was added, counted from the first; by name, then by value. */
  readonly #known = new Map<string, Map<string, number>>();
  #entries: { name: string; value: string; size: number }[] = [];
  #first = 0;
  #size = 0;
  #limit = TABLE_BYTES;
  #told = true;
  #out: Buffer = Buffer.alloc(0);
  #at = 0;

  /** What the other side is ready to keep. */
  set limit(bytes: number) {
    const limit = Math.min(bytes, TABLE_BYTES);
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#told = false;
    this.#evict(0);
  }

  /** Fields of `first` come before the others, as pseudo-headers must. */
  write(first: Headers, headers: Headers): Buffer {
    let most = 16;
    for (const each of [first, headers]) {
      for (const name in each) {
        const value = each[name];
        if (typeof value === 'string') most += name.length + value.length + 16;
        else if (value) for (const one of value) most += name.length + one.length + 16;
      }
    }
    this.#out = Buffer.allocUnsafe(most);
    this.#at = 0;
    if (!this.#told) {
      this.#told = true;
      this.#integer(0x20, 5, this.#limit);
    }
    for (const each of [first, headers]) {
      for (const name in each) {
        const value = each[name];
        if (typeof value === 'string') this.#field(name, value);
        else if (value) for (const one of value) this.#field(name, one);
      }
    }
    return this.#out.subarray(0, this.#at);
  }

  #field(name: string, value: string): void {
    const fixed = KNOWN_FIELDS.get(name)?.get(value);
    if (fixed !== undefined) return this.#integer(0x80, 7, fixed);
    const known = this.#known.get(name)?.get(value);
    if (known !== undefined) {
      const youngest = this.#first + this.#entries.length - 1;
      return this.#integer(0x80, 7, STATIC.length + 1 + youngest - known);
    }
    const size = name.length + value.length + ENTRY_BYTES;
    const keeps = !ONCE.has(name) && size <= this.#limit / 4;
    const index = KNOWN_NAMES.get(name) ?? 0;
    if (keeps) this.#integer(0x40, 6, index);
    else this.#integer(0, 4, index);
    if (index === 0) this.#string(name);
    this.#string(value);
    if (keeps) this.#add(name, value, size);
  }

  #add(name: string, value: string, size: number): void {
    this.#evict(size);
    const values = this.#known.get(name) ?? new Map<string, number>();
    this.#known.set(name, values.set(value, this.#first + this.#entries.length));
    this.#entries.push({ name, value, size });
    this.#size += size;
  }

  #evict(room: number): void {
    let gone = 0;
    while (gone < this.#entries.length && this.#size + room > this.#limit) {
      const { name, value, size } = this.#entries[gone++]!;
      this.#size -= size;
      const values = this.#known.get(name)!;
      values.delete(value);
      if (values.size === 0) this.#known.delete(name);
    }
    if (gone === 0) return;
    this.#entries.splice(0, gone);
    this.#first += gone;
  }

  #integer(prefix: number, bits: number, value: number): void {
    const most = (1 << bits) - 1;
    if (value < most) {
      this.#out[this.#at++] = prefix | value;
      return;
    }
    this.#out[this.#at++] = prefix | most;
    let left = value - most;
    for (; left >= 0x80; left >>>= 7) this.#out[this.#at++] = (left & 0x7f) | 0x80;
    this.#out[this.#at++] = left;
  }

  #string(text: string): void {
    this.#integer(0, 7, text.length);
    this.#at += this.#out.write(text, this.#at, 'latin1');
  }
}
