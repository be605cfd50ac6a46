/** Hex pairs parted by colons, `width` a row, each row behind `indent` blanks and ending in a newline. */
export function hexRows(bytes: Uint8Array, width: number, indent: number): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += width) {
    const row = [...bytes.subarray(at, at + width)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    text += `${' '.repeat(indent)}${row}${at + width < bytes.length ? ':' : ''}\n`;
  }
  return text;
}

export const hexPairs = (bytes: Uint8Array, separator = ':'): string =>
  [...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(separator);

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Nov  5 15:50:05 2026 GMT`, as `ASN1_TIME_print` prints it. */
export function dateText(ms: number, iso = false): string {
  const at = new Date(ms);
  if (iso)
    return at
      .toISOString()
      .replace('T', ' ')
      .replace(/\.\d+Z$/, 'Z');
  const day = String(at.getUTCDate()).padStart(2, ' ');
  return `${MONTHS[at.getUTCMonth()]} ${day} ${at.toISOString().slice(11, 19)} ${at.getUTCFullYear()} GMT`;
}
