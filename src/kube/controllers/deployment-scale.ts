import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, ignoreGone, MANAGER } from './context.ts';
import { byAge, COMPONENT, DESIRED, MAX, sizeOf, surgeOf, total, unavailableOf } from './deployment-sets.ts';

export interface Scaler {
  /** A step of a rolling update. */
  roll(deployment: KubeObject, current: KubeObject, old: KubeObject[]): Promise<void>;
  /** All old pods first, then the new ones. */
  recreate(deployment: KubeObject, current: KubeObject, old: KubeObject[]): Promise<void>;
  /** A changed size, outside of or in the middle of a rollout: each ReplicaSet gets its share of the difference. */
  share(deployment: KubeObject, current: KubeObject | undefined, old: KubeObject[]): Promise<void>;
  /** Records that a ReplicaSet was scaled. */
  tell(deployment: KubeObject, set: KubeObject, from: number, to: number): void;
}

/** How a Deployment sizes its ReplicaSets. Source: pkg/controller/deployment/{rolling,recreate,sync}.go. */
export function createScaler(context: ControllerContext): Scaler {
  async function roll(deployment: KubeObject, current: KubeObject, old: KubeObject[]): Promise<void> {
    const { replicas } = deployment.spec;
    const all = [current, ...old];
    const size = sizeOf(current);
    if (size > replicas) {
      await resize(deployment, current, replicas);
      return;
    }
    if (size < replicas) {
      const room = replicas + surgeOf(deployment) - total(all);
      const next = size + Math.max(0, Math.min(room, replicas - size));
      if (next !== size) {
        await resize(deployment, current, next);
        return;
      }
    }
    let excess = total(old);
    if (excess === 0) return;
    const minAvailable = replicas - unavailableOf(deployment);
    const newUnavailable = size - (current.status?.availableReplicas ?? 0);
    const spare = total(all) - minAvailable - newUnavailable;
    if (spare <= 0) return;
    // Pods that serve nobody go first; then as many of the others as can be missed.
    let mayGo = spare;
    for (const set of [...old].sort(byAge)) {
      const unhealthy = sizeOf(set) - (set.status?.availableReplicas ?? 0);
      const cut = Math.min(unhealthy, mayGo);
      if (cut <= 0 || sizeOf(set) === 0) continue;
      await resize(deployment, set, sizeOf(set) - cut);
      mayGo -= cut;
      excess -= cut;
      if (mayGo <= 0) return;
    }
    const available = all.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
    let healthy = Math.min(available - minAvailable, mayGo);
    for (const set of [...old].sort(byAge)) {
      if (healthy <= 0) return;
      const now = context.informer('replicasets').get(set.metadata.namespace!, set.metadata.name!) ?? set;
      const cut = Math.min(sizeOf(now), healthy);
      if (cut <= 0) continue;
      await resize(deployment, now, sizeOf(now) - cut);
      healthy -= cut;
    }
  }

  async function recreate(deployment: KubeObject, current: KubeObject, old: KubeObject[]): Promise<void> {
    for (const set of old) if (sizeOf(set) > 0) await resize(deployment, set, 0);
    const lingering = old.some((set) =>
      context
        .informer('pods')
        .byIndex('controller', set.metadata.uid!)
        .some((pod) => !['Succeeded', 'Failed'].includes(pod.status?.phase)),
    );
    if (!lingering && sizeOf(current) !== deployment.spec.replicas)
      await resize(deployment, current, deployment.spec.replicas);
  }

  async function share(deployment: KubeObject, current: KubeObject | undefined, old: KubeObject[]): Promise<void> {
    const { replicas, strategy } = deployment.spec;
    const all = current ? [current, ...old] : old;
    const active = all.filter((set) => sizeOf(set) > 0);
    if (active.length <= 1) {
      const only = active[0] ?? current ?? [...old].sort(byAge).at(-1);
      if (only) await resize(deployment, only, replicas);
      return;
    }
    const isSaturated =
      current !== undefined &&
      sizeOf(current) === replicas &&
      current.metadata.annotations?.[DESIRED] === String(replicas) &&
      current.status?.availableReplicas === replicas;
    if (isSaturated) {
      for (const set of old) if (sizeOf(set) > 0) await resize(deployment, set, 0);
      return;
    }
    if (strategy.type === 'Recreate') return;
    const allowed = replicas > 0 ? replicas + surgeOf(deployment) : 0;
    const difference = allowed - total(active);
    // The largest first; among equals the newest grows first and the oldest shrinks first.
    const sorted = [...active].sort((a, b) => sizeOf(b) - sizeOf(a) || (difference > 0 ? byAge(b, a) : byAge(a, b)));
    let given = 0;
    const sizes = sorted.map((set) => {
      const part = proportion(deployment, set, difference, given);
      given += part;
      return sizeOf(set) + part;
    });
    if (difference !== 0) sizes[0] = Math.max(0, sizes[0]! + difference - given);
    for (const [i, set] of sorted.entries()) await resize(deployment, set, sizes[i]!);
  }

  /** A ReplicaSet's part of a difference, of which some is given already. */
  function proportion(deployment: KubeObject, set: KubeObject, difference: number, given: number): number {
    if (difference === 0 || difference === given || sizeOf(set) === 0) return 0;
    const left = difference - given;
    const { replicas } = deployment.spec;
    const before = Number(set.metadata.annotations?.[MAX] ?? deployment.status?.replicas ?? 0);
    const fraction =
      replicas === 0
        ? -sizeOf(set)
        : Math.round((sizeOf(set) * (replicas + surgeOf(deployment))) / (before || 1)) - sizeOf(set);
    return difference > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
  }

  async function resize(deployment: KubeObject, set: KubeObject, replicas: number): Promise<void> {
    const before = sizeOf(set);
    const annotations = {
      [DESIRED]: String(deployment.spec.replicas),
      [MAX]: String(deployment.spec.replicas + surgeOf(deployment)),
    };
    const isMarked = Object.entries(annotations).every(([name, value]) => set.metadata.annotations?.[name] === value);
    if (before === replicas && isMarked) return;
    await context.client
      .patch(
        context.target('replicasets', set.metadata.namespace),
        set.metadata.name!,
        'merge',
        { metadata: { annotations, resourceVersion: set.metadata.resourceVersion }, spec: { replicas } },
        { fieldManager: MANAGER },
      )
      .catch(ignoreGone);
    if (before !== replicas) tell(deployment, set, before, replicas);
  }

  function tell(deployment: KubeObject, set: KubeObject, from: number, to: number): void {
    const word = to > from ? 'up' : 'down';
    context.event(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${word} replica set ${set.metadata.name} from ${from} to ${to}`,
      COMPONENT,
    );
  }

  return { roll, recreate, share, tell };
}
