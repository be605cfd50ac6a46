/** A text that stands for a part is no longer than this; a longer one is known by its number. */
const SHORT = 48;

/** A copy of a JSON value in which parts and texts that are equal are the same ones. */
export function folded<T>(value: T): T {
  const parts = new Map<string, { id: string; part: unknown }>();
  const fold = (one: unknown): { id: string; part: unknown } => {
    if (typeof one !== 'object' || one === null) {
      const text = JSON.stringify(one) ?? 'null';
      return typeof one === 'string' && text.length > SHORT ? known(text, one) : { id: text, part: one };
    }
    if (Array.isArray(one)) {
      const items = one.map(fold);
      return known(
        `[${items.map(({ id }) => id).join()}]`,
        items.map(({ part }) => part),
      );
    }
    const fields = Object.entries(one).map(([key, field]) => [key, fold(field)] as const);
    return known(
      `{${fields.map(([key, { id }]) => `${JSON.stringify(key)}:${id}`).join()}}`,
      Object.fromEntries(fields.map(([key, { part }]) => [key, part])),
    );
  };
  const known = (text: string, part: unknown) => {
    const found = parts.get(text);
    if (found) return found;
    const made = { id: text.length > SHORT ? `#${parts.size}` : text, part };
    parts.set(text, made);
    return made;
  };
  return fold(value).part as T;
}
