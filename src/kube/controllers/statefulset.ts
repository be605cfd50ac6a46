import { ownedBy } from '#kube/api/owner.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, controllerOf, isAvailable, isReady, keyOf, MANAGER, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';
import { claimPods } from './replicaset.ts';
import { atRevision, REVISION_HASH, type Revisions, syncRevisions, trimRevisions } from './revisions.ts';
import { COMPONENT, claimsGoWith, ensureClaim } from './stateful-claims.ts';

interface Sync {
  set: KubeObject;
  revisions: Revisions;
  /** The revision that pods had before this rollout. */
  current: KubeObject;
  first: number;
  last: number;
  /** Pods by ordinal. */
  pods: Map<number, KubeObject>;
}

/** Keeps pods with lasting names, one after the other. Source: pkg/controller/statefulset. */
export function startStatefulSets(context: ControllerContext): WorkQueue {
  const sets = context.informer('statefulsets');
  const pods = context.informer('pods');
  const revisions = context.informer('controllerrevisions');
  const queue = new WorkQueue(context.clock, (key) => reconcile(key));
  sets.onChange(({ object }) => queue.add(keyOf(object)));
  revisions.onChange(({ object }) => wakeOwner(object));
  pods.onChange(({ type, object }) => {
    if (wakeOwner(object) || type === 'delete') return;
    for (const set of sets.byIndex('namespace', object.metadata.namespace!))
      if (ordinalOf(set, object.metadata.name!) !== undefined) queue.add(keyOf(set));
  });

  function wakeOwner(object: KubeObject): boolean {
    const owner = controllerOf(object.metadata.ownerReferences);
    if (owner?.kind === 'StatefulSet') queue.add(`${object.metadata.namespace}/${owner.name}`);
    return owner !== undefined;
  }

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const set = sets.get(namespace, name);
    if (!set) return;
    const own = await claimPods(context, set, (pod) => ordinalOf(set, pod.metadata.name!) !== undefined);
    const made = await syncRevisions(context, set);
    const first = set.spec.ordinals?.start ?? 0;
    const sync: Sync = {
      set,
      revisions: made,
      current: made.all.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? made.update,
      first,
      last: first + set.spec.replicas - 1,
      pods: new Map(own.map((pod) => [ordinalOf(set, pod.metadata.name!)!, pod])),
    };
    if (!set.metadata.deletionTimestamp) await advance(sync);
    await writeStatus(sync, own);
    const live = new Set(own.map(({ metadata }) => metadata.labels?.[REVISION_HASH]));
    live.add(made.update.metadata.name);
    live.add(set.status?.currentRevision);
    await trimRevisions(context, set, made, ({ metadata }) => live.has(metadata.name));
  }

  /** Makes the next steps that the order allows. */
  async function advance(sync: Sync): Promise<void> {
    const { set, pods: byOrdinal, first, last } = sync;
    const inOrder = set.spec.podManagementPolicy !== 'Parallel';
    for (let ordinal = first; ordinal <= last; ordinal++) {
      const pod = byOrdinal.get(ordinal);
      if (!pod) {
        await createOrdinal(sync, ordinal);
        if (inOrder) return;
        continue;
      }
      const isOver = ['Failed', 'Succeeded'].includes(pod.status?.phase);
      if (isOver && !pod.metadata.deletionTimestamp) {
        context.event(
          set,
          'Normal',
          'RecreatingTerminatedPod',
          `StatefulSet ${set.metadata.namespace}/${set.metadata.name} is recreating terminated Pod ${pod.metadata.name}`,
          COMPONENT,
        );
        await removePod(set, pod);
        if (inOrder) return;
        continue;
      }
      if (inOrder && !isSettled(set, pod)) return;
    }
    // The highest goes first.
    const condemned = [...byOrdinal].filter(([ordinal]) => ordinal < first || ordinal > last).sort(([a], [b]) => b - a);
    for (const [, pod] of condemned) {
      if (!pod.metadata.deletionTimestamp) {
        await claimsGoWith(context, set, pod);
        await removePod(set, pod);
      }
      if (inOrder) return;
    }
    if (set.spec.updateStrategy?.type === 'OnDelete') return;
    const from = Math.max(first, set.spec.updateStrategy?.rollingUpdate?.partition ?? 0);
    for (let ordinal = last; ordinal >= from; ordinal--) {
      const pod = byOrdinal.get(ordinal);
      if (!pod) return;
      if (pod.metadata.labels?.[REVISION_HASH] !== sync.revisions.update.metadata.name) {
        if (!pod.metadata.deletionTimestamp) await removePod(set, pod);
        return;
      }
      if (!isSettled(set, pod)) return;
    }
  }

  const isSettled = (set: KubeObject, pod: KubeObject): boolean =>
    !pod.metadata.deletionTimestamp && isAvailable(pod, set.spec.minReadySeconds ?? 0, context.clock.now());

  async function removePod(set: KubeObject, pod: KubeObject): Promise<void> {
    await context.remove('pods', pod);
    context.event(
      set,
      'Normal',
      'SuccessfulDelete',
      `Delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`,
      COMPONENT,
    );
  }

  async function createOrdinal({ set, revisions: made, current }: Sync, ordinal: number): Promise<void> {
    const { namespace } = set.metadata;
    const name = `${set.metadata.name}-${ordinal}`;
    const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
    const keepsOld = set.spec.updateStrategy?.type !== 'OnDelete' && ordinal < partition;
    const revision = keepsOld ? current : made.update;
    const { template } = atRevision(set, revision).spec;
    const claims = ((set.spec.volumeClaimTemplates ?? []) as KubeObject[]).map((claim) => ({
      volume: claim.metadata.name!,
      name: `${claim.metadata.name}-${name}`,
      claim,
    }));
    for (const { name: claimName, claim } of claims) await ensureClaim(context, set, name, claimName, claim);
    const replaced = new Set(claims.map(({ volume }) => volume));
    const volumes = [
      ...((template.spec.volumes ?? []) as { name: string }[]).filter((volume) => !replaced.has(volume.name)),
      ...claims.map(({ volume, name: claimName }) => ({
        name: volume,
        persistentVolumeClaim: { claimName },
      })),
    ];
    const pod: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        generateName: `${set.metadata.name}-`,
        namespace: namespace!,
        labels: {
          ...template.metadata?.labels,
          'apps.kubernetes.io/pod-index': String(ordinal),
          [REVISION_HASH]: revision.metadata.name!,
          'statefulset.kubernetes.io/pod-name': name,
        },
        ...(template.metadata?.annotations ? { annotations: { ...template.metadata.annotations } } : {}),
        ownerReferences: [ownedBy(set)],
      },
      spec: {
        ...structuredClone(template.spec),
        hostname: name,
        ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
        ...(volumes.length > 0 ? { volumes } : {}),
      },
    };
    const words = `Create Pod ${name} in StatefulSet ${set.metadata.name}`;
    try {
      await context.client.create(context.target('pods', namespace), pod, { fieldManager: MANAGER });
      context.event(set, 'Normal', 'SuccessfulCreate', `${words} successful`, COMPONENT);
    } catch (error) {
      // The cache may not have shown it yet.
      if ((error as { reason?: string }).reason === 'AlreadyExists') return;
      context.event(set, 'Warning', 'FailedCreate', `${words} failed error: ${(error as Error).message}`, COMPONENT);
      throw error;
    }
  }

  async function writeStatus(sync: Sync, own: KubeObject[]): Promise<void> {
    const { set, revisions: made, current } = sync;
    const alive = own.filter((pod) => pod.status?.phase);
    const isOf = (revision: KubeObject) => (pod: KubeObject) =>
      pod.metadata.labels?.[REVISION_HASH] === revision.metadata.name && !pod.metadata.deletionTimestamp;
    const ready = alive.filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length;
    const available = alive.filter((pod) => isSettled(set, pod)).length;
    const updated = alive.filter(isOf(made.update)).length;
    const isRolling = set.spec.updateStrategy?.type !== 'OnDelete';
    const isComplete = isRolling && updated === alive.length && ready === alive.length;
    const currentRevision = isComplete ? made.update : current;
    const currentReplicas = alive.filter(isOf(currentRevision)).length;
    const status = {
      observedGeneration: set.metadata.generation,
      replicas: alive.length,
      ...(ready ? { readyReplicas: ready } : {}),
      ...(currentReplicas ? { currentReplicas } : {}),
      ...(updated ? { updatedReplicas: updated } : {}),
      currentRevision: currentRevision.metadata.name,
      updateRevision: made.update.metadata.name,
      collisionCount: 0,
      availableReplicas: available,
    };
    await context.putStatus('statefulsets', set, status);
    const { minReadySeconds = 0 } = set.spec;
    if (minReadySeconds > 0 && ready > available) queue.addAfter(keyOf(set), 1_000);
  }

  return queue;
}

/** The number at the end of a pod's name, when it is one of this set's names. */
function ordinalOf(set: KubeObject, podName: string): number | undefined {
  const prefix = `${set.metadata.name}-`;
  if (!podName.startsWith(prefix)) return undefined;
  const rest = podName.slice(prefix.length);
  return /^(0|[1-9]\d*)$/.test(rest) ? Number(rest) : undefined;
}
