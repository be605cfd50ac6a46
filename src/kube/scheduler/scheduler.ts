import type { Clock } from '#base/clock.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import { shortages, unfit } from '#kube/api/fit.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { Informer } from '#kube/client/informer.ts';
import { keptApart, type Placed } from './inter-pod.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' } as const;
const CLAIMS = { group: '', version: 'v1', resource: 'persistentvolumeclaims' } as const;
const NODES = { group: '', version: 'v1', resource: 'nodes' } as const;
const NAMESPACES = { group: '', version: 'v1', resource: 'namespaces' } as const;
const COMPONENT = 'default-scheduler';

export interface SchedulerOptions {
  client: KubeClient;
  clock: Clock;
  /** How events are recorded; the controllers' way of doing it. */
  record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, component: string): void;
}

/** Binds every pod that has no node to the node that fits it and holds the fewest pods. */
export async function startScheduler({ client, clock, record }: SchedulerOptions): Promise<{ close(): void }> {
  const pods = new Informer(client, PODS).addIndex('node', (pod) => [pod.spec?.nodeName ?? '']);
  const nodes = new Informer(client, NODES);
  const claims = new Informer(client, CLAIMS);
  const reported = new Map<string, string>();
  const binding = new Set<string>();
  /** Pods that were given a node and are not yet seen on it, by uid. */
  const assumed = new Map<string, Placed>();
  const namespaces = new Informer(client, NAMESPACES);
  const labelsOf = (namespace: string) => namespaces.get('', namespace)?.metadata.labels ?? {};
  const isOver = ({ status }: KubeObject) => status?.phase === 'Succeeded' || status?.phase === 'Failed';
  const podsOn = (node: KubeObject): KubeObject[] => {
    const seen = pods.byIndex('node', node.metadata.name!);
    const known = new Set(seen.map(({ metadata }) => metadata.uid));
    const others = [...assumed.values()].filter(
      ({ pod, node: on }) => on.metadata.name === node.metadata.name && !known.has(pod.metadata.uid),
    );
    return [...seen, ...others.map(({ pod }) => pod)];
  };
  const everywhere = (all: KubeObject[]): Placed[] =>
    all.flatMap((node) =>
      podsOn(node)
        .filter((each) => !isOver(each))
        .map((each) => ({ pod: each, node })),
    );

  const schedule = async (pod: KubeObject): Promise<void> => {
    const { uid = '', namespace, name } = pod.metadata;
    if (pod.spec?.nodeName || pod.metadata.deletionTimestamp || binding.has(uid) || pod.spec?.schedulingGates?.length)
      return;
    if ((pod.spec?.schedulerName ?? COMPONENT) !== COMPONENT) return;
    const all = nodes.list();
    const unready = claimProblem(pod, claims);
    if (unready) {
      await reportUnschedulable(pod, all.length, unready, 'claims');
      return;
    }
    const reasons = new Map<string, number>();
    // Nodes that only other pods keep it from.
    let crowded = 0;
    const placed = everywhere(all);
    const fitting = all.filter((node) => {
      const why = unfit(pod, node);
      const all = why ? [why] : shortages(pod, node, () => podsOn(node));
      const apart = all.length === 0 ? keptApart(pod, node, placed, labelsOf) : undefined;
      if (apart) all.push(apart.reason);
      for (const each of all) reasons.set(each, (reasons.get(each) ?? 0) + 1);
      if (apart?.helps || (!why && !apart && all.length > 0 && shortages(pod, node, () => []).length === 0)) crowded++;
      return all.length === 0;
    });
    const [node] = fitting.sort((a, b) => podsOn(a).length - podsOn(b).length);
    if (!node) {
      const details = [...reasons].map(([why, n]) => `${n} ${why}`);
      await reportUnschedulable(pod, all.length, `${details.sort().join(', ')}. ${NO_CLAIMS}`, crowded);
      return;
    }
    binding.add(uid);
    assumed.set(uid, { pod, node });
    try {
      await client.raw('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace },
        target: { apiVersion: 'v1', kind: 'Node', name: node.metadata.name },
      });
      record(
        pod,
        'Normal',
        'Scheduled',
        `Successfully assigned ${namespace}/${name} to ${node.metadata.name}`,
        COMPONENT,
      );
    } catch (error) {
      assumed.delete(uid);
      if (!(error instanceof StatusError)) throw error;
    } finally {
      binding.delete(uid);
      reported.delete(uid);
    }
  };

  const reportUnschedulable = async (
    pod: KubeObject,
    count: number,
    details: string,
    crowded: number | 'claims' = 0,
  ): Promise<void> => {
    const { uid = '', namespace, name } = pod.metadata;
    const tail =
      count > 0
        ? crowded === 'claims'
          ? ` ${details}. not found`
          : ` ${details} preemption: 0/${count} nodes are available: ${preemption(count, crowded)}`
        : ' no nodes available to schedule pods';
    const message = count > 0 ? `0/${count} nodes are available:${tail}` : tail.trim();
    if (reported.get(uid) === message) return;
    reported.set(uid, message);
    record(pod, 'Warning', 'FailedScheduling', message, COMPONENT);
    const at = rfc3339(clock.now());
    const others = (pod.status?.conditions ?? []).filter((c: { type: string }) => c.type !== 'PodScheduled');
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastProbeTime: null,
      lastTransitionTime: at,
    };
    await client
      .patch(
        { ...PODS, namespace: namespace! },
        name!,
        'merge',
        { status: { conditions: [...others, condition] } },
        { subresource: 'status' },
      )
      .catch(() => {});
  };

  const again = () => {
    for (const pod of pods.byIndex('node', '')) void schedule(pod);
  };
  pods.onChange(({ type, object }) => {
    if (type === 'delete') reported.delete(object.metadata.uid!);
    if (type === 'delete' || object.spec?.nodeName) assumed.delete(object.metadata.uid!);
    // A place is free again.
    if (type === 'delete' || isOver(object)) again();
    else void schedule(object);
  });
  nodes.onChange(again);
  claims.onChange(again);
  await Promise.all([nodes.start(), claims.start(), namespaces.start()]);
  await pods.start();
  return {
    close() {
      pods.stop();
      nodes.stop();
      claims.stop();
      namespaces.stop();
    },
  };
}

/** Devices are asked for by claims; nobody has any to give back. */
const NO_CLAIMS = 'no new claims to deallocate,';

const preemption = (nodes: number, crowded: number): string =>
  [
    ...(crowded > 0 ? [`${crowded} No preemption victims found for incoming pod`] : []),
    ...(nodes > crowded ? [`${nodes - crowded} Preemption is not helpful for scheduling`] : []),
  ].join(', ') + '.';

/** Why a pod's claims keep it waiting. Source: pkg/scheduler/framework/plugins/volumebinding. */
function claimProblem(pod: KubeObject, claims: Informer): string | undefined {
  for (const volume of pod.spec?.volumes ?? []) {
    const name: string | undefined = volume.persistentVolumeClaim?.claimName;
    if (!name) continue;
    const claim = claims.get(pod.metadata.namespace!, name);
    if (!claim) return `persistentvolumeclaim ${JSON.stringify(name)} not found`;
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim ${JSON.stringify(name)} is being deleted`;
    if (claim.status?.phase !== 'Bound') return 'pod has unbound immediate PersistentVolumeClaims';
  }
  return undefined;
}
