import type { ByteReader } from '../stdio.ts';

/** The complete JSON values of each chunk as it arrives. What is left at the end is given as it is, for an error message. */
export async function* takeJson(reader: ByteReader, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  let at = 0;
  let depth = 0;
  let inString = false;
  /** End of the last complete value. */
  let end = 0;
  for (let chunk = await reader.read(signal); chunk; chunk = await reader.read(signal)) {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk);
    for (; at < rest.length; at++) {
      const byte = rest[at]!;
      if (inString) {
        if (byte === 0x5c) at++;
        else if (byte === 0x22) {
          inString = false;
          if (depth === 0) end = at + 1;
        }
      } else if (byte === 0x22) inString = true;
      else if (byte === 0x7b || byte === 0x5b) depth++;
      else if (byte === 0x7d || byte === 0x5d) {
        if (--depth === 0) end = at + 1;
      } else if (depth === 0 && byte <= 0x20 && at > end) end = at;
    }
    if (end === 0 || isBlank(rest.subarray(0, end))) continue;
    yield rest.subarray(0, end);
    rest = rest.subarray(end);
    at -= end;
    end = 0;
  }
  if (!isBlank(rest)) yield rest;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte <= 0x20);
}
