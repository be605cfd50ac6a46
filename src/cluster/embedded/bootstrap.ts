import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { ADMIN } from '#kube/apiserver/auth/authenticate.ts';
import { bootstrapRbac } from '#kube/apiserver/auth/bootstrap.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
export const API_ADDRESS = { clusterIp: '10.96.0.1', port: 443, nodePort: 6443 };

const core = (resource: string, namespace?: string): Target => ({
  group: '',
  version: 'v1',
  resource,
  ...(namespace ? { namespace } : {}),
});

/** Puts in what every cluster holds from its first moment: namespaces, RBAC's own roles, the way to the API. */
export async function bootstrapObjects(client: KubeClient, nodeIp: string): Promise<void> {
  for (const name of NAMESPACES)
    await create(client, core('namespaces'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const object of bootstrapRbac()) {
    const resource = object.kind === 'ClusterRole' ? 'clusterroles' : 'clusterrolebindings';
    await create(client, { group: 'rbac.authorization.k8s.io', version: 'v1', resource }, structuredClone(object));
  }
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  await create(client, core('services', 'default'), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels },
    spec: {
      clusterIP: API_ADDRESS.clusterIp,
      ports: [{ name: 'https', port: API_ADDRESS.port, protocol: 'TCP', targetPort: API_ADDRESS.nodePort }],
    },
  });
  await create(client, core('endpoints', 'default'), {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [{ addresses: [{ ip: nodeIp }], ports: [{ name: 'https', port: API_ADDRESS.nodePort, protocol: 'TCP' }] }],
  });
  await create(
    client,
    { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: 'default' },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'kubernetes',
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': 'kubernetes' },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: [nodeIp], conditions: { ready: true } }],
      ports: [{ name: 'https', port: API_ADDRESS.nodePort, protocol: 'TCP' }],
    },
  );
}

async function create(client: KubeClient, target: Target, object: KubeObject): Promise<void> {
  await client.create(target, object).catch((error: unknown) => {
    if (!(error instanceof StatusError) || error.code !== 409) throw error;
  });
}

/** Who the parts of the control plane are to the API server. */
export const SYSTEM = {
  controllers: { username: 'system:kube-controller-manager', groups: ['system:masters', 'system:authenticated'] },
  scheduler: { username: 'system:kube-scheduler', groups: ['system:masters', 'system:authenticated'] },
  node: (name: string) => ({
    username: `system:node:${name}`,
    groups: ['system:masters', 'system:nodes', 'system:authenticated'],
  }),
  apiserver: { username: 'system:apiserver', groups: ['system:masters'] },
  admin: ADMIN,
};
