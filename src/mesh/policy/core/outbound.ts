import type { KubeObject } from '#kube/api/types.ts';
import type { Filter, GrpcMatch, HttpMatch, Ref } from './config.ts';
import { builtIn } from './config.ts';
import { parseDuration } from './durations.ts';
import { byAge, GATEWAY_GROUP, type ObjectSet, POLICY_GROUP } from './objects.ts';
import {
  type AccrualSettings,
  parseOutboundSettings,
  type RetrySettings,
  type TimeoutSettings,
} from './outbound-settings.ts';
import { inPortList } from './pod-ports.ts';
import { filters, grpcMatch, httpMatch, isAccepted, parentRefs } from './route-objects.ts';

// biome-ignore lint/suspicious/noExplicitAny: specs are plain JSON, checked by their schemas.
type Json = any;

export interface OutboundBackendConfig {
  /** Undefined: the reference leads nowhere; its share of requests fails with 500. */
  service?: { namespace: string; name: string; port: number };
  /** What the reference names, for metrics and diagnostics. */
  ref: Ref & { namespace: string; port?: number };
  weight: number;
  filters: Filter[];
}

export interface OutboundRuleConfig {
  matches: (HttpMatch | GrpcMatch)[];
  filters: Filter[];
  backends: OutboundBackendConfig[];
  timeouts: TimeoutSettings;
  /** Per try, of HTTPRoute's own field. */
  backendRequestMs?: number;
  retry?: RetrySettings;
}

export interface OutboundRouteConfig {
  protocol: 'http' | 'grpc' | 'tls' | 'tcp';
  /** `default` kind for the route that stands where nobody wrote one. */
  ref: Ref;
  namespace?: string;
  hosts: string[];
  rules: OutboundRuleConfig[];
}

/** What a client's proxy is to do with traffic to one Service port. */
export interface OutboundConfig {
  parent: { group: string; kind: string; namespace: string; name: string; port: number };
  protocol: 'detect' | 'http1' | 'http2' | 'grpc' | 'opaque' | 'tls';
  routes: OutboundRouteConfig[];
  accrual?: AccrualSettings;
}

/** The Service that has a cluster address. */
export function serviceAt(objects: ObjectSet, ip: string): KubeObject | undefined {
  for (const service of objects.list('Service')) {
    const ips: string[] = service.spec?.clusterIPs ?? [service.spec?.clusterIP];
    if (ip !== 'None' && ips.includes(ip)) return service;
  }
  return undefined;
}

const NAMES: Record<string, string> = { http: 'http', grpc: 'grpc', tls: 'tls', tcp: 'opaq' };
type Kind = 'GRPCRoute' | 'HTTPRoute' | 'TLSRoute' | 'TCPRoute';

/** Traffic of clients in `clientNamespace` to a Service port (policy-controller outbound index). */
export function outboundConfig(
  objects: ObjectSet,
  service: KubeObject,
  port: number,
  clientNamespace: string,
  defaultOpaquePorts: string,
): OutboundConfig {
  const { name = '', namespace = '', annotations = {} } = service.metadata;
  const parent = { group: 'core', kind: 'Service', namespace, name, port };
  const spec = (service.spec?.ports ?? []).find((each: { port: number }) => each.port === port);
  const appProtocol: string | undefined = spec?.appProtocol;
  const { accrual } = parseOutboundSettings(annotations, 'http');
  const shared = { parent, ...(accrual ? { accrual } : {}) };
  const routes = (kind: Kind) => routesOf(objects, service, port, clientNamespace, kind);

  const opaqueByAnnotation = inPortList(annotations['config.linkerd.io/opaque-ports'] ?? defaultOpaquePorts, port);
  const known = appProtocol === undefined || appProtocol === 'http' || appProtocol === 'kubernetes.io/h2c';
  if (opaqueByAnnotation || !known) {
    const tcp = routes('TCPRoute');
    return { ...shared, protocol: 'opaque', routes: tcp.length > 0 ? tcp : [fallback(service, port, 'tcp')] };
  }
  if (appProtocol === 'http') {
    const http = routes('HTTPRoute');
    return { ...shared, protocol: 'http1', routes: http.length > 0 ? http : [fallback(service, port, 'http')] };
  }
  const grpc = routes('GRPCRoute');
  if (grpc.length > 0) return { ...shared, protocol: 'grpc', routes: grpc };
  const http = routes('HTTPRoute');
  const protocol = appProtocol === 'kubernetes.io/h2c' ? 'http2' : 'detect';
  if (http.length > 0) return { ...shared, protocol, routes: http };
  if (protocol === 'detect') {
    const tls = routes('TLSRoute');
    if (tls.length > 0) return { ...shared, protocol: 'tls', routes: tls };
    const tcp = routes('TCPRoute');
    if (tcp.length > 0) return { ...shared, protocol: 'opaque', routes: tcp };
  }
  return { ...shared, protocol, routes: [fallback(service, port, 'http')] };
}

