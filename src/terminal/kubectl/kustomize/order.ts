import type { KubeObject } from '#kube/api/types.ts';

/** What others depend on comes first (kustomize's legacy order). */
const FIRST = [
  'Namespace',
  'ResourceQuota',
  'StorageClass',
  'CustomResourceDefinition',
  'ServiceAccount',
  'PodSecurityPolicy',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'ConfigMap',
  'Secret',
  'Endpoints',
  'Service',
  'LimitRange',
  'PriorityClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
];
const LAST = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

function rank(kind: string): number {
  const first = FIRST.indexOf(kind);
  if (first >= 0) return first - FIRST.length;
  return LAST.indexOf(kind) + 1;
}

const idOf = ({ apiVersion, kind, metadata }: KubeObject): string => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return [group, version, kind, metadata.namespace ?? '', metadata.name].join('\0');
};

export const inLegacyOrder = (objects: KubeObject[]): KubeObject[] =>
  [...objects].sort((a, b) => rank(a.kind) - rank(b.kind) || (idOf(a) < idOf(b) ? -1 : 1));
