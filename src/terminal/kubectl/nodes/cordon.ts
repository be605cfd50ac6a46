import { dryRunOf, printChanged, writeOptions } from '../changed.ts';
import { CliError, usageError } from '../errors.ts';
import { fetchItems, forEachItem, type Item, itemTarget } from '../targets.ts';
import type { Invocation } from '../verb.ts';

export const cordon = (k: Invocation): Promise<void> => setAll(k, true);
export const uncordon = (k: Invocation): Promise<void> => setAll(k, false);

async function setAll(k: Invocation, closed: boolean): Promise<void> {
  const { items, errors } = await nodesMeant(k);
  await forEachItem(items, errors, (item) => setSchedulable(k, item, closed));
}

/** The nodes that names or a selector mean. */
export async function nodesMeant(k: Invocation): Promise<{ items: Item[]; errors: unknown[] }> {
  const selector = k.flags.get('selector');
  if (k.args.length > 0 && selector)
    throw usageError(k.path, 'error: cannot specify both a node name and a --selector option');
  if (k.args.length === 0 && !selector) throw usageError(k.path, `USAGE: ${k.path[0]} NODE [flags]`);
  return fetchItems(k, { args: ['nodes', ...k.args], ...(selector ? { selector } : {}), allowAll: selector !== '' });
}

/** Closes or opens a node for new pods, and says what was done. */
export async function setSchedulable(k: Invocation, item: Item, closed: boolean): Promise<void> {
  const words = closed ? 'cordoned' : 'uncordoned';
  const { object } = item;
  if (Boolean(object['spec']?.unschedulable) === closed) return printChanged(k, object, `already ${words}`);
  if (dryRunOf(k) !== 'client') {
    const body = { spec: { unschedulable: closed ? true : null } };
    await k.client.patch(itemTarget(item), object.metadata.name!, 'strategic', body, writeOptions(k, 'kubectl-cordon'));
  }
  await printChanged(k, object, words);
}

export const refuseNoNode = (name: string): CliError => new CliError(`node ${JSON.stringify(name)} not found`);
