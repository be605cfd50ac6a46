import type { KubeObject } from '#kube/api/types.ts';
import { addressMatches } from './addresses.ts';
import { builtIn, type HttpMatch, type NetworkMatch } from './config.ts';
import { egressNetworkAt } from './egress.ts';
import { byAge, GATEWAY_GROUP, type ObjectSet, POLICY_GROUP } from './objects.ts';
import type { OutboundBackendConfig, OutboundConfig, OutboundRouteConfig, PlacedRef } from './outbound-config.ts';
import { type Parent, routeConfig } from './outbound-routes.ts';
import { parseOutboundSettings } from './outbound-settings.ts';
import { inPortList } from './pod-ports.ts';
import { isAccepted, parentRefs } from './route-objects.ts';

export interface OutboundSettings {
  clusterNetworks: NetworkMatch[];
  /** As `--default-opaque-ports` lists them. */
  defaultOpaquePorts: string;
  /** EgressNetworks here hold for every namespace that has none of its own. */
  globalEgressNamespace: string;
}

/** An address that a client dialled. */
export interface Dialled {
  ip: string;
  port: number;
}

/** A Service that somebody names instead of an address of it. */
export interface Named {
  service: { namespace: string; name: string };
  port: number;
}

/** The Service that has a cluster address. */
export function serviceAt(objects: ObjectSet, ip: string): KubeObject | undefined {
  for (const service of objects.list('Service')) {
    const ips: string[] = service.spec?.clusterIPs ?? [service.spec?.clusterIP];
    if (ip !== 'None' && ips.includes(ip)) return service;
  }
  return undefined;
}

/**
 * What holds for traffic from a namespace to an address; undefined for addresses of the cluster that no Service has. For a
 * name the answer is what a Service of that name and port has or would have: neither is looked up.
 */
export function outboundFor(
  objects: ObjectSet,
  settings: OutboundSettings,
  dialled: Dialled | Named,
  clientNamespace: string,
): OutboundConfig | undefined {
  if ('service' in dialled) {
    const { namespace, name } = dialled.service;
    const named = objects.get('Service', namespace, name) ?? {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
    };
    return outboundConfig(objects, named, dialled.port, clientNamespace, settings.defaultOpaquePorts);
  }
  const service = serviceAt(objects, dialled.ip);
  if (service) {
    const served = (service.spec?.ports ?? []).some(({ port }: { port: number }) => port === dialled.port);
    return served
      ? outboundConfig(objects, service, dialled.port, clientNamespace, settings.defaultOpaquePorts)
      : undefinedPort(service, dialled.port);
  }
  const { clusterNetworks, globalEgressNamespace, defaultOpaquePorts } = settings;
  const egress = egressNetworkAt(objects, dialled.ip, clientNamespace, globalEgressNamespace, clusterNetworks);
  if (egress) return egressConfig(objects, egress, dialled, clientNamespace, defaultOpaquePorts);
  return addressMatches(clusterNetworks, dialled.ip) ? undefined : fallbackConfig(dialled);
}

/** Traffic of clients in `clientNamespace` to a Service port (policy-controller outbound index). */
export function outboundConfig(
  objects: ObjectSet,
  service: KubeObject,
  port: number,
  clientNamespace: string,
  defaultOpaquePorts: string,
): OutboundConfig {
  const { name = '', namespace = '', annotations = {} } = service.metadata;
  const ref: PlacedRef = { group: 'core', kind: 'Service', namespace, name, port };
  const parent: Parent = {
    object: service,
    ref,
    itself: { ref, service: { namespace, name, port }, weight: 1, filters: [] },
  };
  const { accrual, load } = parseOutboundSettings(annotations, 'http');
  const spec = (service.spec?.ports ?? []).find((each: { port: number }) => each.port === port);
  // An appProtocol outweighs the opaque-ports annotation.
  const opaque = inPortList(annotations['config.linkerd.io/opaque-ports'] ?? defaultOpaquePorts, port);
  const chosen = protocolOf(objects, parent, port, clientNamespace, spec?.appProtocol ?? (opaque ? OPAQUE : undefined));
  return {
    parent: ref,
    ...withDefaults(chosen, (protocol) => serviceRoute(parent, protocol)),
    ...(accrual ? { accrual } : {}),
    ...(load && chosen.protocol !== 'opaque' ? { load } : {}),
  };
}

