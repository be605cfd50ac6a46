import { same } from '#kube/api/patch/field-set.ts';
import type { KubeObject } from '#kube/api/types.ts';
import {
  type ControllerContext,
  conditionOf,
  controllerOf,
  ignoreGone,
  isActive,
  keyOf,
  MANAGER,
  ownedBy,
  splitKey,
} from './context.ts';
import { WorkQueue } from './queue.ts';
import { templateHash } from './template-hash.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const MAX = 'deployment.kubernetes.io/max-replicas';
const HASH = 'pod-template-hash';
const COMPONENT = 'deployment-controller';
/** Annotations that belong to one object and are not handed on. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  DESIRED,
  MAX,
  'deprecated.deployment.rollback.to',
]);

/** Rolls Deployments from one ReplicaSet to the next. Source: pkg/controller/deployment. */
export function startDeployments(context: ControllerContext): WorkQueue {
  const deployments = context.informer('deployments');
  const sets = context.informer('replicasets');
  const queue = new WorkQueue(context.clock, (key) => reconcile(key));
  deployments.onChange(({ object }) => queue.add(keyOf(object)));
  sets.onChange(({ object }) => {
    const owner = controllerOf(object.metadata.ownerReferences);
    if (owner?.kind === 'Deployment') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
  context.informer('pods').onChange(({ type, object }) => {
    // With Recreate the next pods wait for the last of the old ones to be gone.
    if (type !== 'delete') return;
    const owner = controllerOf(object.metadata.ownerReferences);
    const set = owner?.kind === 'ReplicaSet' ? sets.get(object.metadata.namespace!, owner.name) : undefined;
    const deployment = controllerOf(set?.metadata.ownerReferences);
    if (deployment) queue.add(`${object.metadata.namespace}/${deployment.name}`);
  });

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const deployment = deployments.get(namespace, name);
    if (!deployment || deployment.metadata.deletionTimestamp) return;
    const own = sets.byIndex('controller', deployment.metadata.uid!);
    const { spec } = deployment;
    const template = withoutHash(spec.template);
    let current = own.filter((set) => same(withoutHash(set.spec.template), template)).sort(byAge)[0];
    if (!spec.paused) current = await ensureCurrent(deployment, own, current);
    const old = own.filter((set) => set.metadata.uid !== current?.metadata.uid);
    if (spec.paused) await scaleInProportion(deployment, current, old);
    else if (spec.strategy.type === 'Recreate') await recreate(deployment, current!, old);
    else await roll(deployment, current!, old);
    const fresh = sets.byIndex('controller', deployment.metadata.uid!);
    await writeStatus(
      deployment,
      current && (fresh.find((set) => set.metadata.uid === current.metadata.uid) ?? current),
      fresh,
    );
    if (!spec.paused) await trimHistory(deployment, fresh, current!);
  }

  /** The ReplicaSet of the present template, made or brought up to the newest revision. */
  async function ensureCurrent(
    deployment: KubeObject,
    own: KubeObject[],
    found: KubeObject | undefined,
  ): Promise<KubeObject> {
    const { spec, metadata } = deployment;
    const highest = Math.max(0, ...own.filter((set) => set !== found).map(revisionOf));
    const revision = found && revisionOf(found) > highest ? revisionOf(found) : highest + 1;
    const annotations = {
      ...Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name))),
      [DESIRED]: String(spec.replicas),
      [MAX]: String(spec.replicas + surgeOf(deployment)),
      [REVISION]: String(revision),
    };
    let current = found;
    if (!current) {
      const hash = templateHash(withoutHash(spec.template), deployment.status?.collisionCount);
      const labels = { ...spec.template.metadata?.labels, [HASH]: hash };
      const initial =
        spec.strategy.type === 'Recreate'
          ? activePods(own).length > 0
            ? 0
            : spec.replicas
          : firstSize(deployment, own);
      current = await context.client.create(
        context.target('replicasets', metadata.namespace),
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          metadata: {
            name: `${metadata.name}-${hash}`,
            namespace: metadata.namespace!,
            labels,
            annotations,
            ownerReferences: [ownedBy(deployment)],
          },
          spec: {
            replicas: initial,
            ...(spec.minReadySeconds ? { minReadySeconds: spec.minReadySeconds } : {}),
            selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [HASH]: hash } },
            template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
          },
        },
        { fieldManager: MANAGER },
      );
      if (initial > 0) scaled(deployment, current, 0, initial);
    } else if (Object.entries(annotations).some(([name, value]) => current!.metadata.annotations?.[name] !== value)) {
      current = await context.client.patch(
        context.target('replicasets', metadata.namespace),
        current.metadata.name!,
        'merge',
        { metadata: { annotations } },
        { fieldManager: MANAGER },
      );
    }
    if (metadata.annotations?.[REVISION] !== String(revision)) {
      await context.client.patch(
        context.target('deployments', metadata.namespace),
        metadata.name!,
        'merge',
        { metadata: { annotations: { [REVISION]: String(revision) } } },
        { fieldManager: MANAGER },
      );
    }
    return current;
  }

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
      const now = sets.get(set.metadata.namespace!, set.metadata.name!) ?? set;
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

  /** A paused Deployment still follows its size: what there is grows or shrinks, the largest set takes the difference. */
  async function scaleInProportion(
    deployment: KubeObject,
    current: KubeObject | undefined,
    old: KubeObject[],
  ): Promise<void> {
    const active = [current, ...old].filter((set): set is KubeObject => set !== undefined && sizeOf(set) > 0);
    const difference = deployment.spec.replicas - total(active);
    if (difference === 0) return;
    const largest = active.sort((a, b) => sizeOf(b) - sizeOf(a))[0] ?? current;
    if (largest) await resize(deployment, largest, Math.max(0, sizeOf(largest) + difference));
  }

  async function resize(deployment: KubeObject, set: KubeObject, replicas: number): Promise<void> {
    const before = sizeOf(set);
    if (before === replicas) return;
    const annotations = {
      [DESIRED]: String(deployment.spec.replicas),
      [MAX]: String(deployment.spec.replicas + surgeOf(deployment)),
    };
    await context.client
      .patch(
        context.target('replicasets', set.metadata.namespace),
        set.metadata.name!,
        'merge',
        { metadata: { annotations, resourceVersion: set.metadata.resourceVersion }, spec: { replicas } },
        { fieldManager: MANAGER },
      )
      .catch(ignoreGone);
    scaled(deployment, set, before, replicas);
  }

  function scaled(deployment: KubeObject, set: KubeObject, from: number, to: number): void {
    const word = to > from ? 'up' : 'down';
    context.event(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${word} replica set ${set.metadata.name} from ${from} to ${to}`,
      COMPONENT,
    );
  }

  const activePods = (own: KubeObject[]): KubeObject[] =>
    own.flatMap((set) => context.informer('pods').byIndex('controller', set.metadata.uid!).filter(isActive));

  function firstSize(deployment: KubeObject, old: KubeObject[]): number {
    const { replicas } = deployment.spec;
    return Math.max(0, Math.min(replicas, replicas + surgeOf(deployment) - total(old)));
  }

  async function writeStatus(
    deployment: KubeObject,
    current: KubeObject | undefined,
    own: KubeObject[],
  ): Promise<void> {
    const sum = (field: string) => own.reduce((n, set) => n + (set.status?.[field] ?? 0), 0);
    const { spec } = deployment;
    const [replicas, ready, available] = [sum('replicas'), sum('readyReplicas'), sum('availableReplicas')];
    const updated = current?.status?.replicas ?? 0;
    const unavailable = Math.max(0, Math.max(total(own), spec.replicas) - available);
    const counts = {
      observedGeneration: deployment.metadata.generation,
      ...(replicas ? { replicas } : {}),
      ...(updated ? { updatedReplicas: updated } : {}),
      ...(ready ? { readyReplicas: ready } : {}),
      ...(available ? { availableReplicas: available } : {}),
      ...(unavailable ? { unavailableReplicas: unavailable } : {}),
      terminatingReplicas: sum('terminatingReplicas'),
    };
    const latest = deployments.get(deployment.metadata.namespace!, deployment.metadata.name!) ?? deployment;
    const complete = updated === spec.replicas && replicas === spec.replicas && available === spec.replicas;
    const conditions = [availability(latest, available), progress(latest, current, complete, counts)].filter(
      (c) => c !== undefined,
    );
    await context.putStatus('deployments', latest, { ...counts, conditions });
  }

  function availability(deployment: KubeObject, available: number) {
    const enough = available >= deployment.spec.replicas - unavailableOf(deployment);
    return condition(
      deployment,
      'Available',
      enough ? 'True' : 'False',
      enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
    );
  }

  function progress(
    deployment: KubeObject,
    current: KubeObject | undefined,
    complete: boolean,
    counts: Record<string, unknown>,
  ) {
    const before = conditionOf(deployment, 'Progressing');
    const { spec, metadata } = deployment;
    if (spec.paused) return condition(deployment, 'Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused');
    const name = current
      ? `ReplicaSet ${JSON.stringify(current.metadata.name)}`
      : `Deployment ${JSON.stringify(metadata.name)}`;
    if (complete)
      return condition(
        deployment,
        'Progressing',
        'True',
        'NewReplicaSetAvailable',
        `${name} has successfully progressed.`,
      );
    const moved = ['updatedReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'].some(
      (field) => (deployment.status?.[field] ?? 0) !== (counts[field] ?? 0),
    );
    const now = context.clock.now();
    if (!moved && before && before.reason !== 'NewReplicaSetAvailable' && before.reason !== 'DeploymentPaused') {
      const deadline = Date.parse(before.lastUpdateTime ?? '') + (spec.progressDeadlineSeconds ?? 600) * 1000;
      if (before.reason === 'ProgressDeadlineExceeded' || now > deadline)
        return condition(
          deployment,
          'Progressing',
          'False',
          'ProgressDeadlineExceeded',
          `${name} has timed out progressing.`,
        );
      queue.addAfter(keyOf(deployment), deadline - now + 1_000);
      return before;
    }
    const reason =
      before === undefined || !deployment.status?.updatedReplicas ? 'NewReplicaSetCreated' : 'ReplicaSetUpdated';
    const message =
      reason === 'NewReplicaSetCreated'
        ? `Created new replica set ${JSON.stringify(current?.metadata.name)}`
        : `${name} is progressing.`;
    return condition(deployment, 'Progressing', 'True', reason, message, true);
  }

  function condition(
    deployment: KubeObject,
    type: string,
    status: string,
    reason: string,
    message: string,
    moved = false,
  ) {
    const before = conditionOf(deployment, type);
    if (!moved && before?.status === status && before.reason === reason && before.message === message) return before;
    const at = context.now();
    return {
      type,
      status,
      lastUpdateTime: at,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime! : at,
      reason,
      message,
    };
  }

  /** Old ReplicaSets beyond the history limit go, the oldest revisions first. */
  async function trimHistory(deployment: KubeObject, own: KubeObject[], current: KubeObject): Promise<void> {
    const idle = own.filter(
      (set) =>
        set.metadata.uid !== current.metadata.uid &&
        sizeOf(set) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        !set.metadata.deletionTimestamp,
    );
    const over = idle.length - (deployment.spec.revisionHistoryLimit ?? 10);
    for (const set of idle.sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, over)))
      await context.remove('replicasets', set);
  }

  return queue;
}

const sizeOf = (set: KubeObject): number => set.spec.replicas ?? 0;
const total = (sets: KubeObject[]): number => sets.reduce((sum, set) => sum + sizeOf(set), 0);
const revisionOf = (set: KubeObject): number => Number(set.metadata.annotations?.[REVISION] ?? 0);
const byAge = (a: KubeObject, b: KubeObject): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  a.metadata.name!.localeCompare(b.metadata.name!);

function withoutHash(template: KubeObject['spec']): unknown {
  const { [HASH]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** maxSurge rounds up, maxUnavailable down; both zero becomes one unavailable. */
function portion(value: number | string | undefined, replicas: number, up: boolean): number {
  if (typeof value === 'number') return value;
  const share = (Number.parseInt(value ?? '0', 10) / 100) * replicas;
  return up ? Math.ceil(share) : Math.floor(share);
}

const surgeOf = ({ spec }: KubeObject): number =>
  spec.strategy.type === 'Recreate' ? 0 : portion(spec.strategy.rollingUpdate?.maxSurge, spec.replicas, true);

function unavailableOf(deployment: KubeObject): number {
  const { spec } = deployment;
  if (spec.strategy.type === 'Recreate' || spec.replicas === 0) return 0;
  const asked = portion(spec.strategy.rollingUpdate?.maxUnavailable, spec.replicas, false);
  return Math.min(spec.replicas, asked === 0 && surgeOf(deployment) === 0 ? 1 : asked);
}
