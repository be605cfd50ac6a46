import { CliError } from '../errors.ts';
import { loadManifests } from '../manifests.ts';
import { containersOf, isMeant, patchItem, podSpecOf } from '../pod-template.ts';
import { fetchItems, forEachItem, hasFiles, type Item } from '../targets.ts';
import type { Invocation } from '../verb.ts';

/** Splits arguments into what is meant and `name=value` changes, as every `set` command reads them. */
export function splitChanges(args: string[], what: string): { resources: string[]; changes: string[] } {
  const resources: string[] = [];
  const changes: string[] = [];
  for (const arg of args) {
    const isChange = arg.includes('=') && !arg.startsWith('=');
    if (isChange) changes.push(arg);
    else if (changes.length > 0) throw new CliError(`all resources must be specified before ${what} changes: ${arg}`);
    else resources.push(arg);
  }
  return { resources, changes };
}

const NONE_GIVEN = 'one or more resources must be specified as <resource> <name> or <resource>/<name>';

/** The objects that a `set` command is about. */
export async function fetchForSet(
  k: Invocation,
  args: string[],
  nothing?: string,
): Promise<{ items: Item[]; errors: unknown[] }> {
  const selector = k.flags.get('selector');
  if (nothing !== undefined && args.length === 0 && !hasFiles(k) && !k.flags.bool('all'))
    throw new CliError(NONE_GIVEN);
  if (k.flags.bool('local')) {
    if (!hasFiles(k)) throw new CliError('one or more files must be specified as -f when --local is set');
    return { items: await loadManifests(k), errors: [] };
  }
  return fetchItems(k, {
    args,
    ...(selector ? { selector } : {}),
    allowAll: k.flags.bool('all'),
    allNamespaces: false,
  });
}

export async function setImage(k: Invocation): Promise<void> {
  const { resources, changes } = splitChanges(k.args, 'image');
  if (resources.length > 0 && changes.length === 0) throw new CliError('at least one image update is required');
  const { items, errors } = await fetchForSet(k, resources);
  await forEachItem(items, errors, (item) =>
    patchItem(k, item, 'image updated', (copy) => {
      const containers = containersOf(podSpecOf(copy));
      for (const change of changes) {
        const equals = change.indexOf('=');
        const [name, image] = [change.slice(0, equals), change.slice(equals + 1)];
        const meant = containers.filter((each) => isMeant(name, each.name));
        if (meant.length === 0) throw new CliError(`unable to find container named ${JSON.stringify(name)}`);
        for (const each of meant) each.image = image;
      }
    }),
  );
}