/** Traffic to an address outside the cluster that an EgressNetwork holds. */
function egressConfig(
  objects: ObjectSet,
  egress: KubeObject,
  dialled: Dialled,
  clientNamespace: string,
  defaultOpaquePorts: string,
): OutboundConfig {
  const { name = '', namespace = '', annotations = {} } = egress.metadata;
  const { port } = dialled;
  const ref: PlacedRef = { group: POLICY_GROUP, kind: 'EgressNetwork', namespace, name, port };
  const parent: Parent = { object: egress, ref, itself: { ref, address: dialled, weight: 1, filters: [] } };
  const { accrual } = parseOutboundSettings(annotations, 'http');
  const opaque = inPortList(annotations['config.linkerd.io/opaque-ports'] ?? defaultOpaquePorts, port);
  const chosen = protocolOf(objects, parent, port, clientNamespace, opaque ? OPAQUE : undefined);
  const own = (protocol: Chosen['kind']) => egressRoute(parent, protocol);
  const { routes, opaque: bytes, ...rest } = withDefaults(chosen, own);
  // What no route of the network takes is decided by its traffic policy; TCP has no match, so the first route is all.
  const last = chosen.kind !== 'tcp' && chosen.routes.length > 0 ? [own(chosen.kind)] : [];
  return {
    parent: ref,
    ...rest,
    routes: [...routes, ...last],
    ...(bytes ? { opaque: bytes } : {}),
    ...(accrual ? { accrual } : {}),
  };
}

const OPAQUE = 'linkerd.io/opaque';

interface Chosen {
  protocol: OutboundConfig['protocol'];
  kind: OutboundRouteConfig['protocol'];
  routes: OutboundRouteConfig[];
}

/** Which kind of route serves a port: `appProtocol` says, else GRPCRoutes come before HTTP, TLS and TCP. */
function protocolOf(
  objects: ObjectSet,
  parent: Parent,
  port: number,
  clientNamespace: string,
  appProtocol: string | undefined,
): Chosen {
  const of = (kind: RouteKind) => routesOf(objects, parent, port, clientNamespace, kind);
  switch (appProtocol) {
    case undefined: {
      const grpc = of('GRPCRoute');
      if (grpc.length > 0) return { protocol: 'grpc', kind: 'grpc', routes: grpc };
      const http = of('HTTPRoute');
      if (http.length > 0) return { protocol: 'detect', kind: 'http', routes: http };
      const tls = of('TLSRoute');
      if (tls.length > 0) return { protocol: 'tls', kind: 'tls', routes: tls };
      const tcp = of('TCPRoute');
      if (tcp.length > 0) return { protocol: 'opaque', kind: 'tcp', routes: tcp.slice(0, 1) };
      return { protocol: 'detect', kind: 'http', routes: [] };
    }
    case 'http':
      return { protocol: 'http1', kind: 'http', routes: of('HTTPRoute') };
    case 'kubernetes.io/h2c': {
      const grpc = of('GRPCRoute');
      if (grpc.length > 0) return { protocol: 'grpc', kind: 'grpc', routes: grpc };
      return { protocol: 'http2', kind: 'http', routes: of('HTTPRoute') };
    }
    default:
      return { protocol: 'opaque', kind: 'tcp', routes: of('TCPRoute').slice(0, 1) };
  }
}

/** Fills in the routes that stand where nobody wrote one. */
function withDefaults(
  { protocol, kind, routes }: Chosen,
  own: (kind: Chosen['kind']) => OutboundRouteConfig,
): Pick<OutboundConfig, 'protocol' | 'routes' | 'opaque'> {
  return {
    protocol,
    routes: routes.length > 0 ? routes : [own(kind)],
    ...(protocol === 'detect' ? { opaque: own('tcp') } : {}),
  };
}

type RouteKind = 'GRPCRoute' | 'HTTPRoute' | 'TLSRoute' | 'TCPRoute';