/** Routes of the Service's own namespace serve every client, others those of their own namespace; oldest first. */
function routesOf(
  objects: ObjectSet,
  service: KubeObject,
  port: number,
  clientNamespace: string,
  kind: Kind,
): OutboundRouteConfig[] {
  const { name = '', namespace = '' } = service.metadata;
  const sources: { route: KubeObject; group: string }[] = [];
  for (const from of new Set([namespace, clientNamespace])) {
    for (const route of objects.list(kind, from)) sources.push({ route, group: GATEWAY_GROUP });
    if (kind === 'HTTPRoute') {
      for (const route of objects.list('PolicyHTTPRoute', from)) sources.push({ route, group: POLICY_GROUP });
    }
  }
  return sources
    .filter(({ route }) =>
      parentRefs(route).some(
        (parent) =>
          parent.group === '' &&
          parent.kind === 'Service' &&
          parent.name === name &&
          parent.namespace === namespace &&
          (parent.port === undefined || parent.port === port) &&
          isAccepted(route, parent),
      ),
    )
    .sort((a, b) => byAge(a.route, b.route))
    .map(({ route, group }) => routeConfig(objects, service, port, route, group, kind));
}

const PROTOCOLS = { GRPCRoute: 'grpc', HTTPRoute: 'http', TLSRoute: 'tls', TCPRoute: 'tcp' } as const;

function routeConfig(
  objects: ObjectSet,
  service: KubeObject,
  port: number,
  route: KubeObject,
  group: string,
  kind: Kind,
): OutboundRouteConfig {
  const protocol = PROTOCOLS[kind];
  const dialect = protocol === 'grpc' ? 'grpc' : 'http';
  const own = parseOutboundSettings(route.metadata.annotations ?? {}, dialect);
  const inherited = parseOutboundSettings(service.metadata.annotations ?? {}, dialect);
  // Any annotation of one sort on the route replaces all of that sort on the Service.
  const retry = own.retry ?? inherited.retry;
  const timeouts = own.timeouts ?? inherited.timeouts;
  const rules: Json[] = route.spec?.rules ?? [];
  return {
    protocol,
    ref: { group, kind, name: route.metadata.name ?? '' },
    namespace: route.metadata.namespace ?? '',
    hosts: route.spec?.hostnames ?? [],
    rules: rules.map((rule) => {
      const request = rule.timeouts?.request === undefined ? undefined : parseDuration(String(rule.timeouts.request));
      const backend =
        rule.timeouts?.backendRequest === undefined ? undefined : parseDuration(String(rule.timeouts.backendRequest));
      return {
        matches: (rule.matches ?? []).map(protocol === 'grpc' ? grpcMatch : httpMatch),
        filters: filters(rule.filters),
        backends: backendsOf(objects, service, port, route, rule),
        timeouts: timeouts ?? (request ? { requestMs: request } : {}),
        ...(backend ? { backendRequestMs: backend } : {}),
        ...(retry ? { retry } : {}),
      };
    }),
  };
}

function backendsOf(
  objects: ObjectSet,
  service: KubeObject,
  port: number,
  route: KubeObject,
  rule: Json,
): OutboundBackendConfig[] {
  const refs: Json[] | undefined = rule.backendRefs;
  if (!refs || refs.length === 0) return [itself(service, port)];
  return refs
    .filter((ref) => (ref.weight ?? 1) > 0)
    .map((ref) => {
      const group = ref.group === 'core' ? '' : (ref.group ?? '');
      const kind = ref.kind ?? 'Service';
      const namespace = ref.namespace ?? route.metadata.namespace ?? '';
      const target = group === '' && kind === 'Service' ? objects.get('Service', namespace, ref.name) : undefined;
      const served = target?.spec?.ports?.some((each: { port: number }) => each.port === ref.port);
      return {
        ref: { group: group || 'core', kind, name: ref.name, namespace, ...(ref.port ? { port: ref.port } : {}) },
        ...(target && served ? { service: { namespace, name: ref.name, port: ref.port } } : {}),
        weight: ref.weight ?? 1,
        filters: filters(ref.filters),
      };
    });
}

const itself = (service: KubeObject, port: number): OutboundBackendConfig => {
  const { name = '', namespace = '' } = service.metadata;
  return {
    ref: { group: 'core', kind: 'Service', name, namespace, port },
    service: { namespace, name, port },
    weight: 1,
    filters: [],
  };
};

/** What holds where nobody wrote a route: everything goes to the Service itself, with the Service's own settings. */
function fallback(service: KubeObject, port: number, protocol: 'http' | 'grpc' | 'tcp'): OutboundRouteConfig {
  const { retry, timeouts } = parseOutboundSettings(
    service.metadata.annotations ?? {},
    protocol === 'grpc' ? 'grpc' : 'http',
  );
  const everything: HttpMatch[] =
    protocol === 'http' ? [{ path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] }] : [];
  return {
    protocol,
    ref: builtIn(NAMES[protocol]!),
    hosts: [],
    rules: [
      {
        matches: everything,
        filters: [],
        backends: [itself(service, port)],
        timeouts: timeouts ?? {},
        ...(retry ? { retry } : {}),
      },
    ],
  };
}
