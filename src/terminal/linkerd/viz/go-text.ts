/** Numbers and JSON as Go writes them. */

/** As `%.2f`: what lies exactly in the middle goes to the even side. */
export function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  const [whole = '', rest = ''] = Math.abs(value)
    .toFixed(Math.min(100, digits + 60))
    .split('.');
  if (!/^50*$/.test(rest.slice(digits))) return text;
  const down = digits === 0 ? whole : `${whole}.${rest.slice(0, digits)}`;
  return Number(down.at(-1)) % 2 === 0 ? `${value < 0 ? '-' : ''}${down}` : text;
}

/** A number of 32 bits as the shortest decimal that means it. */
export function float32(value: number): number {
  const exact = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(exact.toPrecision(digits));
    if (Math.fround(short) === exact) return short;
  }
  return exact;
}

/** JSON with what could end a script in HTML escaped; indented, or on one line. */
export const goJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
