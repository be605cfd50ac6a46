import type { KubeObject } from '#kube/api/types.ts';
import { namesServer, policyAuthorization, serverAuthorization, targets } from './authorizations.ts';
import {
  type Authorization,
  builtIn,
  type InboundConfig,
  type InboundRoute,
  type NetworkMatch,
  type Protocol,
  type RateLimit,
} from './config.ts';
import { type DefaultPolicy, defaultAuthorizations, isDefaultPolicy, requireIdentity } from './defaults.ts';
import { type IdentityDomain, serviceAccountIdentity } from './identities.ts';
import { byAge, GATEWAY_GROUP, type ObjectSet, POLICY_GROUP } from './objects.ts';
import { inPortList, meansPort, probePaths } from './pod-ports.ts';
import { grpcRules, httpRules, isAccepted, parentRefs } from './route-objects.ts';
import { selects } from './selectors.ts';

/** What an installation fixes for all pods. */
export interface PolicySettings {
  domain: IdentityDomain;
  clusterNetworks: NetworkMatch[];
  probeNetworks: NetworkMatch[];
  defaultPolicy: DefaultPolicy;
  /** As `--default-opaque-ports` lists them. */
  defaultOpaquePorts: string;
  /** EgressNetworks here hold for every namespace that has none of its own. */
  globalEgressNamespace: string;
}

/** Protocol detection gives up after this long (policy-controller `--default-detect-timeout`). */
const DETECT_TIMEOUT_MS = 10_000;

const ANNOTATION = 'config.linkerd.io';

const PROTOCOLS: Record<string, Protocol> = {
  unknown: 'detect',
  'HTTP/1': 'http1',
  'HTTP/2': 'http2',
  gRPC: 'grpc',
  opaque: 'opaque',
  TLS: 'tls',
};

/** The Server that holds for a port of a pod: the oldest of those that select it (policy rules 1 and 3). */
export function serverFor(objects: ObjectSet, pod: KubeObject, port: number): KubeObject | undefined {
  const external = pod.kind === 'ExternalWorkload';
  return [...objects.list('Server', pod.metadata.namespace ?? '')]
    .filter(({ spec }) => {
      const selector = external ? spec?.externalWorkloadSelector : spec?.podSelector;
      return selector && selects(selector, pod.metadata.labels) && meansPort(pod, spec.port, port);
    })
    .sort(byAge)[0];
}

/** The effective configuration of one port of one pod (or ExternalWorkload). */
export function inboundConfig(
  objects: ObjectSet,
  settings: PolicySettings,
  pod: KubeObject,
  port: number,
): InboundConfig {
  const server = serverFor(objects, pod, port);
  return server ? ofServer(objects, settings, pod, port, server) : ofDefault(settings, pod, port);
}

function ofDefault(settings: PolicySettings, pod: KubeObject, port: number): InboundConfig {
  const annotations = pod.metadata.annotations ?? {};
  const asked = annotations[`${ANNOTATION}/default-inbound-policy`];
  let policy = isDefaultPolicy(asked) ? asked : settings.defaultPolicy;
  if (inPortList(annotations[`${ANNOTATION}/proxy-require-identity-inbound-ports`] ?? '', port, pod)) {
    policy = requireIdentity(policy);
  }
  const opaque = annotations[`${ANNOTATION}/opaque-ports`] ?? settings.defaultOpaquePorts;
  const protocol = inPortList(opaque, port, pod) ? 'opaque' : 'detect';
  return {
    server: builtIn(policy),
    port,
    protocol,
    detectTimeoutMs: DETECT_TIMEOUT_MS,
    authorizations: defaultAuthorizations(policy, settings.clusterNetworks),
    routes: protocol === 'opaque' ? [] : builtInRoutes(settings, pod, port),
  };
}

function ofServer(
  objects: ObjectSet,
  settings: PolicySettings,
  pod: KubeObject,
  port: number,
  server: KubeObject,
): InboundConfig {
  const { name = '', namespace = '' } = server.metadata;
  const protocol = PROTOCOLS[server.spec?.proxyProtocol ?? 'unknown'] ?? 'detect';
  const routes = routesOf(objects, settings, pod, port, server, protocol);
  const rateLimit =
    protocol === 'detect' || protocol === 'http1' || protocol === 'http2'
      ? rateLimitOf(objects, settings, server)
      : undefined;
  return {
    server: { group: POLICY_GROUP, kind: 'server', name },
    namespace,
    port,
    protocol,
    detectTimeoutMs: DETECT_TIMEOUT_MS,
    authorizations: authorizationsOf(objects, settings, server),
    routes,
    ...(rateLimit ? { rateLimit } : {}),
  };
}

