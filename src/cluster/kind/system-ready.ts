import type { KubeClient, Target } from '#kube/client/client.ts';
import { condition, deploymentsAvailable, untilHolds } from '../linkerd/ready.ts';

const NODES: Target = { group: '', version: 'v1', resource: 'nodes' };

/** Resolves when the node is Ready and every Deployment of `kube-system` is available. */
export async function systemReady(client: KubeClient, signal: AbortSignal): Promise<void> {
  await Promise.all([
    untilHolds(client, NODES, (nodes) => nodes.length > 0 && nodes.every((node) => condition(node, 'Ready')), signal),
    deploymentsAvailable(client, 'kube-system', signal),
  ]);
}
