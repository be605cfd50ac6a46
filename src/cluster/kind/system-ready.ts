import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { condition, deploymentsAvailable, untilHolds } from '../linkerd/ready.ts';

const NODES: Target = { group: '', version: 'v1', resource: 'nodes' };
const PODS: Target = { group: '', version: 'v1', resource: 'pods', namespace: 'kube-system' };
const DAEMON_SETS: Target = { group: 'apps', version: 'v1', resource: 'daemonsets', namespace: 'kube-system' };

/** Resolves when all nodes are Ready, and all there is in `kube-system`. */
export async function systemReady(client: KubeClient, signal: AbortSignal): Promise<void> {
  const areUp = (pods: KubeObject[]): boolean => pods.every((pod) => condition(pod, 'Ready'));
  await Promise.all([
    untilHolds(client, NODES, (nodes) => nodes.length > 0 && nodes.every((node) => condition(node, 'Ready')), signal),
    deploymentsAvailable(client, 'kube-system', signal),
    untilHolds(client, DAEMON_SETS, (sets) => sets.length > 0 && sets.every(isOnEveryNode), signal),
  ]);
  await untilHolds(client, PODS, areUp, signal);
}

function isOnEveryNode({ metadata, status }: KubeObject): boolean {
  const { observedGeneration = 0, desiredNumberScheduled = 0, numberReady = 0 } = status ?? {};
  return (
    observedGeneration >= (metadata.generation ?? 0) &&
    desiredNumberScheduled > 0 &&
    numberReady >= desiredNumberScheduled
  );
}
