import type { KubeObject } from '#kube/api/types.ts';
import { LINKERD_VERSION } from '#mesh/install/values.ts';
import { EXTENSION, NAMESPACE } from './labels.ts';

const POLICY = 'policy.linkerd.io';

/**
 * What opens the admin ports of a namespace's proxies where the default denies: `/metrics` to viz's Prometheus, and the probes
 * to the kubelet, which would be denied with it once there is a Server for the port.
 */
export function renderAllowScrapes(namespace: string): KubeObject[] {
  const object = (version: string, kind: string, name: string, spec: object): KubeObject => ({
    apiVersion: `${POLICY}/${version}`,
    kind,
    metadata: {
      name,
      namespace,
      // Written so upstream, with a dash.
      annotations: { 'linkerd-io/created-by': `linkerd-viz ${LINKERD_VERSION}` },
      labels: { [EXTENSION]: 'viz' },
    },
    spec,
  });
  const route = (name: string, paths: string[]) =>
    object('v1alpha1', 'HTTPRoute', name, {
      parentRefs: [{ name: 'proxy-admin', kind: 'Server', group: POLICY }],
      rules: [{ matches: paths.map((value) => ({ path: { value } })) }],
    });
  const allow = (name: string, target: string, authentication: object) =>
    object('v1alpha1', 'AuthorizationPolicy', name, {
      targetRef: { group: POLICY, kind: 'HTTPRoute', name: target },
      requiredAuthenticationRefs: [authentication],
    });
  return [
    object('v1beta3', 'Server', 'proxy-admin', {
      podSelector: { matchExpressions: [{ key: 'linkerd.io/control-plane-ns', operator: 'Exists' }] },
      port: 'linkerd-admin',
      proxyProtocol: 'HTTP/1',
    }),
    route('proxy-metrics', ['/metrics']),
    route('proxy-probes', ['/live', '/ready']),
    allow('prometheus-scrape', 'proxy-metrics', { kind: 'ServiceAccount', name: 'prometheus', namespace: NAMESPACE }),
    allow('proxy-probes', 'proxy-probes', {
      kind: 'NetworkAuthentication',
      group: POLICY,
      name: 'kubelet',
      namespace: NAMESPACE,
    }),
  ];
}
