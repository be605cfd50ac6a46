import type { KubeObject } from '#kube/api/types.ts';
import { labelsOf, type Plan } from './parts.ts';

/** Who may scrape the extension's pods: viz's Prometheus. */
export function adminPolicies(plan: Plan): KubeObject[] {
  return [
    ...guarded(plan, 'linkerd-admin', {}, 'linkerd-admin'),
    ...guarded(plan, 'service-mirror', { component: 'linkerd-service-mirror' }, 'svcmi-admin'),
    ...guarded(plan, 'controller', { component: 'controller' }, 'ctrl-admin'),
    ...guarded(plan, 'local-service-mirror', { component: 'local-service-mirror' }, 'locsm-admin'),
  ];
}

function guarded(plan: Plan, name: string, component: Record<string, string>, port: string): KubeObject[] {
  const metadata = { namespace: plan.namespace, name, labels: labelsOf(plan, component) };
  return [
    {
      apiVersion: 'policy.linkerd.io/v1beta3',
      kind: 'Server',
      metadata,
      spec: {
        podSelector: { matchLabels: { 'linkerd.io/extension': 'multicluster', ...component } },
        port,
        proxyProtocol: 'HTTP/1',
      },
    },
    {
      apiVersion: 'policy.linkerd.io/v1alpha1',
      kind: 'AuthorizationPolicy',
      metadata,
      spec: {
        targetRef: { group: 'policy.linkerd.io', kind: 'Server', name },
        requiredAuthenticationRefs: [{ kind: 'ServiceAccount', name: 'prometheus', namespace: 'linkerd-viz' }],
      },
    },
  ];
}
