import { createHash } from 'node:crypto';
import type { Container, PodSpec, Volume } from '#kube/api/pod-parts.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { createdBy } from './names.ts';
import type { Values } from './values.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A Deployment of the control plane around its containers. */
export function controlPlaneDeployment(options: {
  namespace: string;
  values: Values;
  component: 'identity' | 'destination' | 'proxy-injector';
  /** Of the objects that the pods read only at start; a change of it rolls the Deployment. */
  checksum?: string;
  annotations?: Record<string, string>;
  selectByDeployment: boolean;
  containers: Container[];
  initContainers: Container[];
  volumes: Volume[];
}): KubeObject {
  const { namespace, values, component } = options;
  const name = `linkerd-${component}`;
  const labels = {
    'linkerd.io/control-plane-component': component,
    'linkerd.io/control-plane-ns': namespace,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      annotations: createdBy(values.cliVersion),
      labels: {
        'app.kubernetes.io/name': component,
        'app.kubernetes.io/part-of': 'Linkerd',
        'app.kubernetes.io/version': values.linkerdVersion,
        ...labels,
      },
      name,
      namespace,
    },
    spec: {
      replicas: values.controllerReplicas,
      revisionHistoryLimit: values.revisionHistoryLimit,
      selector: {
        matchLabels: options.selectByDeployment
          ? { ...labels, 'linkerd.io/proxy-deployment': name }
          : { 'linkerd.io/control-plane-component': component },
      },
      strategy: structuredClone(values.deploymentStrategy),
      template: {
        metadata: {
          annotations: {
            ...(options.checksum ? { 'checksum/config': options.checksum } : {}),
            ...createdBy(values.cliVersion),
            'linkerd.io/proxy-version': values.proxy.image.version || values.linkerdVersion,
            'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
            'linkerd.io/trust-root-sha256': sha256(values.identityTrustAnchorsPEM),
            ...options.annotations,
            // What was chosen for workloads is not for the control plane.
            'config.linkerd.io/default-inbound-policy': 'all-unauthenticated',
            ...values.podAnnotations,
          },
          labels: {
            ...labels,
            'linkerd.io/workload-ns': namespace,
            'linkerd.io/proxy-deployment': name,
            ...values.podLabels,
          },
        },
        spec: {
          ...placement(values),
          nodeSelector: structuredClone(values.nodeSelector),
          ...(values.enablePodAntiAffinity ? { affinity: antiAffinity(component) } : {}),
          automountServiceAccountToken: false,
          containers: options.containers,
          initContainers: options.initContainers,
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          serviceAccountName: name,
          volumes: options.volumes,
        },
      },
    },
  };
}

/** Where pods may and should go, as far as it is chosen. */
export const placement = (values: Values): PodSpec => ({
  ...(values.priorityClassName ? { priorityClassName: values.priorityClassName } : {}),
  ...(values.runtimeClassName ? { runtimeClassName: values.runtimeClassName } : {}),
  ...(values.tolerations ? { tolerations: structuredClone(values.tolerations) } : {}),
});

const antiAffinity = (component: string): object => {
  const labelSelector = {
    matchExpressions: [{ key: 'linkerd.io/control-plane-component', operator: 'In', values: [component] }],
  };
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { podAffinityTerm: { labelSelector, topologyKey: 'topology.kubernetes.io/zone' }, weight: 100 },
      ],
      requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey: 'kubernetes.io/hostname' }],
    },
  };
};

/** With HA: at most one pod of a component may be evicted at a time. */
export const disruptionBudget = (namespace: string, values: Values, component: string): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: {
    // The one of destination goes by its Service's name.
    name: component === 'destination' ? 'linkerd-dst' : `linkerd-${component}`,
    namespace,
    labels: { 'linkerd.io/control-plane-component': component, 'linkerd.io/control-plane-ns': namespace },
    annotations: createdBy(values.cliVersion),
  },
  spec: {
    maxUnavailable: Number(values.controller.podDisruptionBudget.maxUnavailable),
    selector: { matchLabels: { 'linkerd.io/control-plane-component': component } },
  },
});
