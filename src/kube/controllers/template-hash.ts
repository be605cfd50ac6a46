const SAFE = 'bcdfghjklmnpqrstvwxz2456789';

/** A pod template's hash as a label value: FNV-1a over its JSON, in the alphabet of generated names. Equal templates, equal hash. */
export function templateHash(template: unknown, collisions = 0): string {
  let hash = 0x811c9dc5;
  for (const char of canonical(template) + (collisions > 0 ? String(collisions) : '')) {
    hash ^= char.codePointAt(0)!;
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  // Upstream encodes the decimal digits; that gives the usual nine or ten characters.
  return [...String(hash).padStart(10, '0')].map((digit) => SAFE[digit.charCodeAt(0) % SAFE.length]).join('');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, item]) => item !== undefined && item !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
