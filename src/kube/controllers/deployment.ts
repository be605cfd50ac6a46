import { ownedBy } from '#kube/api/owner.ts';
import { same } from '#kube/api/patch/field-set.ts';
import { matchesSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, controllerOf, ignoreGone, isActive, keyOf, MANAGER, splitKey } from './context.ts';
import { createScaler } from './deployment-scale.ts';
import {
  byAge,
  DESIRED,
  HASH,
  MAX,
  REVISION,
  revisionOf,
  sizeOf,
  surgeOf,
  total,
  withoutHash,
} from './deployment-sets.ts';
import { deploymentStatus, type NewSet } from './deployment-status.ts';
import { WorkQueue } from './queue.ts';
import { templateHash } from './template-hash.ts';

const HISTORY = 'deployment.kubernetes.io/revision-history';
/** Annotations that belong to one object and are not handed on. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  HISTORY,
  DESIRED,
  MAX,
  'deprecated.deployment.rollback.to',
]);

/** The revisions that a ReplicaSet had before, once it is back under a new one. */
function historyOf(set: KubeObject | undefined, revision: number): Record<string, string> {
  const before = set?.metadata.annotations?.[REVISION];
  const history = set?.metadata.annotations?.[HISTORY];
  if (!before || before === String(revision)) return history ? { [HISTORY]: history } : {};
  return { [HISTORY]: [history, before].filter(Boolean).join(',') };
}

/** Rolls Deployments from one ReplicaSet to the next. Source: pkg/controller/deployment. */
export function startDeployments(context: ControllerContext): WorkQueue {
  const deployments = context.informer('deployments');
  const sets = context.informer('replicasets');
  const queue = new WorkQueue(context.clock, (key) => reconcile(key));
  deployments.onChange(({ object }) => queue.add(keyOf(object)));
  sets.onChange(({ object }) => {
    const owner = controllerOf(object.metadata.ownerReferences);
    if (owner?.kind === 'Deployment') queue.add(`${object.metadata.namespace}/${owner.name}`);
    else if (!owner)
      for (const deployment of deployments.byIndex('namespace', object.metadata.namespace!))
        if (matchesSelector(deployment.spec.selector, object.metadata.labels)) queue.add(keyOf(deployment));
  });
  const scaler = createScaler(context);
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
    const own = await claimSets(deployment);
    const { spec } = deployment;
    const template = withoutHash(spec.template);
    const found = own.filter((set) => same(withoutHash(set.spec.template), template)).sort(byAge)[0];
    let current = found;
    const others = () => own.filter((set) => set.metadata.uid !== current?.metadata.uid);
    const isScaling = own.some(
      (set) =>
        sizeOf(set) > 0 && (set.metadata.annotations?.[DESIRED] ?? String(spec.replicas)) !== String(spec.replicas),
    );
    let newSet: NewSet;
    if (spec.paused || isScaling) await scaler.share(deployment, current, others());
    else {
      current = await ensureCurrent(deployment, own, current);
      newSet = found ? 'found' : 'created';
      if (spec.strategy.type === 'Recreate') await scaler.recreate(deployment, current, others());
      else await scaler.roll(deployment, current, others());
    }
    const fresh = sets.byIndex('controller', deployment.metadata.uid!);
    const cached = fresh.find((set) => set.metadata.uid === current?.metadata.uid);
    const shown = cached ?? current;
    const all = current && !cached ? [...fresh, current] : fresh;
    const latest = deployments.get(namespace, name) ?? deployment;
    const { status, lookAgainMs } = deploymentStatus(context, latest, shown, all, newSet);
    await context.putStatus('deployments', latest, status);
    if (lookAgainMs !== undefined) queue.addAfter(key, lookAgainMs);
    if (!spec.paused && current) await trimHistory(deployment, fresh, current);
  }

  /** The Deployment's ReplicaSets; orphans that it selects are adopted, those it no longer selects are let go. */
  async function claimSets(deployment: KubeObject): Promise<KubeObject[]> {
    const { namespace, uid } = deployment.metadata;
    const { selector } = deployment.spec;
    const own: KubeObject[] = [];
    const setOwners = (set: KubeObject, ownerReferences: KubeObject['metadata']['ownerReferences'] | null) =>
      context.client
        .patch(
          context.target('replicasets', namespace),
          set.metadata.name!,
          'merge',
          { metadata: { ownerReferences, uid: set.metadata.uid } },
          { fieldManager: MANAGER },
        )
        .catch(ignoreGone);
    for (const set of sets.byIndex('controller', uid!)) {
      if (matchesSelector(selector, set.metadata.labels)) own.push(set);
      else {
        const left = (set.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
        await setOwners(set, left.length > 0 ? left : null);
      }
    }
    for (const set of sets.byIndex('namespace', namespace!)) {
      const { labels, ownerReferences, deletionTimestamp } = set.metadata;
      if (controllerOf(ownerReferences) || deletionTimestamp || !matchesSelector(selector, labels)) continue;
      await setOwners(set, [...(ownerReferences ?? []), ownedBy(deployment)]);
      own.push(set);
    }
    return own;
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
      ...historyOf(found, revision),
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
      if (initial > 0) scaler.tell(deployment, current, 0, initial);
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
        { subresource: 'status', fieldManager: MANAGER },
      );
    }
    return current;
  }

  const activePods = (own: KubeObject[]): KubeObject[] =>
    own.flatMap((set) => context.informer('pods').byIndex('controller', set.metadata.uid!).filter(isActive));

  function firstSize(deployment: KubeObject, old: KubeObject[]): number {
    const { replicas } = deployment.spec;
    return Math.max(0, Math.min(replicas, replicas + surgeOf(deployment) - total(old)));
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
