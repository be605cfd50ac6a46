import type { KubeObject } from '#kube/api/types.ts';

/** What every builder needs to know. */
export interface Placement {
  /** The control plane's namespace. */
  namespace: string;
}

export type Labels = Record<string, string>;

export const componentLabels = (at: Placement, component: string): Labels => ({
  'linkerd.io/control-plane-component': component,
  'linkerd.io/control-plane-ns': at.namespace,
});

export const createdBy = (cliVersion: string): Labels => ({ 'linkerd.io/created-by': cliVersion });

const RBAC = 'rbac.authorization.k8s.io/v1';

export const rule = (apiGroups: string[], resources: string[], verbs: string[], resourceNames?: string[]) => ({
  apiGroups,
  resources,
  verbs,
  ...(resourceNames ? { resourceNames } : {}),
});

export const clusterRole = (name: string, labels: Labels, rules: ReturnType<typeof rule>[]): KubeObject => ({
  apiVersion: RBAC,
  kind: 'ClusterRole',
  metadata: { name, labels },
  rules,
});

export const clusterRoleBinding = (
  name: string,
  labels: Labels,
  role: string,
  subject: { name: string; namespace: string; apiGroup?: string },
): KubeObject => ({
  apiVersion: RBAC,
  kind: 'ClusterRoleBinding',
  metadata: { name, labels },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'ServiceAccount', ...subject }],
});

export const serviceAccount = (at: Placement, name: string, labels: Labels): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: at.namespace, labels },
});

export const role = (
  at: Placement,
  name: string,
  labels: Labels,
  rules: ReturnType<typeof rule>[],
  annotations?: Labels,
): KubeObject => ({
  apiVersion: RBAC,
  kind: 'Role',
  metadata: { name, namespace: at.namespace, labels, ...(annotations ? { annotations } : {}) },
  rules,
});

export const roleBinding = (
  at: Placement,
  name: string,
  labels: Labels,
  roleName: string,
  subject: string,
): KubeObject => ({
  apiVersion: RBAC,
  kind: 'RoleBinding',
  metadata: { name, namespace: at.namespace, labels },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: roleName },
  subjects: [{ kind: 'ServiceAccount', name: subject, namespace: at.namespace }],
});

/** A Service of the control plane; `headless` for those that proxies resolve to pods. */
export const service = (
  at: Placement,
  options: {
    name: string;
    component: string;
    annotations: Labels;
    headless?: boolean;
    port: { name: string; port: number; targetPort: number | string };
  },
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: options.name,
    namespace: at.namespace,
    labels: componentLabels(at, options.component),
    annotations: options.annotations,
  },
  spec: {
    ...(options.headless ? { clusterIP: 'None' } : { type: 'ClusterIP' }),
    selector: { 'linkerd.io/control-plane-component': options.component },
    ports: [options.port],
  },
});

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Serving certificate of a webhook. */
export const tlsSecret = (
  at: Placement,
  name: string,
  component: string,
  annotations: Labels,
  pair: { certificate: string; privateKey: string },
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: at.namespace, labels: componentLabels(at, component), annotations },
  type: 'kubernetes.io/tls',
  data: { 'tls.crt': base64(pair.certificate.trim()), 'tls.key': base64(pair.privateKey.trim()) },
});
