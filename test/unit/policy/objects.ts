import type { KubeObject } from '#kube/api/types.ts';
import { ALL_NETWORKS, networksOf } from '#mesh/policy/core/defaults.ts';
import type { PolicySettings } from '#mesh/policy/core/inbound.ts';
import { ObjectSet, type WatchedKind } from '#mesh/policy/core/objects.ts';

export const settings: PolicySettings = {
  domain: { controlPlaneNamespace: 'linkerd', trustDomain: 'cluster.local' },
  clusterNetworks: networksOf(['10.0.0.0/8']),
  probeNetworks: ALL_NETWORKS,
  defaultPolicy: 'all-unauthenticated',
  defaultOpaquePorts: '25,3306',
  globalEgressNamespace: 'linkerd-egress',
};

let age = 0;
export function object(kind: string, name: string, spec: unknown, more: Partial<KubeObject> = {}): KubeObject {
  age += 1000;
  return {
    apiVersion: 'v1',
    kind,
    ...more,
    metadata: {
      name,
      namespace: 'shop',
      creationTimestamp: new Date(1_700_000_000_000 + age).toISOString(),
      ...more.metadata,
    },
    spec,
  };
}

export const pod = (more: Partial<KubeObject> = {}): KubeObject =>
  object(
    'Pod',
    'web-1',
    {
      containers: [
        {
          name: 'web',
          ports: [{ name: 'http', containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/healthz', port: 'http' } },
        },
      ],
    },
    { ...more, metadata: { labels: { app: 'web' }, ...more.metadata } },
  );

export const server = (name: string, spec: Record<string, unknown> = {}): KubeObject =>
  object('Server', name, {
    podSelector: { matchLabels: { app: 'web' } },
    port: 'http',
    proxyProtocol: 'HTTP/1',
    ...spec,
  });

export const policy = (name: string, target: [string, string, string], refs: unknown[] = []): KubeObject =>
  object('AuthorizationPolicy', name, {
    targetRef: { group: target[0], kind: target[1], name: target[2] },
    requiredAuthenticationRefs: refs,
  });

export const MESH = 'policy.linkerd.io';
export const meshRef = (name: string) => ({ group: MESH, kind: 'MeshTLSAuthentication', name });
export const networkRef = (name: string) => ({ group: MESH, kind: 'NetworkAuthentication', name });

/** An HTTPRoute that our controller accepted. */
export function route(
  name: string,
  serverName: string,
  paths: { type: string; value: string }[],
  group = MESH,
): KubeObject {
  const parentRef = { group: MESH, kind: 'Server', name: serverName };
  return object(
    'HTTPRoute',
    name,
    { parentRefs: [parentRef], rules: [{ matches: paths.map((path) => ({ path })) }] },
    {
      apiVersion: `${group}/v1`,
      status: {
        parents: [
          {
            parentRef,
            controllerName: 'linkerd.io/policy-controller',
            conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted' }],
          },
        ],
      },
    },
  );
}

export function setOf(entries: [WatchedKind, KubeObject][]): ObjectSet {
  const set = new ObjectSet();
  for (const [kind, each] of entries) set.put(kind, each);
  return set;
}