/** Routes of the parent's own namespace serve every client, others those of their own namespace; oldest first. */
function routesOf(
  objects: ObjectSet,
  parent: Parent,
  port: number,
  clientNamespace: string,
  kind: RouteKind,
): OutboundRouteConfig[] {
  const { name, namespace } = parent.ref;
  const group = parent.ref.group === 'core' ? '' : parent.ref.group;
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
        (each) =>
          each.group === group &&
          each.kind === parent.ref.kind &&
          each.name === name &&
          each.namespace === namespace &&
          (each.port === undefined || each.port === port) &&
          isAccepted(route, each),
      ),
    )
    .sort((a, b) => byAge(a.route, b.route))
    .flatMap(({ route, group: of }) => routeConfig(objects, parent, route, of, kind) ?? []);
}

const EVERYTHING: HttpMatch[] = [{ path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] }];

/** A rule of one backend, with the parent's own retries and time limits. */
function builtInRoute(
  parent: Parent,
  protocol: OutboundRouteConfig['protocol'],
  name: string,
  more: { filters?: OutboundRouteConfig['rules'][number]['filters']; forbidden?: boolean } = {},
): OutboundRouteConfig {
  const http = protocol === 'http' || protocol === 'grpc';
  const { retry, timeouts } = parseOutboundSettings(
    http ? (parent.object.metadata.annotations ?? {}) : {},
    protocol === 'grpc' ? 'grpc' : 'http',
  );
  return {
    protocol,
    ref: builtIn(name),
    hosts: [],
    rules: [
      {
        matches: protocol === 'http' ? EVERYTHING : protocol === 'grpc' ? [{ headers: [] }] : [],
        filters: more.filters ?? [],
        backends: [parent.itself],
        builtIn: true,
        ...(more.forbidden ? { forbidden: true } : {}),
        timeouts: timeouts ?? {},
        ...(retry ? { retry } : {}),
      },
    ],
  };
}

const SERVICE_NAMES = { http: 'http', grpc: 'grpc', tls: 'tls', tcp: 'opaq' } as const;
const serviceRoute = (parent: Parent, protocol: OutboundRouteConfig['protocol']): OutboundRouteConfig =>
  builtInRoute(parent, protocol, SERVICE_NAMES[protocol]);

/** What an EgressNetwork's traffic policy says of everything that no route takes. */
function egressRoute(parent: Parent, protocol: OutboundRouteConfig['protocol']): OutboundRouteConfig {
  const deny = parent.object.spec?.trafficPolicy === 'Deny';
  const name = `${protocol}-egress-${deny ? 'deny' : 'allow'}`;
  if (!deny) return builtInRoute(parent, protocol, name);
  return protocol === 'http' || protocol === 'grpc'
    ? builtInRoute(parent, protocol, name, {
        filters: [{ type: 'FailureInjector', status: 403, grpc: 7, message: 'traffic not allowed' }],
      })
    : builtInRoute(parent, protocol, name, { forbidden: true });
}

/** Addresses outside the cluster that no EgressNetwork holds: traffic goes where it was sent. */
function fallbackConfig(dialled: Dialled): OutboundConfig {
  const ref: PlacedRef = { ...builtIn('egress-fallback'), namespace: '' };
  const backend: OutboundBackendConfig = { ref, address: dialled, weight: 1, filters: [] };
  const route = (protocol: 'http' | 'tcp'): OutboundRouteConfig => ({
    protocol,
    ref: builtIn('egress-fallback'),
    hosts: [],
    rules: [
      {
        matches: protocol === 'http' ? [{ headers: [], queryParams: [] }] : [],
        filters: [],
        backends: [backend],
        builtIn: true,
        timeouts: {},
      },
    ],
  });
  return { parent: ref, protocol: 'detect', routes: [route('http')], opaque: route('tcp') };
}

/** A Service has the address but not the port: connections are closed. */
function undefinedPort(service: KubeObject, port: number): OutboundConfig {
  const { name = '', namespace = '' } = service.metadata;
  return {
    parent: { group: 'core', kind: 'Service', namespace, name, port },
    protocol: 'opaque',
    routes: [
      {
        protocol: 'tcp',
        ref: builtIn('undefined-port'),
        hosts: [],
        rules: [{ matches: [], filters: [], backends: [], builtIn: true, forbidden: true, timeouts: {} }],
      },
    ],
  };
}
