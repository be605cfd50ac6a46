import { StatusError } from '#kube/api/status.ts';
import { type ControllerContext, keyOf, MANAGER, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';

const AGAIN_MS = 500;

/** Empties a namespace that is being deleted, then lets it go. Source: pkg/controller/namespace/deletion. */
export function startNamespaces(context: ControllerContext): WorkQueue {
  const namespaces = context.informer('namespaces');
  const queue = new WorkQueue(context.clock, async (key) => {
    const [, name] = splitKey(key);
    const namespace = namespaces.get('', name);
    if (!namespace?.metadata.deletionTimestamp || !(namespace.spec?.finalizers ?? []).includes('kubernetes')) return;
    let left = 0;
    for (const resource of await context.client.discover({ fresh: true })) {
      if (!resource.namespaced || !resource.verbs.includes('deletecollection') || !resource.verbs.includes('list'))
        continue;
      if (resource.group === 'events.k8s.io') continue;
      const target = { group: resource.group, version: resource.version, resource: resource.resource, namespace: name };
      const { items } = await context.client.list(target);
      if (items.length === 0) continue;
      await context.client.deleteCollection(target, { propagationPolicy: 'Background' }).catch(ignoreMissing);
      left += (await context.client.list(target)).items.length;
    }
    if (left > 0) {
      queue.addAfter(key, AGAIN_MS);
      return;
    }
    const latest = await context.client.get(context.target('namespaces', undefined), name);
    await context.client.update(
      context.target('namespaces', undefined),
      {
        ...latest,
        spec: { ...latest.spec, finalizers: (latest.spec?.finalizers ?? []).filter((f: string) => f !== 'kubernetes') },
      },
      { subresource: 'finalize', fieldManager: MANAGER },
    );
  });
  namespaces.onChange(({ object }) => object.metadata.deletionTimestamp && queue.add(keyOf(object)));
  return queue;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof StatusError) || ![404, 405].includes(error.code)) throw error;
}
