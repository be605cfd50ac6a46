import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, ListOptions, Target } from '#kube/client/client.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { type InstallOptions, planInstall } from '#mesh/install/plan.ts';
import { FakeCluster } from '../policy/fake-cluster.ts';

const KINDS: Record<string, [string, string]> = {
  Namespace: ['', 'namespaces'],
  Pod: ['', 'pods'],
  Node: ['', 'nodes'],
  Service: ['', 'services'],
  ServiceAccount: ['', 'serviceaccounts'],
  Secret: ['', 'secrets'],
  ConfigMap: ['', 'configmaps'],
  Deployment: ['apps', 'deployments'],
  ReplicaSet: ['apps', 'replicasets'],
  CronJob: ['batch', 'cronjobs'],
  ClusterRole: ['rbac.authorization.k8s.io', 'clusterroles'],
  ClusterRoleBinding: ['rbac.authorization.k8s.io', 'clusterrolebindings'],
  Role: ['rbac.authorization.k8s.io', 'roles'],
  RoleBinding: ['rbac.authorization.k8s.io', 'rolebindings'],
  ValidatingWebhookConfiguration: ['admissionregistration.k8s.io', 'validatingwebhookconfigurations'],
  MutatingWebhookConfiguration: ['admissionregistration.k8s.io', 'mutatingwebhookconfigurations'],
  CustomResourceDefinition: ['apiextensions.k8s.io', 'customresourcedefinitions'],
};

export function apply(cluster: FakeCluster, objects: KubeObject[]): void {
  for (const object of objects) {
    const [group, resource] = KINDS[object.kind]!;
    cluster.put({ group, version: 'v1', resource }, object);
  }
}

/** The client of a fake cluster, with label selectors (`a=b`, `a`, `!a`), discovery and the version. */
export function clientOf(cluster: FakeCluster): KubeClient {
  const matches = (object: KubeObject, selector: string) =>
    selector.split(',').every((term) => {
      if (term.startsWith('!')) return object.metadata.labels?.[term.slice(1)] === undefined;
      const [key = '', value] = term.split('=');
      const present = object.metadata.labels?.[key];
      return value === undefined ? present !== undefined : present === value;
    });
  return {
    ...cluster.client,
    list: async (target: Target, options: ListOptions = {}) => {
      const list = await cluster.client.list(target);
      const { labelSelector } = options;
      const key = ({ metadata }: KubeObject) => `${metadata.namespace ?? ''}/${metadata.name}`;
      const items = list.items.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
      return { ...list, items: labelSelector ? items.filter((each) => matches(each, labelSelector)) : items };
    },
    raw: async () => ({ gitVersion: 'v1.35.4' }),
    discover: async () =>
      [...cluster.objects.values()]
        .filter((each) => each.kind === 'CustomResourceDefinition')
        .flatMap((crd) =>
          crd.spec.versions.map((version: { name: string }) => ({
            group: crd.spec.group,
            version: version.name,
            resource: crd.spec.names.plural,
            kind: crd.spec.names.kind,
          })),
        ),
  } as unknown as KubeClient;
}

/** A pod of a control-plane Deployment, ready. */
function podOf(deployment: KubeObject): KubeObject {
  const { template } = deployment.spec;
  const ready = (containers: { name: string }[] = []) =>
    containers.map(({ name }) => ({ name, ready: true, started: true, state: { running: {} } }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      name: `${deployment.metadata.name}-abc-x`,
      namespace: deployment.metadata.namespace,
    },
    spec: template.spec,
    status: {
      phase: 'Running',
      podIP: '10.244.0.5',
      containerStatuses: ready(template.spec.containers),
      initContainerStatuses: [
        { name: 'linkerd-init', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
        ...ready((template.spec.initContainers ?? []).filter(({ name }: { name: string }) => name !== 'linkerd-init')),
      ],
    },
  };
}

/** A cluster in which a mesh runs, as far as its objects tell. */
export async function meshedCluster(options: Partial<InstallOptions> & { now: number }): Promise<FakeCluster> {
  const cluster = new FakeCluster();
  const objects = await planInstall({ values: { disableHeartBeat: true }, ...options });
  apply(cluster, [...gatewayApiCrds(), ...renderCrds(), ...objects]);
  const config = objects.find((each) => each.metadata.name === 'linkerd-config')!;
  apply(cluster, [
    { ...config, metadata: { ...config.metadata, uid: '080ace43-5f6d-446a-b688-1065fb51923e' } },
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { podCIDR: '10.244.0.0/24' } },
    ...objects.filter((each) => each.kind === 'Deployment').map(podOf),
  ]);
  return cluster;
}

/** A workload with a proxy that was given these anchors. */
export const meshedPod = (namespace: string, name: string, anchors: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace,
    labels: { 'linkerd.io/control-plane-ns': 'linkerd' },
    annotations: { 'linkerd.io/proxy-version': 'edge-26.8.3' },
  },
  spec: {
    containers: [{ name: 'app' }],
    initContainers: [
      {
        name: 'linkerd-proxy',
        image: 'cr.l5d.io/linkerd/proxy:edge-26.8.3',
        restartPolicy: 'Always',
        env: [{ name: 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS', value: anchors }],
      },
    ],
  },
  status: {
    phase: 'Running',
    podIP: '10.244.0.9',
    initContainerStatuses: [{ name: 'linkerd-proxy', ready: true, started: true }],
  },
});
