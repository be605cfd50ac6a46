import { matchesSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, controllerOf, isReady, keyOf, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';

/** Says how many pods of a PodDisruptionBudget may go. Source: pkg/controller/disruption. */
export function startBudgets(context: ControllerContext): WorkQueue {
  const budgets = context.informer('budgets');
  const pods = context.informer('pods');
  const queue = new WorkQueue(context.clock, (key) => reconcile(key));
  budgets.onChange(({ object }) => queue.add(keyOf(object)));
  pods.onChange(({ object, old }) => {
    for (const budget of budgets.byIndex('namespace', object.metadata.namespace!))
      if (selects(budget, object) || (old && selects(budget, old))) queue.add(keyOf(budget));
  });
  for (const kind of ['deployments', 'replicasets', 'statefulsets'] as const) {
    context.informer(kind).onChange(({ object }) => {
      for (const budget of budgets.byIndex('namespace', object.metadata.namespace!)) queue.add(keyOf(budget));
    });
  }

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const budget = budgets.get(namespace, name);
    if (!budget) return;
    const own = pods
      .byIndex('namespace', namespace)
      .filter((pod) => selects(budget, pod) && !['Succeeded', 'Failed'].includes(pod.status?.phase));
    const healthy = own.filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length;
    const { minAvailable, maxUnavailable } = budget.spec;
    const scale = expectedScale(own);
    // A whole number of pods that must stay does not need to know how many there should be.
    const expected = typeof minAvailable === 'number' ? own.length : scale;
    let desired = 0;
    if (minAvailable !== undefined) desired = portion(minAvailable, expected);
    else if (maxUnavailable !== undefined) desired = Math.max(0, expected - portion(maxUnavailable, expected));
    const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
    const before = budget.status?.conditions?.[0];
    const state = allowed > 0 ? 'True' : 'False';
    const condition = {
      type: 'DisruptionAllowed',
      status: state,
      observedGeneration: budget.metadata.generation,
      lastTransitionTime: before?.status === state ? before.lastTransitionTime : context.now(),
      reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
      message: '',
    };
    await context.putStatus('budgets', budget, {
      observedGeneration: budget.metadata.generation,
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      conditions: [condition],
    });
  }

  /** How many pods their controllers ask for; pods without one count for themselves. */
  function expectedScale(own: KubeObject[]): number {
    const seen = new Set<string>();
    let sum = 0;
    for (const pod of own) {
      const owner = controllerOf(pod.metadata.ownerReferences);
      if (!owner) {
        sum++;
        continue;
      }
      const namespace = pod.metadata.namespace!;
      let holder =
        owner.kind === 'ReplicaSet'
          ? context.informer('replicasets').get(namespace, owner.name)
          : owner.kind === 'StatefulSet'
            ? context.informer('statefulsets').get(namespace, owner.name)
            : undefined;
      const above = controllerOf(holder?.metadata.ownerReferences);
      if (above?.kind === 'Deployment') holder = context.informer('deployments').get(namespace, above.name) ?? holder;
      if (!holder) {
        sum++;
        continue;
      }
      if (seen.has(holder.metadata.uid!)) continue;
      seen.add(holder.metadata.uid!);
      sum += holder.spec.replicas ?? 1;
    }
    return sum;
  }
  return queue;
}

const selects = (budget: KubeObject, pod: KubeObject): boolean =>
  budget.spec.selector !== undefined && matchesSelector(budget.spec.selector, pod.metadata.labels);

/** A number, or a share of the pods rounded up. */
function portion(value: number | string, of: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) / 100) * of);
}
