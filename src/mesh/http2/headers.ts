export type Headers = Record<string, string | string[] | undefined>;

/** What would end the line of a field. */
export const BREAKS_OUT = /[\0\r\n]/;
export const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore format: one list
const FIRST_COUNTS = new Set([
  'age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host', 'if-modified-since',
  'if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'proxy-authorization', 'referer', 'retry-after',
  'server', 'user-agent',
]);

/** Adds one more field to headers, joined to others of its name as Node joins them. */
export function addHeader(headers: Headers, name: string, value: string): void {
  const before = headers[name];
  if (name === 'set-cookie') headers[name] = before === undefined ? [value] : [...(before as string[]), value];
  else if (before === undefined) headers[name] = value;
  else if (!FIRST_COUNTS.has(name)) headers[name] = `${before as string}${name === 'cookie' ? '; ' : ', '}${value}`;
}

/** Whether a field can be one of HTTP/2: its name in lower case, its value without what ends a line. */
export const isHeader = (name: string, value: string): boolean =>
  FIELD_NAME.test(name) && !/[A-Z]/.test(name) && !BREAKS_OUT.test(value);
