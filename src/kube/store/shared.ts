/**
 * The new form of a value with every part that did not change taken from the old one, so that what an object was before
 * costs only what was different. Parts of `now` are replaced in place by parts that are equal to them.
 */
export function shared<T>(old: unknown, now: T): T {
  if (old === now || !isHolder(old) || !isHolder(now) || Array.isArray(old) !== Array.isArray(now)) return now;
  const [before, after] = [old as Record<string, unknown>, now as Record<string, unknown>];
  const keys = Object.keys(after);
  const known = Object.keys(before);
  let isSame = keys.length === known.length;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!;
    const part = after[key];
    const kept = Object.hasOwn(before, key) ? shared(before[key], part) : part;
    if (kept !== part) after[key] = kept;
    // In another order it is written differently.
    if (kept !== before[key] || known[index] !== key) isSame = false;
  }
  return isSame ? (old as T) : now;
}

const isHolder = (value: unknown): boolean => typeof value === 'object' && value !== null;
