const SIMPLE: Record<string, string> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

/** A byte that is no text by itself stands in strings as a lone surrogate, U+DC80 to U+DCFF, until it is written. */
function rawByte(byte: number): string {
  return String.fromCharCode(0xdc00 + byte);
}

/** Text as bytes, with the raw bytes of `\\xff` escapes as what they are. */
export function encodeText(text: string): Uint8Array | string {
  if (!/[\udc80-\udcff]/u.test(text)) return text;
  const parts = text.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 1 ? Buffer.from([part.charCodeAt(0) - 0xdc00]) : Buffer.from(part))),
  );
}

/**
 * Decodes backslash escapes as `echo -e` and `printf %b` do. `\c` ends the output: what follows is dropped, and `onStop`
 * is called. With `format`, octal escapes are `\nnn` as in a printf format instead of `\0nnn`.
 */
export function decodeEscapes(text: string, o: { format?: boolean; onStop?: () => void } = {}): string {
  let result = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char !== '\\' || i + 1 >= text.length) {
      result += char;
      continue;
    }
    const rest = text.slice(i + 1);
    const next = rest[0]!;
    const number =
      (o.format ? /^([0-7]{1,3})/ : /^0([0-7]{0,3})/).exec(rest) ??
      /^x([0-9a-fA-F]{1,2})/.exec(rest) ??
      /^u([0-9a-fA-F]{1,4})/.exec(rest) ??
      /^U([0-9a-fA-F]{1,8})/.exec(rest);
    if (Object.hasOwn(SIMPLE, next)) {
      result += SIMPLE[next];
      i++;
    } else if (number) {
      const code = Number.parseInt(number[1] || '0', /^[xuU]/.test(next) ? 16 : 8);
      const isByte = next !== 'u' && next !== 'U' && code >= 0x80;
      if (isByte) result += rawByte(code & 0xff);
      else if (code <= 0x10ffff) result += String.fromCodePoint(code);
      i += number[0].length;
    } else if (next === 'c') {
      o.onStop?.();
      return result;
    } else if (o.format && (next === '"' || next === "'" || next === '?')) {
      result += next;
      i++;
    } else result += char;
  }
  return result;
}
