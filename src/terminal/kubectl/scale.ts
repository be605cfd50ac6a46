import { dryRunOf, printChanged, writeOptions } from './changed.ts';
import { requireFlags } from './create/name.ts';
import { CliError } from './errors.ts';
import { fetchItems, forEachItem, itemTarget } from './targets.ts';
import type { Invocation } from './verb.ts';

export async function scale(k: Invocation): Promise<void> {
  requireFlags(k, 'replicas');
  const replicas = k.flags.int('replicas');
  if (replicas < 0)
    throw new CliError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
  const selector = k.flags.get('selector');
  const { items, errors } = await fetchItems(k, {
    ...(selector ? { selector } : {}),
    allowAll: k.flags.bool('all'),
  });
  if (items.length === 0 && errors.length === 0) throw new CliError('no objects passed to scale');
  const expected = k.flags.int('current-replicas');
  await forEachItem(items, errors, async (item) => {
    const name = item.object.metadata.name!;
    if (expected >= 0) {
      const now = (await k.client.get(itemTarget(item), name, { subresource: 'scale' }))['spec']?.replicas ?? 0;
      if (now !== expected) throw new CliError(`Expected replicas to be ${expected}, was ${now}`);
    }
    if (dryRunOf(k) !== 'client') {
      const body = { spec: { replicas } };
      await k.client.patch(itemTarget(item), name, 'merge', body, {
        ...writeOptions(k, 'kubectl-scale'),
        subresource: 'scale',
      });
    }
    await printChanged(k, item.object, 'scaled');
  });
}
