import type { KubeObject } from '#kube/api/types.ts';
import type { Rule } from './rbac.ts';

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const ALL = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const RBAC = 'rbac.authorization.k8s.io';
const AGGREGATE = `${RBAC}/aggregate-to-`;

const rule = (groups: string | string[], verbs: string[], resources: string): Rule => ({
  apiGroups: [groups].flat(),
  resources: resources.split(' '),
  verbs,
});
const urls = (...nonResourceURLs: string[]): Rule => ({ nonResourceURLs, verbs: ['get'] });

const toView: Rule[] = [
  rule(
    '',
    READ,
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
  ),
  rule(
    '',
    READ,
    'bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
  ),
  rule('', READ, 'namespaces'),
  rule(['', 'events.k8s.io'], READ, 'events'),
  rule('discovery.k8s.io', READ, 'endpointslices'),
  rule(
    'apps',
    READ,
    'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
  ),
  rule('autoscaling', READ, 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  rule('batch', READ, 'cronjobs cronjobs/status jobs jobs/status'),
  rule(
    'extensions',
    READ,
    'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
  ),
  rule('policy', READ, 'poddisruptionbudgets poddisruptionbudgets/status'),
  rule('networking.k8s.io', READ, 'ingresses ingresses/status networkpolicies'),
  rule('resource.k8s.io', READ, 'resourceclaims resourceclaims/status resourceclaimtemplates'),
];
const toEdit: Rule[] = [
  rule('', READ, 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
  rule('', ['impersonate'], 'serviceaccounts'),
  rule('', WRITE, 'pods pods/attach pods/exec pods/portforward pods/proxy'),
  rule('', ['create'], 'pods/eviction'),
  rule(
    '',
    WRITE,
    'configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
  ),
  rule('', ['create'], 'serviceaccounts/token'),
  rule(['', 'events.k8s.io'], WRITE, 'events'),
  rule(
    'apps',
    WRITE,
    'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
  ),
  rule('autoscaling', WRITE, 'horizontalpodautoscalers'),
  rule('batch', WRITE, 'cronjobs jobs'),
  rule(
    'extensions',
    WRITE,
    'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
  ),
  rule('policy', WRITE, 'poddisruptionbudgets'),
  rule('networking.k8s.io', WRITE, 'ingresses networkpolicies'),
  rule('coordination.k8s.io', ALL, 'leases'),
  rule('resource.k8s.io', WRITE, 'resourceclaims resourceclaimtemplates'),
];
const toAdmin: Rule[] = [
  rule('authorization.k8s.io', ['create'], 'localsubjectaccessreviews'),
  rule(RBAC, ALL, 'rolebindings roles'),
];

/** `from` names what a role is put together from, `to` what it is a part of. */
interface BuiltInRole {
  rules: Rule[];
  from?: string;
  to?: string;
}

const ROLES: Record<string, BuiltInRole> = {
  'cluster-admin': { rules: [rule('*', ['*'], '*'), { nonResourceURLs: ['*'], verbs: ['*'] }] },
  admin: { rules: [...toEdit, ...toView, ...toAdmin], from: 'admin' },
  edit: { rules: [...toEdit, ...toView], from: 'edit', to: 'admin' },
  view: { rules: toView, from: 'view', to: 'edit' },
  'system:aggregate-to-admin': { rules: toAdmin, to: 'admin' },
  'system:aggregate-to-edit': { rules: toEdit, to: 'edit' },
  'system:aggregate-to-view': { rules: toView, to: 'view' },
  'system:discovery': {
    rules: [
      urls(
        '/api',
        '/api/*',
        '/apis',
        '/apis/*',
        '/healthz',
        '/livez',
        '/openapi',
        '/openapi/*',
        '/readyz',
        '/version',
        '/version/',
      ),
    ],
  },
  'system:basic-user': {
    rules: [
      rule('authorization.k8s.io', ['create'], 'selfsubjectaccessreviews selfsubjectrulesreviews'),
      rule('authentication.k8s.io', ['create'], 'selfsubjectreviews'),
    ],
  },
  'system:public-info-viewer': { rules: [urls('/healthz', '/livez', '/readyz', '/version', '/version/')] },
  'system:service-account-issuer-discovery': {
    rules: [
      urls(
        '/.well-known/openid-configuration',
        '/.well-known/openid-configuration/',
        '/openid/v1/jwks',
        '/openid/v1/jwks/',
      ),
    ],
  },
  'system:monitoring': {
    rules: [
      urls('/healthz', '/healthz/*', '/livez', '/livez/*', '/metrics', '/metrics/slis', '/readyz', '/readyz/*'),
      rule('', ['get'], 'nodes/metrics'),
    ],
  },
  'system:auth-delegator': {
    rules: [
      rule('authentication.k8s.io', ['create'], 'tokenreviews'),
      rule('authorization.k8s.io', ['create'], 'subjectaccessreviews'),
    ],
  },
};

const BINDINGS: [name: string, role: string, groups: string[]][] = [
  ['cluster-admin', 'cluster-admin', ['system:masters']],
  ['kubeadm:cluster-admins', 'cluster-admin', ['kubeadm:cluster-admins']],
  ['system:basic-user', 'system:basic-user', ['system:authenticated']],
  ['system:discovery', 'system:discovery', ['system:authenticated']],
  ['system:monitoring', 'system:monitoring', ['system:monitoring']],
  ['system:public-info-viewer', 'system:public-info-viewer', ['system:authenticated', 'system:unauthenticated']],
  ['system:service-account-issuer-discovery', 'system:service-account-issuer-discovery', ['system:serviceaccounts']],
];

const metadata = (name: string, to?: string): KubeObject['metadata'] => ({
  name,
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...(to ? { [`${AGGREGATE}${to}`]: 'true' } : {}) },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
});

/**
 * The roles and bindings that every cluster has from its first moment, without those of the control plane's own parts.
 * Source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
 */
export function bootstrapRbac(): KubeObject[] {
  const apiVersion = `${RBAC}/v1`;
  return [
    ...Object.entries(ROLES).map(([name, { rules, from, to }]) => ({
      ...(from
        ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${AGGREGATE}${from}`]: 'true' } }] } }
        : {}),
      apiVersion,
      kind: 'ClusterRole',
      metadata: metadata(name, to),
      rules,
    })),
    ...BINDINGS.map(([name, role, groups]) => ({
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: name.startsWith('kubeadm:') ? { name } : metadata(name),
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
      subjects: groups.map((group) => ({ apiGroup: RBAC, kind: 'Group', name: group })),
    })),
  ];
}
