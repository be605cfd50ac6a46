/**
 * How lists of built-in kinds merge: by the key of their items, or as sets of values. The schema's `patchMergeKey`
 * (k8s.io/api), told by field name; `ports` means two things.
 */
const KEYS: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  imagePullSecrets: 'name',
  secrets: 'name',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
  ownerReferences: 'uid',
  conditions: 'type',
  addresses: 'type',
  podIPs: 'ip',
  hostIPs: 'ip',
  webhooks: 'name',
  resourceClaims: 'name',
  schedulingGates: 'name',
  validations: 'expression',
};

/** `parent` is the field that the list's owner stands in, e.g. `containers`. */
export function mergeKeyOf(field: string, parent: string): string | undefined {
  if (field === 'ports') return /containers$/i.test(parent) ? 'containerPort' : parent === 'spec' ? 'port' : undefined;
  return KEYS[field];
}

export const isMergedSet = (field: string): boolean => field === 'finalizers' || field === 'podCIDRs';

/** A Deployment's strategy and every volume: of their keys, which exclude one another, those that are applied stay (`retainKeys`). */
export const keepsItsKeys = (field: string, parent: string): boolean =>
  field === 'volumes' || (field === 'strategy' && parent === 'spec');

const BUILT_IN = new Set([
  '',
  'apps',
  'batch',
  'autoscaling',
  'policy',
  'admissionregistration.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);

/** True for groups whose kinds kubectl knows and patches strategically; all others get JSON merge patches. */
export const isBuiltInGroup = (group: string): boolean => BUILT_IN.has(group);
