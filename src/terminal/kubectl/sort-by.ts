import { CliError } from './errors.ts';
import { JsonPath, relaxed } from './jsonpath.ts';
import { naturalLess } from './yaml.ts';

/** Sorts by a JSONPath; values that are missing come first. Refuses a path that no object has. */
export function sortBy<T>(items: T[], expression: string, objectOf: (item: T) => unknown): T[] {
  const path = new JsonPath(relaxed(expression));
  const keyed = items.map((item) => ({ item, key: path.find(objectOf(item))[0]?.[0] }));
  if (items.length > 0 && keyed.every(({ key }) => key === undefined)) {
    throw new CliError(`couldn't find any field with path "${relaxed(expression)}" in the list of objects`);
  }
  return sorted(keyed, (a, b) => compare(a.key, b.key) < 0).map(({ item }) => item);
}

/** Below this Go sorts by insertion. */
const INSERTION = 12;

/** Sorts as Go does, by a `less` that calls two missing values each less than the other: their order turns round. */
function sorted<T>(items: T[], less: (a: T, b: T) => boolean): T[] {
  const out = [...items];
  if (out.length > INSERTION) return out.sort((a, b) => (less(a, b) ? -1 : less(b, a) ? 1 : 0));
  for (let i = 1; i < out.length; i++) {
    for (let j = i; j > 0 && less(out[j]!, out[j - 1]!); j--) [out[j], out[j - 1]] = [out[j - 1]!, out[j]!];
  }
  return out;
}

function compare(a: unknown, b: unknown): number {
  if (a === undefined || a === null) return -1;
  if (a === b) return 0;
  if (b === undefined || b === null) return 1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a), String(b)];
  const quantities = [quantity(left), quantity(right)];
  if (quantities[0] !== undefined && quantities[1] !== undefined) return quantities[0] - quantities[1];
  return naturalLess(left, right) ? -1 : 1;
}

const SUFFIXES: Record<string, number> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A resource quantity as a number; undefined when the text is none. */
export function quantity(text: string): number | undefined {
  const match = /^([-+]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i)?$/.exec(text);
  return match ? Number(match[1]) * SUFFIXES[match[2] ?? '']! : undefined;
}
