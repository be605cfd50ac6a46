import { failure } from '../status.ts';

interface Operation {
  op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  path: string;
  from?: string;
  value?: unknown;
}

/** A guard against documents that grow by copying. */
const MAX_OPERATIONS = 10_000;

/** RFC 6902 on a private copy. Throws BadRequest for a malformed patch and Invalid where the document does not fit. */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw failure(
      'BadRequest',
      'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    );
  if (patch.length > MAX_OPERATIONS) {
    throw failure(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  }
  const root = { value: structuredClone(document) };
  for (const operation of patch as Operation[]) apply(root, operation);
  return root.value;
}

function apply(root: { value: unknown }, { op, path, from, value }: Operation): void {
  if (typeof path !== 'string') throw bad('missing "path"');
  switch (op) {
    case 'add':
      return add(root, path, structuredClone(value));
    case 'remove':
      remove(root, path);
      return;
    case 'replace':
      get(root, path);
      if (path !== '') remove(root, path);
      return add(root, path, structuredClone(value));
    case 'move': {
      const moved = remove(root, from ?? '');
      return add(root, path, moved);
    }
    case 'copy':
      return add(root, path, structuredClone(get(root, from ?? '')));
    case 'test':
      if (JSON.stringify(sorted(get(root, path))) !== JSON.stringify(sorted(value))) {
        throw missing(path);
      }
      return;
    default:
      throw missing(path);
  }
}

const bad = (why: string) => failure('BadRequest', `error decoding patch: ${why}`);
/** Upstream keeps what exactly was wrong to itself. */
const missing = (_path: string) => failure('Invalid', 'the server rejected our request due to an error in our request');

function pointer(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw bad(`invalid path ${JSON.stringify(path)}`);
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function get(root: { value: unknown }, path: string): unknown {
  let at = root.value;
  for (const key of pointer(path)) {
    if (Array.isArray(at) ? !(Number(key) >= 0 && Number(key) < at.length) : !isObject(at) || !Object.hasOwn(at, key))
      throw missing(path);
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

function add(root: { value: unknown }, path: string, value: unknown): void {
  const keys = pointer(path);
  const last = keys.pop();
  if (last === undefined) {
    root.value = value;
    return;
  }
  const parent = get(root, keys.length === 0 ? '' : path.slice(0, path.lastIndexOf('/')));
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw missing(path);
    parent.splice(index, 0, value);
  } else if (isObject(parent)) put(parent, last, value);
  else throw missing(path);
}

function remove(root: { value: unknown }, path: string): unknown {
  const removed = get(root, path);
  const last = pointer(path).pop();
  if (last === undefined) return removed;
  const parent = get(root, path.slice(0, path.lastIndexOf('/')));
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as Record<string, unknown>)[last];
  return removed;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `__proto__` is a field like any other here. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
