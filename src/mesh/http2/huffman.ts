/** Bits of each symbol's code in RFC 7541, appendix B; the codes themselves follow from them. The last ends a string. */
// biome-ignore format: one row for sixteen symbols
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const END_OF_STRING = 256;
const LONGEST = 30;

/** A tree as pairs: where to go on 0 and on 1; a leaf is the symbol, less by the number of all. */
const tree: Int16Array = build();

function build(): Int16Array {
  const made = new Int16Array(2 * LENGTHS.length);
  let nodes = 1;
  let code = 0;
  for (let length = 1; length <= LONGEST; length++) {
    code *= 2;
    for (let symbol = 0; symbol < LENGTHS.length; symbol++) {
      if (LENGTHS[symbol] !== length) continue;
      let at = 0;
      for (let bit = length - 1; bit > 0; bit--) {
        const slot = 2 * at + ((code >> bit) & 1);
        if (made[slot] === 0) made[slot] = nodes++;
        at = made[slot]!;
      }
      made[2 * at + (code & 1)] = symbol - LENGTHS.length;
      code++;
    }
  }
  return made;
}

/** The text of a Huffman-coded string; undefined for what is none. */
export function decodeHuffman(bytes: Buffer): string | undefined {
  let out = '';
  let at = 0;
  /** Bits since the last symbol, and whether all of them were 1: what is left over must be such. */
  let pending = 0;
  let ones = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const one = (byte >> bit) & 1;
      const next = tree[2 * at + one]!;
      pending++;
      if (one === 0) ones = false;
      if (next >= 0) {
        at = next;
        continue;
      }
      const symbol = next + LENGTHS.length;
      if (symbol === END_OF_STRING) return undefined;
      out += String.fromCharCode(symbol);
      at = 0;
      pending = 0;
      ones = true;
    }
  }
  return pending < 8 && ones ? out : undefined;
}
