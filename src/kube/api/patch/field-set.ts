import { fieldSchema, itemSchema, type Schema } from '../schemas.ts';

/** The fields that somebody manages, in the form of `fieldsV1`: `f:name`, `k:{…}` and `v:…` members, `.` for the item itself. */
export type FieldSet = { [member: string]: FieldSet };

type Fields = Record<string, unknown>;
export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Never managed by anybody: they identify the object or are set by the server. Source: structured-merge-diff, stripMeta. */
const UNMANAGED = new Set(['apiVersion', 'kind']);
const UNMANAGED_META = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
  'generateName',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
]);

export type ListType = 'atomic' | 'set' | 'map';

export function listType(schema: Schema | undefined): ListType {
  const declared = schema?.['x-kubernetes-list-type'];
  if (declared) return declared;
  return 'atomic';
}

export const mapKeys = (schema: Schema | undefined): string[] => schema?.['x-kubernetes-list-map-keys'] ?? [];

/** A list item's member name; undefined when it lacks a key that has no default. */
export function itemKey(item: unknown, schema: Schema | undefined): string | undefined {
  if (listType(schema) === 'set') return `v:${JSON.stringify(item)}`;
  if (!isObject(item)) return undefined;
  const properties = itemSchema(schema)?.properties;
  const key: Fields = {};
  for (const name of [...mapKeys(schema)].sort()) {
    const value = item[name] ?? properties?.[name]?.default;
    if (value !== undefined) key[name] = value;
  }
  return Object.keys(key).length > 0 ? `k:${JSON.stringify(key)}` : undefined;
}

/** Whether a field is managed as a whole. */
function isAtomic(value: unknown, schema: Schema | undefined): boolean {
  if (Array.isArray(value)) return listType(schema) === 'atomic';
  return schema?.['x-kubernetes-map-type'] === 'atomic';
}

/** Every field that an object sets. */
export function fieldsOf(object: Fields, schema: Schema | undefined): FieldSet {
  const set: FieldSet = {};
  for (const name of Object.keys(object)) {
    if (UNMANAGED.has(name)) continue;
    if (name !== 'metadata' || !isObject(object[name])) addField(set, object, name, schema);
    else {
      const meta: FieldSet = {};
      const inner = fieldSchema(schema, name);
      for (const each of Object.keys(object[name])) {
        if (!UNMANAGED_META.has(each)) addField(meta, object[name], each, inner);
      }
      if (Object.keys(meta).length > 0) set['f:metadata'] = meta;
    }
  }
  return set;
}

function walk(value: unknown, schema: Schema | undefined, into: FieldSet): FieldSet {
  if (Array.isArray(value)) {
    for (const item of value) {
      const key = itemKey(item, schema);
      if (key) into[key] = isObject(item) ? walk(item, itemSchema(schema), { '.': {} }) : {};
    }
    return into;
  }
  for (const name of Object.keys(value as Fields)) addField(into, value as Fields, name, schema);
  return into;
}

function addField(into: FieldSet, holder: Fields, name: string, schema: Schema | undefined): void {
  const field = holder[name];
  const member = `f:${name}`;
  if (typeof field !== 'object' || field === null) {
    into[member] = {};
    return;
  }
  const inner = fieldSchema(schema, name);
  const nested = Array.isArray(field) ? field.length > 0 : Object.keys(field).length > 0;
  into[member] =
    nested && !isAtomic(field, inner) ? walk(field, inner, isMapOrList(field, inner) ? { '.': {} } : {}) : {};
}

/** Maps and associative lists can be owned themselves, apart from what is in them. */
const isMapOrList = (value: unknown, schema: Schema | undefined): boolean =>
  Array.isArray(value) || typeof schema?.additionalProperties === 'object';

const isLeaf = (set: FieldSet): boolean => Object.keys(set).length === 0;

export const isEmptySet = isLeaf;

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = { ...a };
  for (const [member, set] of Object.entries(b)) result[member] = member in result ? union(result[member]!, set) : set;
  return result;
}

/** What is in `a` and not in `b`. A leaf of `a` is taken away only by the same member of `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {};
  for (const [member, set] of Object.entries(a)) {
    const other = b[member];
    if (!other) result[member] = set;
    else if (!isLeaf(set)) {
      const rest = difference(set, other);
      if (!isLeaf(rest)) result[member] = rest;
    }
  }
  return result;
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {};
  for (const [member, set] of Object.entries(a)) {
    const other = b[member];
    if (!other) continue;
    if (isLeaf(set) || isLeaf(other)) result[member] = {};
    else {
      const both = intersection(set, other);
      if (!isLeaf(both)) result[member] = both;
    }
  }
  return result;
}

/** The paths of a set's leaves as people read them: `.spec.template.spec.containers[name="web"].image`. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  return Object.entries(set).flatMap(([member, inner]) => {
    if (member === '.') return [];
    const path = `${prefix}${memberText(member)}`;
    const below = pathsOf(inner, path);
    return below.length > 0 ? below : [path];
  });
}

function memberText(member: string): string {
  if (member.startsWith('f:')) return `.${member.slice(2)}`;
  if (member.startsWith('v:')) return `[=${member.slice(2)}]`;
  const key = JSON.parse(member.slice(2)) as Fields;
  return `[${Object.entries(key)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}]`;
}

/** Fields whose value differs between two objects, as a set: added, changed and removed ones alike. */
export function changedFields(
  before: Fields | undefined,
  after: Fields,
  schema: Schema | undefined,
): { set: FieldSet; removed: FieldSet } {
  const now = fieldsOf(after, schema);
  if (!before) return { set: now, removed: {} };
  const old = fieldsOf(before, schema);
  return { set: changedIn(now, before, after, schema), removed: difference(old, now) };
}

function changedIn(set: FieldSet, before: unknown, after: unknown, schema: Schema | undefined): FieldSet {
  const result: FieldSet = {};
  for (const [member, inner] of Object.entries(set)) {
    if (member === '.') {
      if (before === undefined) result[member] = inner;
      continue;
    }
    const [a, b, below] = [
      memberOf(before, member, schema),
      memberOf(after, member, schema),
      memberSchema(schema, member),
    ];
    if (isLeaf(inner)) {
      if (!same(a, b)) result[member] = inner;
    } else if (a === undefined || !same(a, b)) {
      const changed = changedIn(inner, a, b, below);
      if (!isLeaf(changed)) result[member] = changed;
    }
  }
  return result;
}

export function memberSchema(schema: Schema | undefined, member: string): Schema | undefined {
  return member.startsWith('f:') ? fieldSchema(schema, member.slice(2)) : itemSchema(schema);
}

/** The value that a member names. */
export function memberOf(value: unknown, member: string, schema: Schema | undefined): unknown {
  if (member.startsWith('f:')) return isObject(value) ? value[member.slice(2)] : undefined;
  if (!Array.isArray(value)) return undefined;
  return value.find((item) => itemKey(item, schema) === member);
}

export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}
