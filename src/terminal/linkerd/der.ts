/** One element of DER: its tag, its content, and its elements when it is constructed. */
export interface Element {
  tag: number;
  content: Uint8Array;
}

/** Reads the elements that lie side by side in `bytes`. */
export function elements(bytes: Uint8Array): Element[] {
  const out: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++]!;
    let length = bytes[at++]!;
    if (length > 0x80) {
      let size = length & 0x7f;
      length = 0;
      while (size-- > 0) length = length * 256 + bytes[at++]!;
    }
    out.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return out;
}

/** The dotted form of an OBJECT IDENTIFIER's content. */
export function oid(content: Uint8Array): string {
  const parts = [Math.floor(content[0]! / 40), content[0]! % 40];
  let value = 0;
  for (const byte of content.subarray(1)) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      parts.push(value);
      value = 0;
    }
  }
  return parts.join('.');
}
