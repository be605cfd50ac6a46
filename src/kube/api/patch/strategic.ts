import { fieldSchema, itemSchema, type Schema } from '../schemas.ts';
import { failure } from '../status.ts';

type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';

/**
 * Strategic merge patch, driven by the schema's patch strategies and merge keys, with its directives ($patch,
 * $retainKeys, $setElementOrder, $deleteFromPrimitiveList). Source: apimachinery/pkg/util/strategicpatch.
 */
export function strategicMerge(document: unknown, patch: unknown, schema: Schema | undefined): unknown {
  if (!isObject(patch))
    throw failure(
      'BadRequest',
      `json: cannot unmarshal ${goTypeOf(patch)} into Go value of type map[string]interface {}`,
    );
  return mergeObject(isObject(document) ? document : {}, patch, schema);
}

const goTypeOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

function mergeObject(document: Fields, patch: Fields, schema: Schema | undefined): Fields {
  if (patch.$patch === 'replace') {
    const { $patch: _, ...rest } = patch;
    return structuredClone(rest);
  }
  if (patch.$patch === 'delete') return {};
  const result: Fields = { ...document };
  if (Array.isArray(patch.$retainKeys)) {
    const keep = new Set(patch.$retainKeys);
    for (const key of Object.keys(result)) if (!keep.has(key)) delete result[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$') || key === '__proto__') continue;
    if (value === null) {
      delete result[key];
      continue;
    }
    const field = fieldSchema(schema, key);
    if (isObject(value)) result[key] = mergeObject(isObject(result[key]) ? (result[key] as Fields) : {}, value, field);
    else if (Array.isArray(value))
      result[key] = mergeList(Array.isArray(result[key]) ? (result[key] as unknown[]) : [], value, field);
    else result[key] = value;
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) {
      const name = key.slice(DELETE_FROM.length);
      if (Array.isArray(result[name]))
        result[name] = (result[name] as unknown[]).filter((item) => !(value as unknown[]).includes(item));
    }
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(ORDER)) continue;
    const name = key.slice(ORDER.length);
    if (Array.isArray(result[name]))
      result[name] = reorder(result[name] as unknown[], value as unknown[], fieldSchema(schema, name));
  }
  return result;
}

const merges = (schema: Schema | undefined): boolean =>
  schema?.['x-kubernetes-patch-strategy']?.split(',').includes('merge') ?? false;

function mergeList(document: unknown[], patch: unknown[], schema: Schema | undefined): unknown[] {
  if (!merges(schema)) return structuredClone(patch.filter((item) => !(isObject(item) && '$patch' in item)));
  const mergeKey = schema?.['x-kubernetes-patch-merge-key'];
  if (!mergeKey) {
    const result = [...document];
    for (const item of patch) if (!result.includes(item)) result.push(item);
    return result;
  }
  if (patch.some((item) => isObject(item) && item.$patch === 'replace' && !(mergeKey in item))) {
    return structuredClone(patch.filter((item) => !(isObject(item) && item.$patch === 'replace')));
  }
  const items = itemSchema(schema);
  const result = [...document];
  for (const item of patch) {
    if (!isObject(item)) continue;
    if (!(mergeKey in item))
      throw failure('BadRequest', `map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    const index = result.findIndex((candidate) => isObject(candidate) && candidate[mergeKey] === item[mergeKey]);
    if (item.$patch === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) result[index] = mergeObject(result[index] as Fields, item, items);
    else result.push(mergeObject({}, item, items));
  }
  return result;
}

/** Items named in the order come in that order; others keep their place relative to their neighbours. */
function reorder(list: unknown[], order: unknown[], schema: Schema | undefined): unknown[] {
  const mergeKey = schema?.['x-kubernetes-patch-merge-key'];
  const idOf = (item: unknown) => (mergeKey && isObject(item) ? item[mergeKey] : item);
  const wanted = order.map(idOf);
  const named = list
    .filter((item) => wanted.includes(idOf(item)))
    .sort((a, b) => wanted.indexOf(idOf(a)) - wanted.indexOf(idOf(b)));
  const result: unknown[] = [];
  for (const item of list) {
    if (!wanted.includes(idOf(item))) result.push(item);
    else if (named.length > 0) result.push(named.shift());
  }
  return [...result, ...named];
}
