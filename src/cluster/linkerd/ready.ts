import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';

const CRDS: Target = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };

/** Resolves when a namespace has Deployments and all of them have every replica available. */
export const deploymentsAvailable = (client: KubeClient, namespace: string, signal: AbortSignal): Promise<void> =>
  untilHolds(
    client,
    { group: 'apps', version: 'v1', resource: 'deployments', namespace },
    (objects) => objects.length > 0 && objects.every(isAvailable),
    signal,
  );

/** Resolves when the API server serves every one of the named CRDs. */
export const established = (client: KubeClient, names: string[], signal: AbortSignal): Promise<void> =>
  untilHolds(
    client,
    CRDS,
    (objects) => {
      const ready = new Set(objects.filter((crd) => condition(crd, 'Established')).map((crd) => crd.metadata.name));
      return names.every((name) => ready.has(name));
    },
    signal,
  );

export function condition({ status }: KubeObject, type: string): boolean {
  const conditions: { type: string; status: string }[] = status?.conditions ?? [];
  return conditions.some((each) => each.type === type && each.status === 'True');
}

function isAvailable({ spec, status, metadata }: KubeObject): boolean {
  const wanted = spec?.replicas ?? 1;
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) && (status?.availableReplicas ?? 0) >= wanted;
}

/** Watches a kind until `holds` is true of all its objects together. No polling. */
export async function untilHolds(
  client: KubeClient,
  target: Target,
  holds: (objects: KubeObject[]) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const list = await client.list(target, { signal });
    const known = new Map(list.items.map((item) => [item.metadata.uid ?? '', item]));
    if (holds([...known.values()])) return;
    const stop = new AbortController();
    const { resourceVersion } = list.metadata;
    try {
      const watch = client.watch(target, {
        signal: AbortSignal.any([signal, stop.signal]),
        ...(resourceVersion ? { resourceVersion } : {}),
      });
      for await (const event of watch) {
        if (event.type === 'ERROR') break;
        if (event.type === 'DELETED') known.delete(event.object.metadata.uid ?? '');
        else if (event.type !== 'BOOKMARK') known.set(event.object.metadata.uid ?? '', event.object);
        if (holds([...known.values()])) return;
      }
    } finally {
      stop.abort(new DOMException('seen', 'AbortError'));
    }
  }
}