/** Everything that may open a Server, each sufficient alone (policy rule 2). */
function authorizationsOf(objects: ObjectSet, settings: PolicySettings, server: KubeObject): Authorization[] {
  const { name = '', namespace = '' } = server.metadata;
  const access = server.spec?.accessPolicy ?? 'deny';
  const policies = [...objects.list('AuthorizationPolicy', namespace)]
    .filter(
      (policy) =>
        targets(policy, { group: POLICY_GROUP, kind: 'Server', name }) ||
        targets(policy, { group: '', kind: 'Namespace', name: namespace }),
    )
    .sort(byAge)
    .map((policy) => policyAuthorization(policy, objects, settings.domain))
    .filter((each) => each !== undefined);
  const granted = [...objects.list('ServerAuthorization', namespace)]
    .filter((each) => namesServer(each, server))
    .sort(byAge)
    .map((each) => serverAuthorization(each, settings.domain, settings.clusterNetworks));
  const implied = isDefaultPolicy(access) ? defaultAuthorizations(access, settings.clusterNetworks) : [];
  return [...granted, ...policies, ...implied];
}

function routesOf(
  objects: ObjectSet,
  settings: PolicySettings,
  pod: KubeObject,
  port: number,
  server: KubeObject,
  protocol: Protocol,
): InboundRoute[] {
  if (protocol === 'opaque' || protocol === 'tls') return [];
  const { name = '', namespace = '' } = server.metadata;
  const attached = (kind: 'HTTPRoute' | 'PolicyHTTPRoute' | 'GRPCRoute') =>
    [...objects.list(kind, namespace)].filter((route) =>
      parentRefs(route).some(
        (parent) =>
          parent.group === POLICY_GROUP &&
          parent.kind === 'Server' &&
          parent.name === name &&
          parent.namespace === namespace &&
          isAccepted(route, parent),
      ),
    );
  const policies = [...objects.list('AuthorizationPolicy', namespace)].sort(byAge);
  const common = (route: KubeObject, group: string, kind: string) => {
    const ref = { group, kind, name: route.metadata.name ?? '' };
    return {
      ref,
      namespace,
      hosts: (route.spec?.hostnames ?? []) as string[],
      authorizations: policies
        .filter((policy) => targets(policy, ref))
        .map((policy) => policyAuthorization(policy, objects, settings.domain))
        .filter((each) => each !== undefined),
    };
  };
  if (protocol === 'grpc') {
    const routes = attached('GRPCRoute').sort(byAge);
    if (routes.length === 0) {
      return [
        {
          protocol: 'grpc',
          ref: builtIn('default'),
          hosts: [],
          rules: [{ matches: [{ headers: [] }], filters: [] }],
          authorizations: [],
        },
      ];
    }
    return routes.map((route) => ({
      protocol: 'grpc',
      ...common(route, GATEWAY_GROUP, 'GRPCRoute'),
      rules: grpcRules(route),
    }));
  }
  const routes = [
    ...attached('HTTPRoute').map((route) => ({ route, group: GATEWAY_GROUP })),
    ...attached('PolicyHTTPRoute').map((route) => ({ route, group: POLICY_GROUP })),
  ].sort((a, b) => byAge(a.route, b.route));
  if (routes.length === 0) return builtInRoutes(settings, pod, port);
  return routes.map(({ route, group }) => ({
    protocol: 'http',
    ...common(route, group, 'HTTPRoute'),
    rules: httpRules(route),
  }));
}

/** The routes of a server without any of its own: everything, and the kubelet's probes, which need no permission. */
function builtInRoutes(settings: PolicySettings, pod: KubeObject, port: number): InboundRoute[] {
  const everything: InboundRoute = {
    protocol: 'http',
    ref: builtIn('default'),
    hosts: [],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] }], filters: [] }],
    authorizations: [],
  };
  const paths = probePaths(pod, port);
  if (paths.length === 0) return [everything];
  return [
    everything,
    {
      protocol: 'http',
      ref: builtIn('probe'),
      hosts: [],
      rules: [
        {
          matches: paths.map((value) => ({
            path: { type: 'Exact' as const, value },
            headers: [],
            queryParams: [],
            method: 'GET',
          })),
          filters: [],
        },
      ],
      authorizations: [
        { ref: builtIn('probe'), networks: settings.probeNetworks, authentication: { kind: 'unauthenticated' } },
      ],
    },
  ];
}

/** The oldest rate limit that targets a Server; later ones are refused in their status. */
function rateLimitOf(objects: ObjectSet, settings: PolicySettings, server: KubeObject): RateLimit | undefined {
  const { name = '', namespace = '' } = server.metadata;
  const policy = [...objects.list('HTTPLocalRateLimitPolicy', namespace)]
    .filter((each) => targets(each, { group: POLICY_GROUP, kind: 'Server', name }))
    .sort(byAge)[0];
  if (!policy) return undefined;
  const { total, identity, overrides = [] } = policy.spec;
  return {
    ref: { group: POLICY_GROUP, kind: 'HTTPLocalRateLimitPolicy', name: policy.metadata.name ?? '' },
    namespace,
    ...(total?.requestsPerSecond ? { totalRps: total.requestsPerSecond } : {}),
    ...(identity?.requestsPerSecond ? { identityRps: identity.requestsPerSecond } : {}),
    // biome-ignore lint/suspicious/noExplicitAny: checked by the schema.
    overrides: overrides.map((each: any) => ({
      rps: each.requestsPerSecond,
      // biome-ignore lint/suspicious/noExplicitAny: checked by the schema.
      identities: (each.clientRefs ?? []).map((ref: any) =>
        serviceAccountIdentity(settings.domain, ref.namespace ?? namespace, ref.name),
      ),
    })),
  };
}
