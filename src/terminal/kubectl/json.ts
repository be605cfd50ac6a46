/** Go's JSON: the signs that HTML knows are escaped. */
const escaped = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A copy with every mapping's keys in byte order, as Go writes a map. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sortKeys(each)]));
}

/** On one line, keys sorted. */
export const compactJson = (value: unknown): string => escaped(JSON.stringify(sortKeys(value)));

/** On one line, keys as they stand. */
export const orderedJson = (value: unknown): string => escaped(JSON.stringify(value));

/** Indented by four, keys sorted unless `keepOrder`. */
export const prettyJson = (value: unknown, keepOrder = false): string =>
  escaped(JSON.stringify(keepOrder ? value : sortKeys(value), null, 4));
