import { fieldSchema, itemSchema, type Schema } from '../schemas.ts';
import { failure } from '../status.ts';
import type { KubeObject, ManagedFieldsEntry } from '../types.ts';
import {
  changedFields,
  difference,
  type FieldSet,
  fieldsOf,
  intersection,
  isEmptySet,
  isObject,
  itemKey,
  listType,
  memberOf,
  memberSchema,
  pathsOf,
  same,
  union,
} from './field-set.ts';

export interface Writer {
  manager: string;
  apiVersion: string;
  /** RFC 3339. */
  time: string;
  subresource?: string;
}

type Fields = Record<string, unknown>;

const setOf = (entry: ManagedFieldsEntry): FieldSet => (entry.fieldsV1 ?? {}) as FieldSet;
const isWriter = (entry: ManagedFieldsEntry, writer: Writer, operation: 'Apply' | 'Update') =>
  entry.manager === writer.manager &&
  entry.operation === operation &&
  (entry.subresource ?? '') === (writer.subresource ?? '');

const entryOf = (writer: Writer, operation: 'Apply' | 'Update', set: FieldSet): ManagedFieldsEntry => ({
  manager: writer.manager,
  operation,
  apiVersion: writer.apiVersion,
  time: writer.time,
  fieldsType: 'FieldsV1',
  fieldsV1: set,
  ...(writer.subresource ? { subresource: writer.subresource } : {}),
});

/**
 * managedFields after an ordinary write: the writer owns what it changed, and whoever owned that before no longer does.
 * Source: structured-merge-diff, Updater.Update.
 */
export function trackUpdate(
  before: KubeObject | undefined,
  after: KubeObject,
  schema: Schema | undefined,
  writer: Writer,
): ManagedFieldsEntry[] {
  const { set, removed } = changedFields(before, after, schema);
  if (!before) return isEmptySet(set) ? [] : [entryOf(writer, 'Update', set)];
  const gone = union(set, removed);
  const entries = (after.metadata.managedFields ?? before.metadata.managedFields ?? []).flatMap((entry) => {
    const mine = isWriter(entry, writer, 'Update');
    const rest = mine ? difference(setOf(entry), removed) : difference(setOf(entry), gone);
    return isEmptySet(rest) ? [] : [same(rest, setOf(entry)) ? entry : { ...entry, fieldsV1: rest }];
  });
  if (isEmptySet(set)) return entries;
  const own = entries.find((entry) => isWriter(entry, writer, 'Update'));
  const made = entryOf(writer, 'Update', own ? union(setOf(own), set) : set);
  return own ? entries.map((entry) => (entry === own ? made : entry)) : [...entries, made];
}

/**
 * Server-side apply: the applied fields are set and owned, fields applied before and left out now are removed unless
 * another owns them, and a changed field that another owns is a conflict unless forced.
 */
export function serverSideApply(
  live: KubeObject | undefined,
  applied: KubeObject,
  schema: Schema | undefined,
  writer: Writer,
  force: boolean,
): KubeObject {
  const wanted = appliedFields(fieldsOf(applied, schema));
  const entries = live?.metadata.managedFields ?? [];
  const previous = entries.find((entry) => isWriter(entry, writer, 'Apply'));
  const others = entries.filter((entry) => entry !== previous);
  const differing = live ? changedFields(live, merge(live, applied, schema) as Fields, schema).set : {};

  const conflicts = others.flatMap((entry) => {
    const both = intersection(intersection(wanted, differing), setOf(entry));
    return isEmptySet(both) ? [] : [{ entry, paths: pathsOf(both).sort() }];
  });
  if (conflicts.length > 0 && !force) throw conflictOf(conflicts);

  let result = merge(live ?? {}, applied, schema) as KubeObject;
  if (previous) {
    let dropped = difference(setOf(previous), withHolders(wanted));
    for (const entry of others) dropped = difference(dropped, withHolders(setOf(entry)));
    result = without(result, dropped, schema) as KubeObject;
  }
  const kept = others.flatMap((entry) => {
    const lost = intersection(intersection(wanted, differing), setOf(entry));
    const rest = difference(setOf(entry), lost);
    return isEmptySet(rest) ? [] : [{ ...entry, fieldsV1: rest }];
  });
  const unchanged = previous && same(setOf(previous), wanted) && live && isEmptySet(differing);
  const own = unchanged ? previous : entryOf(writer, 'Apply', wanted);
  result.metadata = { ...result.metadata, managedFields: [...(isEmptySet(wanted) ? [] : [own]), ...kept] };
  return result;
}

