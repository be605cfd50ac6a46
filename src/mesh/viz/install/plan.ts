import type { KubeObject } from '#kube/api/types.ts';
import { EXTENSION, NAMESPACE } from '../labels.ts';
import type { VizValues } from './values.ts';

export type Entries = Record<string, string>;
export const RBAC = 'rbac.authorization.k8s.io/v1';
export const POLICY = 'policy.linkerd.io';
export const READ = ['list', 'get', 'watch'];

/** What all parts of the extension are named and labelled by. */
export class Plan {
  readonly values: VizValues;
  constructor(values: VizValues) {
    this.values = values;
  }

  get trustDomain(): string {
    return this.values.identityTrustDomain || this.values.clusterDomain;
  }

  get createdBy(): Entries {
    return { 'linkerd.io/created-by': this.values.cliVersion };
  }

  labels(more: Entries): Entries {
    return { [EXTENSION]: 'viz', ...more, ...this.values.commonLabels };
  }

  metadata(name: string, labels: Entries, annotations?: Entries, namespace = NAMESPACE) {
    return { name, namespace, labels: this.labels(labels), ...(annotations ? { annotations } : {}) };
  }

  clusterWide(name: string, labels: Entries) {
    return { name, labels: this.labels(labels) };
  }
}

/** Pods of a component stay away from each other: never on one node, better not in one zone. */
export function apart({ values }: Plan, component: string): object {
  const labelSelector = { matchExpressions: [{ key: 'component', operator: 'In', values: [component] }] };
  const podAntiAffinity = {
    preferredDuringSchedulingIgnoredDuringExecution: [
      { podAffinityTerm: { labelSelector, topologyKey: 'topology.kubernetes.io/zone' }, weight: 100 },
    ],
    requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey: 'kubernetes.io/hostname' }],
  };
  const { enablePodAntiAffinity, nodeAffinity } = values;
  if (!enablePodAntiAffinity && !nodeAffinity) return {};
  return {
    affinity: { ...(enablePodAntiAffinity ? { podAntiAffinity } : {}), ...(nodeAffinity ? { nodeAffinity } : {}) },
  };
}

/** Where no two pods may be on one node, one has to go before the next can come. */
export const oneAtATime = ({ values }: Plan): object =>
  values.enablePodAntiAffinity ? { strategy: { rollingUpdate: { maxUnavailable: 1 } } } : {};

/** At most one pod of a component may be evicted at a time, where there are several. */
export const budget = (plan: Plan, component: string, replicas: number): KubeObject[] =>
  plan.values.enablePodDisruptionBudget && replicas > 1
    ? [
        {
          kind: 'PodDisruptionBudget',
          apiVersion: 'policy/v1',
          metadata: plan.metadata(component, { component, namespace: NAMESPACE }, plan.createdBy),
          spec: { maxUnavailable: 1, selector: { matchLabels: { [EXTENSION]: 'viz', component } } },
        },
      ]
    : [];

export const subject = (name: string) => [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }];
export const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });

/** A cluster role, who has it, and the account. */
export function account(
  plan: Plan,
  name: string,
  { role, component, rules }: { role: string; component: Entries; rules: object[] },
): KubeObject[] {
  return [
    { kind: 'ClusterRole', apiVersion: RBAC, metadata: plan.clusterWide(role, component), rules },
    {
      kind: 'ClusterRoleBinding',
      apiVersion: RBAC,
      metadata: plan.clusterWide(role, component),
      roleRef: roleRef('ClusterRole', role),
      subjects: subject(name),
    },
  ];
}

export const logging = ({ values }: Plan): string[] => [
  `-log-level=${values.defaultLogLevel}`,
  `-log-format=${values.defaultLogFormat}`,
];

/** What a container may not do. */
export const confined = (user: number, group: number): object => ({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: group,
  seccompProfile: { type: 'RuntimeDefault' },
});

export const TOKEN_MOUNT = {
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  name: 'kube-api-access',
  readOnly: true,
};

/** The account's token, mounted by hand. */
export const apiAccess = (): object => ({
  name: 'kube-api-access',
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { items: [{ key: 'ca.crt', path: 'ca.crt' }], name: 'kube-root-ca.crt' } },
      {
        downwardAPI: {
          items: [{ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' }, path: 'namespace' }],
        },
      },
    ],
  },
});
