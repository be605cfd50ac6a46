import type { KubeObject } from '#kube/api/types.ts';
import { base64, componentLabels } from './names.ts';

/** One webhook configuration of the control plane. `name` without the prefix `linkerd-`, e.g. `proxy-injector`. */
export function webhookConfiguration(options: {
  kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  namespace: string;
  name: 'proxy-injector' | 'sp-validator' | 'policy-validator';
  component: string;
  caBundle: string;
  failurePolicy: string;
  namespaceSelector: object;
  rules: object[];
  extra?: object;
}): KubeObject {
  const { kind, namespace, name } = options;
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: {
      name: `linkerd-${name}-webhook-config`,
      labels: componentLabels({ namespace }, options.component),
    },
    webhooks: [
      {
        name: `linkerd-${name}.linkerd.io`,
        namespaceSelector: structuredClone(options.namespaceSelector),
        ...(kind === 'MutatingWebhookConfiguration' ? { objectSelector: null } : {}),
        clientConfig: {
          service: { name: `linkerd-${name}`, namespace, path: '/' },
          caBundle: base64(options.caBundle),
        },
        failurePolicy: options.failurePolicy,
        admissionReviewVersions: ['v1', 'v1beta1'],
        rules: options.rules,
        sideEffects: 'None',
        ...options.extra,
      },
    ],
  };
}

export const INJECTOR_RULES = [
  {
    operations: ['CREATE'],
    apiGroups: [''],
    apiVersions: ['v1'],
    resources: ['pods', 'services'],
    scope: 'Namespaced',
  },
];

export const SP_VALIDATOR_RULES = [
  {
    operations: ['CREATE', 'UPDATE'],
    apiGroups: ['linkerd.io'],
    apiVersions: ['v1alpha1', 'v1alpha2'],
    resources: ['serviceprofiles'],
  },
];

export const POLICY_VALIDATOR_RULES = [
  {
    operations: ['CREATE', 'UPDATE'],
    apiGroups: ['policy.linkerd.io'],
    apiVersions: ['*'],
    resources: [
      'authorizationpolicies',
      'httplocalratelimitpolicies',
      'httproutes',
      'networkauthentications',
      'meshtlsauthentications',
      'serverauthorizations',
      'servers',
      'egressnetworks',
    ],
  },
  {
    operations: ['CREATE', 'UPDATE'],
    apiGroups: ['gateway.networking.k8s.io'],
    apiVersions: ['*'],
    resources: ['httproutes', 'grpcroutes', 'tlsroutes', 'tcproutes'],
  },
];
