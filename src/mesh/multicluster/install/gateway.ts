import type { KubeObject } from '#kube/api/types.ts';
import { GATEWAY_IDENTITY, MULTICLUSTER_GATEWAY, PROBE_PATH, PROBE_PERIOD } from '../labels.ts';
import {
  account,
  antiAffinity,
  budget,
  containerSecurity,
  createdBy,
  given,
  labelsOf,
  oneAtATime,
  type Plan,
} from './parts.ts';

/** The gateway: a pod that is all proxy, the Service by which others reach it, and who may. */
export function gatewayObjects(plan: Plan): KubeObject[] {
  const { values, namespace } = plan;
  const { gateway } = values;
  if (!gateway.enabled) return [];
  const app = { app: gateway.name };
  return [
    deployment(plan),
    ...(values.enablePodAntiAffinity ? [budget(plan, gateway.name, { ...app, ...labelsOf(plan) }, app)] : []),
    service(plan),
    account(plan, gateway.name, labelsOf(plan)),
    ...policies(plan).map(({ kind, version, name, spec }) => ({
      apiVersion: `policy.linkerd.io/${version}`,
      kind,
      metadata: { namespace, name, labels: labelsOf(plan, app), annotations: createdBy(plan) },
      spec,
    })),
  ];
}

function deployment(plan: Plan): KubeObject {
  const { values, namespace } = plan;
  const { gateway } = values;
  const app = { app: gateway.name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      annotations: createdBy(plan),
      labels: {
        'app.kubernetes.io/name': 'gateway',
        'app.kubernetes.io/part-of': 'Linkerd',
        'app.kubernetes.io/version': values.linkerdVersion,
        component: 'gateway',
        ...app,
        ...labelsOf(plan),
      },
      name: gateway.name,
      namespace,
    },
    spec: {
      replicas: gateway.replicas,
      revisionHistoryLimit: values.revisionHistoryLimit,
      selector: { matchLabels: app },
      ...oneAtATime(values.enablePodAntiAffinity),
      template: {
        metadata: {
          annotations: {
            ...createdBy(plan),
            'linkerd.io/inject': 'enabled',
            'config.linkerd.io/proxy-require-identity-inbound-ports': String(gateway.port),
            'config.linkerd.io/enable-gateway': 'true',
            'config.linkerd.io/default-inbound-policy': 'all-authenticated',
            'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
            ...gateway.deploymentAnnotations,
          },
          labels: { ...app, 'linkerd.io/extension': 'multicluster', ...values.podLabels },
        },
        spec: {
          ...antiAffinity(values.enablePodAntiAffinity, 'app', gateway.name),
          ...(gateway.terminationGracePeriodSeconds
            ? { terminationGracePeriodSeconds: Number(gateway.terminationGracePeriodSeconds) }
            : {}),
          automountServiceAccountToken: false,
          containers: [
            {
              name: 'pause',
              image: gateway.pauseImage,
              securityContext: containerSecurity(gateway.UID, gateway.GID),
            },
          ],
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          serviceAccountName: gateway.name,
          ...given('nodeSelector', gateway.nodeSelector),
          ...given('tolerations', gateway.tolerations),
        },
      },
    },
  };
}

function service(plan: Plan): KubeObject {
  const { values, namespace } = plan;
  const { gateway } = values;
  const identity = `${gateway.name}.${namespace}.serviceaccount.identity.${values.linkerdNamespace}.${values.identityTrustDomain}`;
  const onNodes = ['NodePort', 'LoadBalancer'].includes(gateway.serviceType);
  const port = (name: string, number: number, nodePort: number) => ({
    name,
    port: number,
    protocol: 'TCP',
    ...(onNodes && nodePort ? { nodePort } : {}),
  });
  const text = (name: string, value: unknown) => (value ? { [name]: value } : {});
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: gateway.name,
      namespace,
      labels: labelsOf(plan),
      annotations: {
        [GATEWAY_IDENTITY]: identity,
        [PROBE_PERIOD]: String(gateway.probe.seconds),
        [PROBE_PATH]: gateway.probe.path,
        [MULTICLUSTER_GATEWAY]: 'true',
        component: 'gateway',
        ...createdBy(plan),
        ...gateway.serviceAnnotations,
      },
    },
    spec: {
      ports: [
        port('mc-gateway', gateway.port, gateway.nodePort),
        port('mc-probe', gateway.probe.port, gateway.probe.nodePort),
      ],
      selector: { app: gateway.name },
      type: gateway.serviceType,
      ...text('externalTrafficPolicy', gateway.serviceExternalTrafficPolicy),
      ...(onNodes ? text('healthCheckNodePort', gateway.healthCheckNodePort) : {}),
      ...text('loadBalancerClass', gateway.loadBalancerClass),
      ...text('loadBalancerIP', gateway.loadBalancerIP),
      ...given('loadBalancerSourceRanges', gateway.loadBalancerSourceRanges),
    },
  };
}

/** Whoever is meshed under the shared anchor may come in, from anywhere. */
function policies({ values, namespace }: Plan): { kind: string; version: string; name: string; spec: object }[] {
  const { name } = values.gateway;
  const reference = (kind: string, of: string) => ({ group: 'policy.linkerd.io', kind, name: of, namespace });
  return [
    {
      kind: 'Server',
      version: 'v1beta3',
      name: 'linkerd-gateway',
      spec: { podSelector: { matchLabels: { app: name } }, port: 'linkerd-proxy' },
    },
    {
      kind: 'AuthorizationPolicy',
      version: 'v1alpha1',
      name: 'linkerd-gateway',
      spec: {
        targetRef: { group: 'policy.linkerd.io', kind: 'Server', name: 'linkerd-gateway' },
        requiredAuthenticationRefs: [
          reference('MeshTLSAuthentication', 'any-meshed'),
          reference('NetworkAuthentication', 'source-cluster'),
        ],
      },
    },
    { kind: 'MeshTLSAuthentication', version: 'v1alpha1', name: 'any-meshed', spec: { identities: ['*'] } },
    {
      kind: 'NetworkAuthentication',
      version: 'v1alpha1',
      name: 'source-cluster',
      spec: { networks: [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }] },
    },
  ];
}
