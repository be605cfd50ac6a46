import type { NodeApi } from '#kube/api/node.ts';
import { notFound } from '#kube/api/status.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { AddressPlan } from './addresses.ts';

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
const CORE = { group: '', version: 'v1' } as const;

/** Where pods of workers have their addresses: /16s that no cluster of a session uses, the highest first. */
const HIGHEST_POD_NET = 254;

/** Name and addresses of a further node; `index` from 0. */
export const workerPlan = ({ node }: AddressPlan, index: number): Pick<AddressPlan, 'node' | 'podCidr'> => ({
  node: {
    name: `${node.name}-worker${index + 1}`,
    ip: node.ip.replace(/\d+$/, (last) => String(Number(last) + 20 + index)),
  },
  podCidr: `10.${HIGHEST_POD_NET - index}.0.0/16`,
});

/** A worker is no node of the control plane. */
export async function asWorker(admin: KubeClient, name: string): Promise<void> {
  const target = { ...CORE, resource: 'nodes' };
  const node = await admin.get(target, name);
  const { [CONTROL_PLANE]: _role, ...labels } = node.metadata.labels ?? {};
  await admin.update(target, { ...node, metadata: { ...node.metadata, labels } });
}

/** Several nodes as the API server asks them: each call goes to the node that the pod is bound to. */
export function nodesByPod(nodes: ReadonlyMap<string, NodeApi>, admin: KubeClient): NodeApi {
  const of = async (namespace: string, name: string): Promise<NodeApi> => {
    const pod = await admin.get({ ...CORE, resource: 'pods', namespace }, name);
    const node = nodes.get(String(pod.spec?.['nodeName']));
    if (!node) throw notFound('', 'pods', name);
    return node;
  };
  return {
    logs: async (namespace, pod, ...rest) => (await of(namespace, pod)).logs(namespace, pod, ...rest),
    exec: async (namespace, pod, ...rest) => (await of(namespace, pod)).exec(namespace, pod, ...rest),
    attach: async (namespace, pod, ...rest) => (await of(namespace, pod)).attach(namespace, pod, ...rest),
    portForward: async (namespace, pod, port) => (await of(namespace, pod)).portForward(namespace, pod, port),
  };
}
