import { unfit } from '#kube/api/fit.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, controllerOf, isAvailable, isReady, keyOf, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';
import { claimPods, createPod } from './replicaset.ts';
import { hashOf, REVISION_HASH, syncRevisions, trimRevisions } from './revisions.ts';

const COMPONENT = 'daemonset-controller';
const GENERATION = 'pod-template-generation';

/** What the pods of a DaemonSet put up with, whatever their template says. */
const TOLERATIONS = [
  ['not-ready', 'NoExecute'],
  ['unreachable', 'NoExecute'],
  ['disk-pressure', 'NoSchedule'],
  ['memory-pressure', 'NoSchedule'],
  ['pid-pressure', 'NoSchedule'],
  ['unschedulable', 'NoSchedule'],
].map(([name, effect]) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect }));

/** One pod on every node that takes it. Source: pkg/controller/daemon. */
export function startDaemonSets(context: ControllerContext): WorkQueue {
  const sets = context.informer('daemonsets');
  const pods = context.informer('pods');
  const nodes = context.informer('nodes');
  /** Pods that were made and that the cache does not show yet, by set and node. */
  const expected = new Map<string, string>();
  const queue = new WorkQueue(context.clock, (key) => reconcile(key));
  sets.onChange(({ object }) => queue.add(keyOf(object)));
  nodes.onChange(({ type, object, old }) => {
    const view = (node: KubeObject) =>
      JSON.stringify([node.metadata.labels, node.spec?.taints, node.spec?.unschedulable]);
    if (type === 'update' && view(object) === view(old)) return;
    for (const set of sets.list()) queue.add(keyOf(set));
  });
  pods.onChange(({ object }) => {
    const owner = controllerOf(object.metadata.ownerReferences);
    if (owner?.kind === 'DaemonSet') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
  context.informer('controllerrevisions').onChange(({ object }) => {
    const owner = controllerOf(object.metadata.ownerReferences);
    if (owner?.kind === 'DaemonSet') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const set = sets.get(namespace, name);
    if (!set) return;
    const own = await claimPods(context, set);
    const revisions = await syncRevisions(context, set);
    const hash = hashOf(revisions.update);
    const byNode = new Map<string, KubeObject[]>();
    for (const pod of own) byNode.set(nodeOf(pod), [...(byNode.get(nodeOf(pod)) ?? []), pod]);
    const wanted = nodes
      .list()
      .filter((node) => !unfit({ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: podSpecOf(set, node) }, node));
    if (!set.metadata.deletionTimestamp) {
      const isMoving = await place(set, hash, wanted, byNode);
      if (!isMoving) await roll(set, hash, wanted, byNode);
    }
    await writeStatus(set, hash, wanted, byNode);
    const live = new Set([hash, ...own.map(({ metadata }) => metadata.labels?.[REVISION_HASH])]);
    await trimRevisions(context, set, revisions, (revision) => live.has(hashOf(revision)));
  }

  /** Makes missing pods and removes those too many. True when something was done. */
  async function place(
    set: KubeObject,
    hash: string,
    wanted: KubeObject[],
    byNode: Map<string, KubeObject[]>,
  ): Promise<boolean> {
    let moved = false;
    for (const node of wanted) {
      const here = byNode.get(node.metadata.name!) ?? [];
      const failed = here.filter((pod) => pod.status?.phase === 'Failed' && !pod.metadata.deletionTimestamp);
      for (const pod of failed) {
        context.event(
          set,
          'Warning',
          'FailedDaemonPod',
          `Found failed daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${node.metadata.name}, will try to kill it`,
          COMPONENT,
        );
        await removePod(set, pod);
        moved = true;
      }
      const id = `${set.metadata.uid}/${node.metadata.name}`;
      const awaited = expected.get(id);
      if (awaited && !pods.get(set.metadata.namespace!, awaited)) continue;
      expected.delete(id);
      if (here.length > 0) continue;
      const made = await createPod(context, set, 'DaemonSet', undefined, (pod) => {
        pod.metadata.labels = {
          ...pod.metadata.labels,
          [REVISION_HASH]: hash,
          [GENERATION]: String(set.metadata.generation ?? 1),
        };
        pod.spec = podSpecOf(set, node);
      });
      if (!pods.get(made.metadata.namespace!, made.metadata.name!)) expected.set(id, made.metadata.name!);
      moved = true;
    }
    const names = new Set(wanted.map((node) => node.metadata.name));
    for (const [node, here] of byNode) {
      const active = here.filter((pod) => !pod.metadata.deletionTimestamp);
      const spare = names.has(node) ? active.sort(byAge).slice(1) : active;
      for (const pod of spare) {
        await removePod(set, pod);
        moved = true;
      }
    }
    return moved;
  }

  /** Replaces old pods, as many at a time as may be missing. */
  async function roll(
    set: KubeObject,
    hash: string,
    wanted: KubeObject[],
    byNode: Map<string, KubeObject[]>,
  ): Promise<void> {
    if (set.spec.updateStrategy?.type === 'OnDelete') return;
    const asked = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
    const most = typeof asked === 'number' ? asked : Math.ceil((Number.parseInt(asked, 10) / 100) * wanted.length);
    const old: KubeObject[] = [];
    let unavailable = 0;
    for (const node of wanted) {
      const [pod] = (byNode.get(node.metadata.name!) ?? []).filter((one) => !one.metadata.deletionTimestamp);
      const works = pod !== undefined && isAvailable(pod, set.spec.minReadySeconds ?? 0, context.clock.now());
      if (!works) unavailable++;
      if (!pod || pod.metadata.labels?.[REVISION_HASH] === hash) continue;
      // What does not work anyway costs nothing.
      if (works) old.push(pod);
      else await removePod(set, pod);
    }
    for (const pod of old.slice(0, Math.max(0, most - unavailable))) await removePod(set, pod);
  }

  async function removePod(set: KubeObject, pod: KubeObject): Promise<void> {
    await context.remove('pods', pod);
    context.event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`, COMPONENT);
  }

  async function writeStatus(
    set: KubeObject,
    hash: string,
    wanted: KubeObject[],
    byNode: Map<string, KubeObject[]>,
  ): Promise<void> {
    const now = context.clock.now();
    const names = new Set(wanted.map((node) => node.metadata.name));
    const oldest = wanted
      .map((node) => (byNode.get(node.metadata.name!) ?? []).sort(byAge)[0])
      .filter((pod): pod is KubeObject => pod !== undefined);
    const count = (test: (pod: KubeObject) => boolean) => oldest.filter(test).length;
    const ready = count(isReady);
    const available = count((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now));
    const updated = count((pod) => pod.metadata.labels?.[REVISION_HASH] === hash);
    const status = {
      currentNumberScheduled: oldest.length,
      numberMisscheduled: [...byNode].filter(([node, here]) => !names.has(node) && here.length > 0).length,
      desiredNumberScheduled: wanted.length,
      numberReady: ready,
      observedGeneration: set.metadata.generation,
      ...(updated ? { updatedNumberScheduled: updated } : {}),
      ...(available ? { numberAvailable: available } : {}),
      ...(wanted.length > available ? { numberUnavailable: wanted.length - available } : {}),
    };
    await context.putStatus('daemonsets', set, status);
    if ((set.spec.minReadySeconds ?? 0) > 0 && ready > available) queue.addAfter(keyOf(set), 1_000);
  }

  return queue;
}

const byAge = (a: KubeObject, b: KubeObject): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '');

/** The node that a pod runs on or was made for. */
function nodeOf(pod: KubeObject): string {
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const field = terms?.[0]?.matchFields?.find((one: { key: string }) => one.key === 'metadata.name');
  return pod.spec?.nodeName ?? field?.values?.[0] ?? '';
}

/** The template's pod, bound to a node by its affinity and with a DaemonSet's tolerations. */
function podSpecOf(set: KubeObject, node: KubeObject): KubeObject['spec'] {
  const spec = structuredClone(set.spec.template.spec);
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const name = { key: 'metadata.name', operator: 'In', values: [node.metadata.name] };
  const terms = (required?.nodeSelectorTerms ?? [{}]).map((term: object) => ({ ...term, matchFields: [name] }));
  spec.affinity = {
    ...spec.affinity,
    nodeAffinity: {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
    },
  };
  const network = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' };
  spec.tolerations = [...(spec.tolerations ?? []), ...TOLERATIONS, ...(spec.hostNetwork ? [network] : [])];
  return spec;
}
