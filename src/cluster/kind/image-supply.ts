import type { Lifecycle } from '#base/lifecycle.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { Informer } from '#kube/client/informer.ts';
import type { Engine } from './engine.ts';
import { putImages } from './node-images.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' } as const;

/**
 * Puts images into a cluster's nodes as pods ask for them, where the Engine has them and `may` lends them: a node's own attempt to fetch one fails,
 * because its network has no way out, and its next one finds it there. Until `life` ends.
 */
export function supplyImages(
  engine: Engine,
  nodes: string[],
  admin: KubeClient,
  may: (reference: string) => boolean,
  life: Lifecycle,
): void {
  const asked = new Set<string>();
  const under = new Set<string>();
  const put = async (image: string) => {
    asked.add(image);
    under.add(image);
    try {
      await Promise.all(nodes.map((node) => putImages(engine, node, { needed: [], useful: [image] }, life.signal)));
    } finally {
      under.delete(image);
    }
  };
  const pods = new Informer(admin, PODS);
  life.add(() => pods.stop());
  pods.onChange(({ type, object }) => {
    if (type === 'delete') return;
    // What could not be had may have been loaded into the Engine meanwhile.
    const again = wanting(object);
    for (const image of imagesOf(object))
      if (may(image) && !under.has(image) && (!asked.has(image) || again.has(image))) put(image).catch(() => {});
  });
  void pods.start();
}

type Container = { image?: string; state?: { waiting?: { reason?: string } } };

function imagesOf({ spec }: KubeObject): string[] {
  const lists = [spec?.initContainers, spec?.containers, spec?.ephemeralContainers] as (Container[] | undefined)[];
  return lists.flatMap((list) => (list ?? []).flatMap(({ image }) => (image ? [image] : [])));
}

/** Images that a pod waits for in vain. */
function wanting({ spec, status }: KubeObject): Set<string> {
  const named = new Map<string, string>();
  for (const list of [spec?.initContainers, spec?.containers, spec?.ephemeralContainers])
    for (const { name, image } of (list ?? []) as { name: string; image: string }[]) named.set(name, image);
  const states = [status?.initContainerStatuses, status?.containerStatuses, status?.ephemeralContainerStatuses] as (
    | (Container & { name: string })[]
    | undefined
  )[];
  const waiting = states
    .flatMap((list) => list ?? [])
    .filter(({ state }) => /^(ErrImagePull|ImagePullBackOff)$/.test(state?.waiting?.reason ?? ''));
  return new Set(waiting.flatMap(({ name }) => named.get(name) ?? []));
}
