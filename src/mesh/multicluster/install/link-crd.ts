import type { KubeObject } from '#kube/api/types.ts';
import { createdBy, labelsOf, type Plan } from './parts.ts';

const text = { type: 'string' };
const list = (items: object) => ({ type: 'array', items });
const record = (properties: object, required?: string[]) => ({
  type: 'object',
  properties,
  ...(required ? { required } : {}),
});

const selector = record({
  matchLabels: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  matchExpressions: list(
    record({ key: text, operator: { ...text, enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] }, values: list(text) }, [
      'key',
      'operator',
    ]),
  ),
});

const GROUP = '^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
const reference = record(
  {
    group: { ...text, default: 'core', maxLength: 253, pattern: GROUP },
    kind: {
      ...text,
      default: 'Service',
      minLength: 1,
      maxLength: 63,
      pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$',
    },
    name: { ...text, minLength: 1, maxLength: 253 },
    namespace: { ...text, minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
  },
  ['name', 'namespace'],
);
const condition = record(
  {
    type: {
      ...text,
      maxLength: 316,
      pattern:
        '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$',
    },
    status: { ...text, enum: ['True', 'False', 'Unknown'] },
    reason: { ...text, minLength: 1, maxLength: 1024, pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$' },
    message: text,
    lastTransitionTime: { ...text, format: 'date-time' },
    localRef: reference,
  },
  ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
);
const outcomes = list(
  record(
    {
      controllerName: {
        ...text,
        minLength: 1,
        maxLength: 253,
        pattern:
          "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$",
      },
      remoteRef: reference,
      conditions: list(condition),
    },
    ['controllerName', 'remoteRef'],
  ),
);

const probeSpec = (period: object) =>
  record({
    failureThreshold: { ...text, default: '3' },
    path: text,
    period,
    port: text,
    timeout: { ...text, default: '30s', format: 'duration' },
  });

const BASE = {
  clusterCredentialsSecret: text,
  gatewayAddress: text,
  gatewayIdentity: text,
  gatewayPort: text,
  remoteDiscoverySelector: selector,
  selector,
  targetClusterDomain: text,
  targetClusterLinkerdNamespace: text,
  targetClusterName: text,
};
const status = record({ federatedServices: outcomes, mirrorServices: outcomes });

const version = (name: string, spec: object, hasStatus: boolean) => ({
  name,
  served: true,
  storage: name === 'v1alpha3',
  ...(hasStatus ? { subresources: { status: {} } } : {}),
  schema: { openAPIV3Schema: record({ spec: record(spec), ...(hasStatus ? { status } : {}) }) },
});

/** The definition of Link: what is mirrored from which cluster, and by which way. */
export const linkCrd = (plan: Plan): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'links.multicluster.linkerd.io', annotations: createdBy(plan), labels: labelsOf(plan) },
  spec: {
    group: 'multicluster.linkerd.io',
    scope: 'Namespaced',
    names: { plural: 'links', singular: 'link', kind: 'Link' },
    versions: [
      version('v1alpha1', { ...BASE, probeSpec: probeSpec(text) }, false),
      version(
        'v1alpha2',
        { ...BASE, federatedServiceSelector: selector, probeSpec: probeSpec({ ...text, format: 'duration' }) },
        true,
      ),
      version(
        'v1alpha3',
        {
          ...BASE,
          excludedAnnotations: list(text),
          excludedLabels: list(text),
          federatedServiceSelector: selector,
          probeSpec: probeSpec({ ...text, format: 'duration' }),
        },
        true,
      ),
    ],
  },
});
