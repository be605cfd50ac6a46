import { isDeepStrictEqual } from 'node:util';
import { isMergedSet, keepsItsKeys, mergeKeyOf } from './merge-keys.ts';

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** A JSON merge patch from `from` to `to`; deletions and the rest can be asked for apart. */
export function mergeDiff(from: unknown, to: unknown, want: { deletions: boolean; changes: boolean }): Fields {
  const patch: Fields = {};
  const [before, after] = [isFields(from) ? from : {}, isFields(to) ? to : {}];
  if (want.deletions) for (const key of Object.keys(before)) if (after[key] === undefined) patch[key] = null;
  for (const [key, value] of Object.entries(after)) {
    const old = before[key];
    if (isFields(value) && isFields(old)) {
      const inner = mergeDiff(old, value, want);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (want.changes && !isDeepStrictEqual(old, value)) patch[key] = value;
  }
  return patch;
}

/** What `kubectl apply` sends for kinds it has no schema of: changes from the live object, deletions from the last one. */
export function threeWayMerge(original: unknown, modified: unknown, current: unknown): Fields {
  const changes = mergeDiff(current, modified, { deletions: false, changes: true });
  const deletions = mergeDiff(original, modified, { deletions: true, changes: false });
  return overlay(changes, deletions);
}

function overlay(base: Fields, top: Fields): Fields {
  const out = { ...base };
  for (const [key, value] of Object.entries(top)) {
    const old = out[key];
    out[key] = isFields(old) && isFields(value) ? overlay(old, value) : value;
  }
  return out;
}

/** The same for built-in kinds: lists with merge keys are patched item by item (strategic merge patch). */
export function threeWayStrategic(original: unknown, modified: unknown, current: unknown): Fields {
  return strategicDiff(fields(original), fields(modified), fields(current), '');
}

/** The same for what may have some of its keys only: the patch names them where anything goes or the server has more. */
function keepingDiff(original: Fields, modified: Fields, current: Fields, key: string): Fields {
  const patch = strategicDiff(original, modified, current, key);
  const keys = Object.keys(modified).filter((each) => modified[each] !== null);
  const hasMore = (object: Fields) => Object.keys(object).some((each) => object[each] !== null && !keys.includes(each));
  if (Object.keys(patch).length === 0 && !hasMore(current) && !hasMore(original)) return patch;
  return { $retainKeys: keys.sort(), ...patch };
}

/** A strategic merge patch from one object to another. */
export const twoWayStrategic = (from: unknown, to: unknown): Fields => threeWayStrategic(from, to, from);

const fields = (value: unknown): Fields => (isFields(value) ? value : {});

function strategicDiff(original: Fields, modified: Fields, current: Fields, parent: string): Fields {
  const patch: Fields = {};
  for (const key of Object.keys(original)) {
    if (modified[key] === undefined && original[key] !== undefined && original[key] !== null) patch[key] = null;
  }
  for (const [key, value] of Object.entries(modified)) {
    const now = current[key];
    if (value === null) {
      if (now !== undefined && now !== null) patch[key] = null;
    } else if (isFields(value) && isFields(now)) {
      const diff = keepsItsKeys(key, parent) ? keepingDiff : strategicDiff;
      const inner = diff(fields(original[key]), value, now, key);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (Array.isArray(value) && Array.isArray(now)) listDiff(patch, key, original[key], value, now, parent);
    else if (!isDeepStrictEqual(value, now)) patch[key] = value;
  }
  return patch;
}

function listDiff(
  patch: Fields,
  key: string,
  original: unknown,
  modified: unknown[],
  current: unknown[],
  parent: string,
) {
  const before = Array.isArray(original) ? original : [];
  if (isMergedSet(key)) {
    const added = modified.filter((each) => !current.includes(each));
    const gone = before.filter((each) => !modified.includes(each));
    if (added.length > 0) patch[key] = added;
    if (gone.length > 0) patch[`$deleteFromPrimitiveList/${key}`] = gone;
    return;
  }
  const mergeKey = mergeKeyOf(key, parent);
  if (!mergeKey || ![...modified, ...current].every((each) => isFields(each) && each[mergeKey] !== undefined)) {
    if (!isDeepStrictEqual(modified, current)) patch[key] = modified;
    return;
  }
  const find = (list: unknown[], id: unknown) => (list as Fields[]).find((each) => each[mergeKey] === id);
  const diff = keepsItsKeys(key, parent) ? keepingDiff : strategicDiff;
  const items: Fields[] = [];
  for (const item of modified as Fields[]) {
    const id = item[mergeKey];
    const now = find(current, id);
    if (!now) items.push(item);
    else {
      const inner = diff(fields(find(before, id)), item, now, key);
      if (Object.keys(inner).length > 0) items.push({ [mergeKey]: id, ...inner });
    }
  }
  for (const item of before as Fields[]) {
    const id = item[mergeKey];
    if (!find(modified, id) && find(current, id)) items.push({ $patch: 'delete', [mergeKey]: id });
  }
  const order = (modified as Fields[]).map((each) => ({ [mergeKey]: each[mergeKey] }));
  const kept = (current as Fields[]).filter((each) => find(modified, each[mergeKey])).map((each) => each[mergeKey]);
  const moved = !isDeepStrictEqual(
    kept,
    (modified as Fields[]).map((each) => each[mergeKey]).filter((id) => kept.includes(id)),
  );
  if (items.length === 0 && !moved) return;
  if (items.length > 0) patch[key] = items;
  patch[`$setElementOrder/${key}`] = order;
}
