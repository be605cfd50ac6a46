import type { KubeObject } from '#kube/api/types.ts';
import type { Target } from '#kube/client/client.ts';
import type { Store } from '#kube/store/store.ts';
import { type ControllerContext, ignoreGone } from './context.ts';
import { WorkQueue } from './queue.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

interface Known {
  target: Target;
  object: KubeObject;
}

/**
 * Removes what its owners left behind, and carries out foreground and orphan deletion. It sees every kind, so it is told
 * of changes by the store itself instead of holding an informer a kind. Source: pkg/controller/garbagecollector.
 */
export function startGarbageCollector(
  context: ControllerContext,
  store: Store,
  targetOf: (kind: string) => Target | undefined,
): WorkQueue & { stop(): void } {
  const byUid = new Map<string, Known>();
  const dependents = new Map<string, Set<string>>();
  const queue = new WorkQueue(context.clock, (uid) => reconcile(uid)) as WorkQueue & { stop(): void };

  const add = (kind: string, object: KubeObject) => {
    const target = targetOf(kind);
    const { uid, ownerReferences, namespace, deletionTimestamp, finalizers } = object.metadata;
    if (!target || !uid) return;
    byUid.set(uid, { target: { ...target, ...(namespace ? { namespace } : {}) }, object });
    for (const owner of ownerReferences ?? []) {
      const set = dependents.get(owner.uid);
      if (set) set.add(uid);
      else dependents.set(owner.uid, new Set([uid]));
    }
    if (ownerReferences?.length || (deletionTimestamp && finalizers?.some((f) => f === FOREGROUND || f === ORPHAN)))
      queue.add(uid);
  };
  const remove = (object: KubeObject) => {
    const { uid, ownerReferences } = object.metadata;
    byUid.delete(uid!);
    for (const owner of ownerReferences ?? []) {
      dependents.get(owner.uid)?.delete(uid!);
      // An owner in foreground deletion waits for this.
      if (byUid.get(owner.uid)?.object.metadata.deletionTimestamp) queue.add(owner.uid);
    }
    for (const dependent of dependents.get(uid!) ?? []) queue.add(dependent);
    if (!dependents.get(uid!)?.size) dependents.delete(uid!);
  };

  const watched = new Set<string>();
  const stops: (() => void)[] = [];
  const follow = () => {
    for (const kind of store.kinds()) {
      if (watched.has(kind) || kind === '/events') continue;
      watched.add(kind);
      for (const object of store.list(kind)) add(kind, object);
      stops.push(store.watch(kind, ({ type, object }) => (type === 'DELETED' ? remove(object) : add(kind, object))));
    }
  };
  let known = 0;
  stops.push(
    store.onAnyChange(() => {
      const { length } = store.kinds();
      if (length !== known) {
        known = length;
        follow();
      }
    }),
  );
  follow();

  async function reconcile(uid: string): Promise<void> {
    const entry = byUid.get(uid);
    if (!entry) return;
    const { target, object } = entry;
    const { metadata } = object;
    if (metadata.deletionTimestamp) {
      if (metadata.finalizers?.includes(ORPHAN)) {
        for (const dependent of dependents.get(uid) ?? []) await dropOwner(byUid.get(dependent), uid);
        await dropFinalizer(entry, ORPHAN);
      } else if (metadata.finalizers?.includes(FOREGROUND)) {
        const waiting = [...(dependents.get(uid) ?? [])]
          .map((id) => byUid.get(id))
          .filter((known): known is Known => known !== undefined);
        for (const dependent of waiting) {
          if (!dependent.object.metadata.deletionTimestamp) {
            await context.client
              .delete(dependent.target, dependent.object.metadata.name!, { propagationPolicy: 'Foreground' })
              .catch(ignoreGone);
          }
        }
        const blocking = waiting.filter(({ object: d }) =>
          d.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion),
        );
        if (blocking.length === 0) await dropFinalizer(entry, FOREGROUND);
      }
      return;
    }
    const owners = metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const gone = owners.filter((owner) => !byUid.has(owner.uid));
    if (gone.length === owners.length) {
      await context.client
        .delete(target, metadata.name!, { propagationPolicy: 'Background', preconditions: { uid } })
        .catch(ignoreGone);
    } else if (gone.length > 0) {
      for (const owner of gone) await dropOwner(entry, owner.uid);
    }
  }

  async function dropOwner(entry: Known | undefined, owner: string): Promise<void> {
    if (!entry) return;
    const left = (entry.object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner);
    await context.client
      .patch(entry.target, entry.object.metadata.name!, 'merge', {
        metadata: { ownerReferences: left.length > 0 ? left : null },
      })
      .catch(ignoreGone);
  }

  async function dropFinalizer(entry: Known, name: string): Promise<void> {
    const left = (entry.object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== name);
    await context.client
      .patch(entry.target, entry.object.metadata.name!, 'merge', {
        metadata: { finalizers: left.length > 0 ? left : null },
      })
      .catch(ignoreGone);
  }

  queue.stop = () => {
    for (const stop of stops) stop();
  };
  return queue;
}
