/** Bytes that a field or an element costs beside its content; JSON's signs and V8's slots are about as much. */
const PER_ENTRY = 16;

/** About how much memory a JSON value takes, bytes. Quick: nothing is serialised. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length + PER_ENTRY;
  if (typeof value !== 'object' || value === null) return PER_ENTRY;
  let size = PER_ENTRY;
  if (Array.isArray(value)) {
    for (const item of value) size += sizeOf(item);
    return size;
  }
  for (const key in value) size += key.length + sizeOf((value as Record<string, unknown>)[key]);
  return size;
}
