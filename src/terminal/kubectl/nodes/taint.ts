import type { KubeObject } from '#kube/api/types.ts';
import { dryRunOf, printChanged, writeOptions } from '../changed.ts';
import { CliError, usageError } from '../errors.ts';
import { fetchItems, forEachItem, type Item, itemTarget } from '../targets.ts';
import type { Invocation } from '../verb.ts';

interface Taint {
  key: string;
  value?: string;
  effect?: string;
  timeAdded?: string;
}
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export async function taint(k: Invocation): Promise<void> {
  const at = k.args.findIndex((arg) => arg.includes('=') || arg.includes(':') || arg.endsWith('-'));
  const resources = at < 0 ? k.args : k.args.slice(0, at);
  const changes = at < 0 ? [] : k.args.slice(at);
  if (resources.length < 1) throw new CliError('one or more resources must be specified as <resource> <name>');
  if (changes.length === 0) throw new CliError('at least one taint update is required');
  const { add, remove } = readTaints(changes);
  if (!/^(no|nodes?)$/i.test(resources[0]!.split('/')[0]!)) {
    throw new CliError(`invalid resource type ${resources[0]}, only node types are supported`);
  }
  const selector = k.flags.get('selector');
  const all = k.flags.bool('all');
  if (resources.length < 2 && !selector && !all)
    throw new CliError("at least one resource name must be specified since 'all' parameter is not set");
  const { items, errors } = await fetchItems(k, { args: resources, ...(selector ? { selector } : {}), allowAll: all });
  await forEachItem(items, errors, (item) => taintOne(k, item, add, remove));
}

function readTaints(changes: string[]): { add: Taint[]; remove: Taint[] } {
  const add: Taint[] = [];
  const remove: Taint[] = [];
  for (const change of changes) {
    const isRemoval = change.endsWith('-');
    const text = isRemoval ? change.slice(0, -1) : change;
    const [pair = '', effect, ...rest] = text.split(':');
    const [key = '', value] = pair.split('=');
    if (rest.length > 0) throw usageError(['taint'], `invalid taint spec: ${change}`);
    if (effect !== undefined && !EFFECTS.includes(effect)) {
      throw usageError(['taint'], `invalid taint effect: ${effect}, unsupported taint effect`);
    }
    if (isRemoval) remove.push({ key, ...(effect === undefined ? {} : { effect }) });
    else if (effect === undefined) throw usageError(['taint'], `invalid taint spec: ${change}`);
    else add.push({ key, ...(value ? { value } : {}), effect });
  }
  return { add, remove };
}

const isSame = (a: Taint, b: Taint): boolean => a.key === b.key && (b.effect === undefined || a.effect === b.effect);

async function taintOne(k: Invocation, item: Item, add: Taint[], remove: Taint[]): Promise<void> {
  const { object } = item;
  const before: Taint[] = object['spec']?.taints ?? [];
  if (!k.flags.bool('overwrite') && add.some((each) => before.some((old) => isSame(old, each)))) {
    throw new CliError(
      `node ${object.metadata.name} already has ${JSON.stringify(add.filter((each) => before.some((old) => isSame(old, each))).map(({ key }) => key)).replaceAll(/[[\]"]/g, '')} taint(s) with same effect(s) and --overwrite is false`.replace(
        /has .* taint/,
        'has a taint',
      ),
    );
  }
  for (const each of remove) {
    if (!before.some((old) => isSame(old, each))) {
      throw new CliError(
        `taint ${JSON.stringify(each.effect === undefined ? each.key : `${each.key}:${each.effect}`)} not found`,
      );
    }
  }
  const replaced = before.some((old) => add.some((each) => isSame(old, each)));
  const kept = before.filter((old) => ![...add, ...remove].some((each) => isSame(old, each)));
  const taints = [...add, ...kept];
  const body = { spec: { taints: taints.length > 0 ? taints : null } };
  const result: KubeObject =
    dryRunOf(k) === 'client'
      ? object
      : await k.client.patch(itemTarget(item), object.metadata.name!, 'merge', body, writeOptions(k, 'kubectl-taint'));
  const operation = replaced ? 'modified' : add.length > 0 ? 'tainted' : 'untainted';
  await printChanged(k, result, remove.length > 0 && add.length > 0 ? 'modified' : operation);
}
