import type { KubeObject } from '#kube/api/types.ts';
import { parseGoDuration } from './age.ts';
import { printChanged } from './changed.ts';
import { CliError, isStatus } from './errors.ts';
import { JsonPath, relaxed } from './jsonpath.ts';
import { readWanted } from './resources.ts';
import { fetchItems, forEachItem, hasFiles, type Item, itemTarget, targetOf } from './targets.ts';
import type { Invocation } from './verb.ts';
import { isGone, type Until, watchUntil } from './watching.ts';

export async function wait(k: Invocation): Promise<void> {
  const wish = k.flags.get('for');
  const until = conditionOf(wish);
  const isDelete = wish.toLowerCase() === 'delete';
  const isCreate = wish.toLowerCase() === 'create';
  const selector = k.flags.get('selector');
  const timeoutMs = timeoutOf(k);
  if (isCreate) await waitForCreation(k, timeoutMs);
  const { items, errors } = await fetchItems(k, {
    ...(selector ? { selector } : {}),
    ...(k.flags.get('field-selector') ? { fieldSelector: k.flags.get('field-selector') } : {}),
    allowAll: k.flags.bool('all'),
    allNamespaces: k.flags.bool('all-namespaces'),
  });
  const failures = isDelete ? errors.filter((error) => !isStatus(error, 'NotFound')) : errors;
  if (items.length === 0 && failures.length === 0 && !isDelete) throw new CliError('no matching resources found');
  await forEachItem(items, failures, async (item) => {
    const watched = { target: itemTarget(item), name: item.object.metadata.name!, uid: item.object.metadata.uid };
    let last: KubeObject = item.object;
    const judge: Until = async (object) => {
      if (object) last = { ...object, apiVersion: item.object.apiVersion, kind: item.object.kind };
      return until ? until(object) : isCreate || isGone(watched)(object);
    };
    await watchUntil(k, watched, timeoutMs, judge, timeoutText(item));
    await printChanged(k, last, 'condition met');
  });
}

const timeoutText = (item: Item): string =>
  `timed out waiting for the condition on ${item.resource.resource}/${item.object.metadata.name}`;

function timeoutOf(k: Invocation): number {
  const ms = parseGoDuration(k.flags.get('timeout')) ?? 30_000;
  return ms < 0 ? 7 * 24 * 3600 * 1000 : ms;
}

/** Undefined for `delete` and `create`, which look at no field. */
function conditionOf(wish: string): Until | undefined {
  if (/^(delete|create)$/i.test(wish)) return undefined;
  const condition = /^condition=([^=]+)(?:=(.*))?$/.exec(wish);
  if (condition) return (object) => hasCondition(object, condition[1]!, condition[2] ?? 'true');
  if (wish.startsWith('jsonpath=')) return jsonPathCondition(wish.slice('jsonpath='.length));
  throw new CliError(`unrecognized condition: ${JSON.stringify(wish)}`);
}

function hasCondition(object: KubeObject | undefined, type: string, value: string): boolean {
  if (!object) throw new CliError('the object was deleted while waiting for its condition');
  const found = object['status']?.conditions?.find(
    (each: { type: string }) => each.type.toLowerCase() === type.toLowerCase(),
  );
  if (!found || found.status?.toLowerCase() !== value.toLowerCase()) return false;
  const observed = found.observedGeneration ?? object['status'].observedGeneration;
  return observed === undefined || object.metadata.generation === undefined || observed >= object.metadata.generation;
}

function jsonPathCondition(text: string): Until {
  if (text === '') throw new CliError('jsonpath expression cannot be empty');
  const match = /^(['"]?)(\{.*\}|[^=]+?)\1(?:=(.*))?$/s.exec(text);
  if (!match)
    throw new CliError(
      `jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'`,
    );
  const path = new JsonPath(relaxed(match[2]!));
  const wanted = match[3]?.replace(/^(['"])(.*)\1$/s, '$2');
  if (match[3] === '')
    throw new CliError(
      "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
    );
  return (object) => {
    const values = object ? (path.find(object)[0] ?? []) : [];
    if (values.length === 0) return false;
    if (wanted === undefined) return true;
    if (typeof values[0] === 'object' && values[0] !== null) {
      throw new CliError('jsonpath leads to a nested object or list which is not supported');
    }
    return String(values[0]) === wanted;
  };
}

async function waitForCreation(k: Invocation, timeoutMs: number): Promise<void> {
  if (hasFiles(k)) return;
  const selector = k.flags.get('selector');
  const wanted = await readWanted(k.finder, k.args, { allowAll: true, ...(selector ? { selector } : {}) });
  for (const { resource, name } of wanted) {
    if (name === undefined) continue;
    const watched = { target: targetOf(resource, k.namespace), name };
    const text = `timed out waiting for the condition on ${resource.resource}/${name}`;
    await watchUntil(k, watched, timeoutMs, (object) => object !== undefined, text);
  }
}
