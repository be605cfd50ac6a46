import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { describerOf } from './describe/kinds.ts';
import { eventLines, Writer } from './describe/write.ts';
import { CliError, isStatus } from './errors.ts';
import { readWanted } from './resources.ts';
import { fetchItems, hasFiles, type Item, targetOf, throwAll, withKind } from './targets.ts';
import type { Invocation } from './verb.ts';

export async function describe(k: Invocation): Promise<void> {
  if (k.args.length === 0 && !hasFiles(k)) {
    throw new CliError(
      'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.',
    );
  }
  const selector = k.flags.get('selector');
  const { items, errors } = await fetchItems(k, {
    ...(selector ? { selector } : {}),
    allowAll: true,
    allNamespaces: k.flags.bool('all-namespaces'),
  });
  const byName = items.length > 0 || errors.length === 0 || hasFiles(k);
  if (!byName) items.push(...(await byPrefix(k, errors)));
  if (items.length === 0) {
    const where = k.flags.bool('all-namespaces')
      ? 'No resources found'
      : `No resources found in ${k.namespace} namespace.`;
    await k.err(`${where}\n`);
    return;
  }
  const texts: string[] = [];
  for (const item of items) texts.push(await describeItem(k, item));
  await k.out(byName ? texts.join('\n\n') : texts.map((text) => `${text}\n`).join(''));
  throwAll(errors);
}

/** A name that no object has may begin the names of some. */
async function byPrefix(k: Invocation, errors: unknown[]): Promise<Item[]> {
  if (!errors.every((error) => isStatus(error, 'NotFound')) || k.args.length < 1) throwAll(errors);
  const out: Item[] = [];
  for (const { resource, name } of await readWanted(k.finder, k.args, { allowAll: true })) {
    const list = await k.client.list(targetOf(resource, k.namespace));
    for (const object of list.items) {
      if (name !== undefined && object.metadata.name?.startsWith(name)) {
        const namespace = object.metadata.namespace;
        out.push({ object: withKind(object, resource), resource, ...(namespace ? { namespace } : {}) });
      }
    }
  }
  if (out.length === 0) throwAll(errors);
  errors.length = 0;
  return out;
}

async function describeItem(k: Invocation, { object, resource }: Item): Promise<string> {
  const w = new Writer();
  const describer = describerOf(resource.group, object.kind);
  await describer.describe({ w, object, k });
  if (describer.events && k.flags.get('show-events') !== 'false') {
    eventLines(w, await eventsOf(k, object), k.clock.now());
  }
  return w.toString();
}

/** Events about an object, oldest first. */
export async function eventsOf(k: Invocation, object: KubeObject): Promise<KubeObject[]> {
  const { name, namespace, uid } = object.metadata;
  const fields = {
    'involvedObject.name': name,
    'involvedObject.namespace': namespace ?? '',
    'involvedObject.kind': object.kind,
    'involvedObject.uid': uid,
  };
  const target = { group: '', version: 'v1', resource: 'events', ...(namespace ? { namespace } : {}) };
  try {
    const fieldSelector = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const list = await k.client.list(target, { fieldSelector });
    return list.items.sort((a, b) => lastSeen(a).localeCompare(lastSeen(b)));
  } catch (error) {
    if (error instanceof StatusError) return [];
    throw error;
  }
}

const lastSeen = (event: KubeObject): string =>
  event['lastTimestamp'] ?? event['eventTime'] ?? event.metadata.creationTimestamp ?? '';
