import type { KubeObject } from '#kube/api/types.ts';
import { apiAccessVolume } from '#mesh/install/pod-volumes.ts';
import { CREATED_BY, EXTENSION } from '../labels.ts';
import type { MulticlusterValues } from './values.ts';

type Entries = Record<string, string>;

/** What every builder needs to know. */
export interface Plan {
  namespace: string;
  values: MulticlusterValues;
}

export const labelsOf = ({ values }: Plan, more: Entries = {}): Entries => ({
  [EXTENSION]: 'multicluster',
  ...more,
  ...values.commonLabels,
});

export const createdBy = ({ values }: Plan): Entries => ({ [CREATED_BY]: values.cliVersion });

const filled = (value: object | undefined): boolean => Object.keys(value ?? {}).length > 0;

/** `{ [name]: value }` where the value holds something. */
export const given = (name: string, value: object | undefined): object => (filled(value) ? { [name]: value } : {});

export const account = (plan: Plan, name: string, labels: Entries, annotations?: Entries): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: plan.namespace, labels, ...(annotations ? { annotations } : {}) },
  ...given('imagePullSecrets', plan.values.imagePullSecrets),
});

/** Replicas stay away from each other: never on one node, better not in one zone. */
export function antiAffinity(wanted: boolean, key: string, value: string): object {
  if (!wanted) return {};
  const labelSelector = { matchExpressions: [{ key, operator: 'In', values: [value] }] };
  return {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { podAffinityTerm: { labelSelector, topologyKey: 'topology.kubernetes.io/zone' }, weight: 100 },
        ],
        requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey: 'kubernetes.io/hostname' }],
      },
    },
  };
}

export const oneAtATime = (wanted: boolean): object =>
  wanted ? { strategy: { rollingUpdate: { maxUnavailable: 1 } } } : {};

export const budget = (plan: Plan, name: string, labels: Entries, matchLabels: Entries): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name, namespace: plan.namespace, labels, annotations: createdBy(plan) },
  spec: { maxUnavailable: 1, selector: { matchLabels } },
});

export const containerSecurity = (uid: number, gid: number): object => ({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: uid,
  runAsGroup: gid,
  seccompProfile: { type: 'RuntimeDefault' },
});

/** A controller's Deployment around its one container. */
export function mirrorDeployment(
  plan: Plan,
  options: {
    name: string;
    /** Of the Deployment, and with the pods' own of the template. */
    labels: Entries;
    selector: Entries;
    replicas: number;
    account: string;
    container: {
      name: string;
      args: string[];
      image: string;
      port: string;
      uid: number;
      gid: number;
      resources: object;
    };
    apart: boolean;
    apartBy: [key: string, value: string];
    placement?: object;
  },
): KubeObject {
  const { container } = options;
  const { values } = plan;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: options.name, namespace: plan.namespace, labels: labelsOf(plan, options.labels) },
    spec: {
      replicas: options.replicas,
      revisionHistoryLimit: values.revisionHistoryLimit,
      selector: { matchLabels: options.selector },
      ...oneAtATime(options.apart),
      template: {
        metadata: {
          annotations: {
            'linkerd.io/inject': 'enabled',
            'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
            'config.alpha.linkerd.io/proxy-wait-before-exit-seconds': '0',
            ...values.podAnnotations,
          },
          labels: { [EXTENSION]: 'multicluster', ...options.labels, ...values.podLabels },
        },
        spec: {
          ...antiAffinity(options.apart, ...options.apartBy),
          automountServiceAccountToken: false,
          containers: [
            {
              args: container.args,
              image: container.image,
              name: container.name,
              securityContext: containerSecurity(container.uid, container.gid),
              volumeMounts: [
                { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', name: 'kube-api-access', readOnly: true },
              ],
              ports: [{ containerPort: 9999, name: container.port }],
              ...given('resources', container.resources),
            },
          ],
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          serviceAccountName: options.account,
          volumes: [apiAccessVolume],
          ...options.placement,
        },
      },
    },
  };
}