/** Who applies owns the fields that are named, and the items of lists; not the maps and lists that hold them. */
const appliedFields = (set: FieldSet): FieldSet =>
  Object.fromEntries(
    Object.entries(set).map(([member, inner]) => {
      const { '.': self, ...rest } = inner;
      const below = appliedFields(rest);
      return [member, self && !member.startsWith('f:') ? { '.': self, ...below } : below];
    }),
  );

/**
 * The set with what holds its fields: a map or list in which somebody owns a field stays, although who owned it itself left
 * it out. Source: structured-merge-diff, Set.EnsureNamedFieldsAreMembers.
 */
const withHolders = (set: FieldSet): FieldSet =>
  Object.fromEntries(
    Object.entries(set).map(([member, inner]) => [
      member,
      isEmptySet(inner) ? inner : { ...withHolders(inner), '.': {} },
    ]),
  );

function conflictOf(conflicts: { entry: ManagedFieldsEntry; paths: string[] }[]) {
  const causes = conflicts.flatMap(({ entry, paths }) =>
    paths.map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${JSON.stringify(entry.manager)}${entry.subresource ? ` with subresource ${JSON.stringify(entry.subresource)}` : ''}${entry.operation === 'Update' ? ` using ${entry.apiVersion}` : ''}`,
      field,
    })),
  );
  const count = causes.length;
  const text = causes.length === 1 ? `${causes[0]!.message}: ${causes[0]!.field}` : grouped(causes);
  return failure('Conflict', `Apply failed with ${count} conflict${count === 1 ? '' : 's'}: ${text}`, { causes });
}

function grouped(causes: { message: string; field: string }[]): string {
  const byMessage = new Map<string, string[]>();
  for (const { message, field } of causes) byMessage.set(message, [...(byMessage.get(message) ?? []), field]);
  return `conflicts ${[...byMessage].map(([message, fields]) => `${message.slice('conflict '.length)}:\n${fields.map((field) => `- ${field}`).join('\n')}`).join('\nconflicts ')}`;
}

/** What `applied` sets, put over `live`: maps and associative lists are merged, everything else is replaced. */
function merge(live: unknown, applied: unknown, schema: Schema | undefined): unknown {
  if (isObject(applied)) {
    if (!isObject(live) || schema?.['x-kubernetes-map-type'] === 'atomic') return structuredClone(applied);
    const result: Fields = { ...live };
    for (const [name, value] of Object.entries(applied)) {
      if (name !== '__proto__') result[name] = merge(live[name], value, fieldSchema(schema, name));
    }
    return result;
  }
  if (Array.isArray(applied) && Array.isArray(live) && listType(schema) !== 'atomic') {
    const result = [...live];
    for (const item of applied) {
      const key = itemKey(item, schema);
      const index = result.findIndex((candidate) => itemKey(candidate, schema) === key);
      if (index >= 0) result[index] = merge(result[index], item, itemSchema(schema));
      else result.push(structuredClone(item));
    }
    return result;
  }
  return structuredClone(applied);
}

/** `value` without the fields of a set. */
function without(value: unknown, set: FieldSet, schema: Schema | undefined): unknown {
  let result = value;
  for (const [member, inner] of Object.entries(set)) {
    if (member === '.') continue;
    const whole = isEmptySet(inner) || '.' in inner;
    const child = memberOf(result, member, schema);
    if (child === undefined) continue;
    const rest =
      whole && !member.startsWith('f:')
        ? undefined
        : whole
          ? undefined
          : without(child, inner, memberSchema(schema, member));
    if (Array.isArray(result)) {
      result =
        rest === undefined
          ? result.filter((item) => item !== child)
          : result.map((item) => (item === child ? rest : item));
    } else if (isObject(result)) {
      const copy: Fields = { ...result };
      if (rest === undefined) delete copy[member.slice(2)];
      else copy[member.slice(2)] = rest;
      result = copy;
    }
  }
  return result;
}
