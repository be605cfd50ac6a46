import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { SYSTEM_PRIORITIES } from '#kube/apiserver/admission/priority.ts';
import { ADMIN } from '#kube/apiserver/auth/authenticate.ts';
import { bootstrapRbac } from '#kube/apiserver/auth/bootstrap.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { type AddressPlan, apiServiceIp } from './addresses.ts';

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
/** Where the API is found: port 443 of its Service, 6443 of the node. */
export const API_PORTS = { service: 443, node: 6443 };

const core = (resource: string, namespace?: string): Target => ({
  group: '',
  version: 'v1',
  resource,
  ...(namespace ? { namespace } : {}),
});

const rbac = (resource: string, namespace: string): Target => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  resource,
  namespace,
});

const priorityClass = (name: string, value: number, description: string): KubeObject => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name },
  value,
  description,
});

/** The classes of pods that a cluster has, and the one of volumes that a single node can give. */
const CLUSTER_WIDE: KubeObject[] = [
  priorityClass(
    'system-node-critical',
    SYSTEM_PRIORITIES['system-node-critical']!,
    'Used for system critical pods that must not be moved from their current node.',
  ),
  priorityClass(
    'system-cluster-critical',
    SYSTEM_PRIORITIES['system-cluster-critical']!,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  ),
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'kubernetes.io/host-path',
  },
];

/** Puts in what every cluster holds from its first moment: namespaces, RBAC's own roles, the way to the API. */
export async function bootstrapObjects(client: KubeClient, plan: AddressPlan): Promise<void> {
  for (const name of NAMESPACES)
    await create(client, core('namespaces'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const object of bootstrapRbac()) {
    const resource = object.kind === 'ClusterRole' ? 'clusterroles' : 'clusterrolebindings';
    await create(client, { group: 'rbac.authorization.k8s.io', version: 'v1', resource }, structuredClone(object));
  }
  await create(client, rbac('roles', 'kube-system'), {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'extension-apiserver-authentication-reader', namespace: 'kube-system' },
    rules: [
      {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['extension-apiserver-authentication'],
        verbs: ['get', 'list', 'watch'],
      },
    ],
  });
  for (const object of CLUSTER_WIDE) {
    const [group = '', version = ''] = object.apiVersion.split('/');
    const resource = object.kind === 'StorageClass' ? 'storageclasses' : 'priorityclasses';
    await create(client, { group, version, resource }, structuredClone(object));
  }
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  await create(client, core('services', 'default'), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels },
    spec: {
      clusterIP: apiServiceIp(plan),
      ports: [{ name: 'https', port: API_PORTS.service, protocol: 'TCP', targetPort: API_PORTS.node }],
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
    subsets: [{ addresses: [{ ip: plan.node.ip }], ports: [{ name: 'https', port: API_PORTS.node, protocol: 'TCP' }] }],
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
      endpoints: [{ addresses: [plan.node.ip], conditions: { ready: true } }],
      ports: [{ name: 'https', port: API_PORTS.node, protocol: 'TCP' }],
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
