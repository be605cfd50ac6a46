import { ownedBy } from '#kube/api/owner.ts';
import { matchesSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import {
  type ControllerContext,
  conditionOf,
  controllerOf,
  ignoreGone,
  isActive,
  isAvailable,
  isReady,
  keyOf,
  MANAGER,
  splitKey,
} from './context.ts';
import { WorkQueue } from './queue.ts';

/** At most this many pods are made or removed at once. */
const BURST = 500;
/** A creation the cache has not shown after this long is no longer waited for. */
const EXPECTATION_MS = 5_000;

/** Keeps as many pods as a ReplicaSet asks for. Source: pkg/controller/replicaset. */
export function startReplicaSets(context: ControllerContext): WorkQueue {
  const sets = context.informer('replicasets');
  const pods = context.informer('pods');
  const expected = new Map<string, { names: Set<string>; until: number }>();
  const queue = new WorkQueue(context.clock, (key) => reconcile(key));
  sets.onChange(({ object }) => queue.add(keyOf(object)));
  pods.onChange(({ type, object }) => {
    const owner = controllerOf(object.metadata.ownerReferences);
    if (owner?.kind === 'ReplicaSet') {
      const key = `${object.metadata.namespace}/${owner.name}`;
      if (type === 'delete') expected.get(key)?.names.delete(`-${object.metadata.name}`);
      else expected.get(key)?.names.delete(`+${object.metadata.name}`);
      queue.add(key);
    } else if (!owner && type !== 'delete') {
      // An orphan may be adopted by the set that selects it.
      for (const set of sets.byIndex('namespace', object.metadata.namespace!))
        if (matchesSelector(set.spec.selector, object.metadata.labels)) queue.add(keyOf(set));
    }
  });

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const set = sets.get(namespace, name);
    if (!set) {
      expected.delete(key);
      return;
    }
    const own = await claimPods(context, set);
    const active = own.filter(isActive);
    const waiting = expected.get(key);
    const settled = !waiting || waiting.names.size === 0 || waiting.until < context.clock.now();
    let failure: Error | undefined;
    if (settled && !set.metadata.deletionTimestamp)
      await scale(set, active).catch((error: Error) => {
        failure = error;
      });
    await writeStatus(set, active, failure);
    // Tried again, with growing pauses.
    if (failure) throw failure;
  }

  async function scale(set: KubeObject, active: KubeObject[]): Promise<void> {
    const wanted = set.spec.replicas ?? 1;
    const names = new Set<string>();
    expected.set(keyOf(set), { names, until: context.clock.now() + EXPECTATION_MS });
    if (active.length < wanted) {
      await Promise.all(
        Array.from({ length: Math.min(BURST, wanted - active.length) }, () =>
          createPod(context, set, 'ReplicaSet', names),
        ),
      );
    } else if (active.length > wanted) {
      const spare = [...active].sort(byExpendability).slice(0, Math.min(BURST, active.length - wanted));
      for (const pod of spare) names.add(`-${pod.metadata.name}`);
      await Promise.all(
        spare.map(async (pod) => {
          await context.remove('pods', pod);
          context.event(
            set,
            'Normal',
            'SuccessfulDelete',
            `Deleted pod: ${pod.metadata.name}`,
            'replicaset-controller',
          );
        }),
      );
      // A pod that is going stays in the cache for its grace; being marked is what was waited for.
      names.clear();
    }
  }

  async function writeStatus(set: KubeObject, active: KubeObject[], failure: Error | undefined): Promise<void> {
    const { minReadySeconds = 0, template } = set.spec;
    const now = context.clock.now();
    const labels = template.metadata?.labels ?? {};
    const fully = active.filter((pod) =>
      Object.entries(labels).every(([label, value]) => pod.metadata.labels?.[label] === value),
    ).length;
    const ready = active.filter(isReady);
    const available = ready.filter((pod) => isAvailable(pod, minReadySeconds, now)).length;
    const terminating = pods
      .byIndex('controller', set.metadata.uid!)
      .filter((pod) => pod.metadata.deletionTimestamp).length;
    const known = conditionOf(set, 'ReplicaFailure');
    const reason = active.length < (set.spec.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete';
    const condition =
      known && known.reason === reason && known.message === failure?.message
        ? known
        : {
            type: 'ReplicaFailure',
            status: 'True',
            lastTransitionTime: context.now(),
            reason,
            message: failure?.message,
          };
    const status = {
      ...(failure ? { conditions: [condition] } : {}),
      replicas: active.length,
      ...(fully ? { fullyLabeledReplicas: fully } : {}),
      ...(ready.length ? { readyReplicas: ready.length } : {}),
      ...(available ? { availableReplicas: available } : {}),
      terminatingReplicas: terminating,
      observedGeneration: set.metadata.generation,
    };
    await context.putStatus('replicasets', set, status).catch(ignoreGone);
    if (minReadySeconds > 0 && ready.length > available) queue.addAfter(keyOf(set), 1_000);
  }
  return queue;
}

/** The pods that a controller owns; orphans that it selects are adopted, pods it no longer selects are let go. */
export async function claimPods(
  context: ControllerContext,
  owner: KubeObject,
  /** A further condition for adopting one. */
  mayAdopt: (pod: KubeObject) => boolean = () => true,
): Promise<KubeObject[]> {
  const pods = context.informer('pods');
  const { selector } = owner.spec;
  const own: KubeObject[] = [];
  for (const pod of pods.byIndex('controller', owner.metadata.uid!)) {
    if (matchesSelector(selector, pod.metadata.labels)) own.push(pod);
    else
      await setOwners(
        context,
        pod,
        (pod.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid),
      );
  }
  if (owner.metadata.deletionTimestamp) return own;
  for (const pod of pods.byIndex('namespace', owner.metadata.namespace!)) {
    if (
      controllerOf(pod.metadata.ownerReferences) ||
      pod.metadata.deletionTimestamp ||
      !matchesSelector(selector, pod.metadata.labels) ||
      !mayAdopt(pod)
    )
      continue;
    await setOwners(context, pod, [...(pod.metadata.ownerReferences ?? []), ownedBy(owner)]);
    own.push(pod);
  }
  return own;
}

async function setOwners(
  context: ControllerContext,
  pod: KubeObject,
  ownerReferences: KubeObject['metadata']['ownerReferences'],
): Promise<void> {
  await context.client
    .patch(
      context.target('pods', pod.metadata.namespace),
      pod.metadata.name!,
      'merge',
      { metadata: { ownerReferences: ownerReferences?.length ? ownerReferences : null, uid: pod.metadata.uid } },
      { fieldManager: MANAGER },
    )
    .catch(ignoreGone);
}

/** Makes a pod from a controller's template and records it. `name` absent: generated. */
export async function createPod(
  context: ControllerContext,
  owner: KubeObject,
  _kind: string,
  created?: Set<string>,
  change?: (pod: KubeObject) => void,
): Promise<KubeObject> {
  const { template } = owner.spec;
  const component = `${owner.kind.toLowerCase()}-controller`;
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace!,
      ...(template.metadata?.labels ? { labels: { ...template.metadata.labels } } : {}),
      ...(template.metadata?.annotations ? { annotations: { ...template.metadata.annotations } } : {}),
      ownerReferences: [ownedBy(owner)],
    },
    spec: structuredClone(template.spec),
  };
  change?.(pod);
  try {
    const made = await context.client.create(context.target('pods', owner.metadata.namespace), pod, {
      fieldManager: MANAGER,
    });
    created?.add(`+${made.metadata.name}`);
    if (context.informer('pods').get(made.metadata.namespace!, made.metadata.name!))
      created?.delete(`+${made.metadata.name}`);
    context.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata.name}`, component);
    return made;
  } catch (error) {
    context.event(owner, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`, component);
    throw error;
  }
}

/** Which pods go first: unscheduled, pending, not ready, the youngest. Source: controller.ActivePodsWithRanks. */
function byExpendability(a: KubeObject, b: KubeObject): number {
  const rank = (pod: KubeObject) => [
    pod.spec.nodeName ? 1 : 0,
    pod.status?.phase === 'Running' ? 1 : 0,
    isReady(pod) ? 1 : 0,
  ];
  const [left, right] = [rank(a), rank(b)];
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return left[i]! - right[i]!;
  const since = (pod: KubeObject) =>
    conditionOf(pod, 'Ready')?.lastTransitionTime ?? pod.metadata.creationTimestamp ?? '';
  return since(b).localeCompare(since(a)) || (b.metadata.name ?? '').localeCompare(a.metadata.name ?? '');
}
