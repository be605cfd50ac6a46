import type { KubeObject } from '#kube/api/types.ts';
import { type ConformanceCase, sourceOf } from './case-file.ts';
import { manifest, refTo, serverFor, webService } from './manifests.ts';
import type { Room } from './room.ts';
import { NotRunnable, type Observation, settled } from './verdict.ts';

// biome-ignore lint/suspicious/noExplicitAny: statuses are plain JSON.
type Json = any;

interface Wanted {
  type: string;
  status: string;
  reason: string;
}

/** Objects to make one after the other, each with the condition that the watched one must have by then. */
interface Plan {
  watched: KubeObject;
  steps: (KubeObject | { remove: KubeObject })[];
  /** Several conditions that are wanted hold at the same time, of several parents. */
  together?: true;
}

const PARENTS: Record<string, { object: KubeObject; ref: object }> = {
  server: { object: serverFor('parent'), ref: refTo('Server', 'parent') },
  service: {
    object: { ...webService([{ port: 80 }]), metadata: { name: 'parent' } },
    ref: { ...refTo('Service', 'parent'), port: 80 },
  },
  egress_network: {
    object: manifest('EgressNetwork', 'parent', { trafficPolicy: 'Allow' }),
    ref: { ...refTo('EgressNetwork', 'parent'), port: 80 },
  },
};

const HOSTS = ['example.com'];

const KINDS: Record<string, string> = { grpc: 'GRPCRoute', http: 'HTTPRoute', tls: 'TLSRoute', tcp: 'TCPRoute' };

function route(kind: string, name: string, parentRef: object, rule: object = {}): KubeObject {
  const stream = kind === 'TLSRoute' || kind === 'TCPRoute';
  const rules = [stream ? { backendRefs: [{ name: 'parent', port: 80 }], ...rule } : rule];
  // The controller reads TLSRoutes with hostnames only.
  return manifest(kind, name, { ...(kind === 'TLSRoute' ? { hostnames: HOSTS } : {}), parentRefs: [parentRef], rules });
}

/** `http_route_conflict_grpc_service` and the like: a route beside one of another kind on the same parent. */
function conflict(test: string): Plan | undefined {
  const [, kind, other, parent = 'server'] =
    /^(grpc|http|tls|tcp)_route_(?:conflict_(grpc|http|tls)|no_conflict)(?:_(service|egress_network))?$/.exec(test) ??
    [];
  if (!kind) return undefined;
  const { object, ref } = PARENTS[parent]!;
  const watched = route(KINDS[kind]!, 'watched', ref);
  return { watched, steps: [object, ...(other ? [route(KINDS[other]!, 'other', ref)] : []), watched] };
}

const limit = (name: string): KubeObject =>
  manifest('HTTPLocalRateLimitPolicy', name, {
    targetRef: refTo('Server', 'parent'),
    total: { requestsPerSecond: 100 },
  });

const server = PARENTS['server']!;
const onServer = route('HTTPRoute', 'watched', server.ref);
const onTwoServers: KubeObject = {
  ...onServer,
  spec: { ...onServer.spec, parentRefs: [server.ref, refTo('Server', 'nowhere')] },
};
const service = PARENTS['service']!;
const onService = route('HTTPRoute', 'watched', service.ref);
const egress = (networks?: object[]): Plan => {
  const watched = manifest('EgressNetwork', 'watched', { trafficPolicy: 'Allow', ...(networks ? { networks } : {}) });
  return { watched, steps: [watched] };
};
const withIp = (spec: object): KubeObject => ({
  ...service.object,
  spec: { ...service.object.spec, ...spec },
});

const PLANS: Record<string, Plan> = {
  'inbound_http_route_status::inbound_accepted_parent': { watched: onServer, steps: [server.object, onServer] },
  'inbound_http_route_status::inbound_accepted_reconcile_no_parent': {
    watched: onServer,
    steps: [onServer, server.object],
  },
  'inbound_http_route_status::inbound_accepted_reconcile_parent_delete': {
    watched: onServer,
    steps: [server.object, onServer, { remove: server.object }],
  },
  'inbound_http_route_status::inbound_multiple_parents': {
    watched: onTwoServers,
    steps: [server.object, onTwoServers],
    together: true,
  },
  'outbound_http_route_status::accepted_parent': { watched: onService, steps: [service.object, onService] },
  'outbound_http_route_status::no_cluster_ip': {
    watched: onService,
    steps: [withIp({ clusterIP: 'None' }), onService],
  },
  'outbound_http_route_status::external_name': {
    watched: onService,
    steps: [manifest('Service', 'parent', { type: 'ExternalName', externalName: 'linkerd.io' }), onService],
  },
  'ratelimit::ratelimit_accepted': { watched: limit('watched'), steps: [server.object, limit('watched')] },
  'ratelimit::ratelimit_not_accepted_no_matching_target': { watched: limit('watched'), steps: [limit('watched')] },
  'ratelimit::ratelimit_not_accepted_already_exists': {
    watched: limit('watched'),
    steps: [server.object, limit('first'), limit('watched')],
  },
  'egress_network::egress_network_with_no_networks_specified': egress(),
  'egress_network::egress_network_with_nonoverlapping_networks_specified': egress([{ cidr: '192.0.2.0/24' }]),
  'egress_network::egress_network_with_overlapping_networks_specified': egress([{ cidr: '10.0.0.0/8' }]),
};

/** `http::gateway_route_with_invalid_service_backend` and the like: what a route's backends and parents come to. */
function routeState(file: string, test: string): Plan | undefined {
  const [, dialect, what] = /^(?:(linkerd|gateway)_)?route_(.*)$/.exec(test) ?? [];
  const kind = file === 'http' && dialect === 'linkerd' ? 'PolicyHTTPRoute' : KINDS[file];
  if (!kind || !what) return undefined;
  const egressNet = PARENTS['egress_network']!;
  const another = manifest('EgressNetwork', 'another', { trafficPolicy: 'Allow' });
  const to = (ref: object): object => ({ backendRefs: [ref] });
  const toService = to({ name: 'parent', port: 80 });
  const toEgress = to({ ...refTo('EgressNetwork', 'parent'), port: 80 });
  const make = (ref: object, rule: object = {}) => route(kind, 'watched', ref, rule);
  const plan = (watched: KubeObject, ...before: KubeObject[]): Plan => ({ watched, steps: [...before, watched] });
  switch (what) {
    case 'with_no_backends':
      return plan(make(service.ref), service.object);
    case 'with_valid_service_backends':
      return plan(make(service.ref, toService), service.object);
    case 'with_invalid_service_backend':
      return plan(make(service.ref, to({ name: 'nowhere', port: 80 })), service.object);
    case 'with_valid_egress_network_backend':
    case 'with_valid_egress_networks_backends':
      return plan(make(egressNet.ref, toEgress), egressNet.object);
    case 'with_egress_network_backend_different_from_parent':
      return plan(
        make(egressNet.ref, to({ ...refTo('EgressNetwork', 'another'), port: 80 })),
        egressNet.object,
        another,
      );
    case 'with_egress_network_backend_and_service_parent':
      return plan(make(service.ref, toEgress), service.object, egressNet.object);
    case 'with_egress_network_parent_and_service_backend':
      return plan(make(egressNet.ref, toService), egressNet.object, service.object);
    case 'accepted_after_server_create':
      return { watched: make(server.ref), steps: [make(server.ref), server.object] };
    case 'accepted_after_egress_network_create':
      return { watched: make(egressNet.ref), steps: [make(egressNet.ref), egressNet.object] };
    case 'rejected_after_server_delete':
      return { watched: make(server.ref), steps: [server.object, make(server.ref), { remove: server.object }] };
    case 'rejected_after_egress_network_delete':
      return {
        watched: make(egressNet.ref),
        steps: [egressNet.object, make(egressNet.ref), { remove: egressNet.object }],
      };
    default:
      return undefined;
  }
}

/** Makes a case's objects and reads the condition that the controller writes, after each step where several are named. */
export async function playStatus(room: Room, of: ConformanceCase): Promise<Observation> {
  const source = sourceOf(of);
  const [file = '', test = ''] = source.split('::');
  const plan = PLANS[source] ?? (file === 'conflict' ? conflict(test) : routeState(file, test));
  if (!plan) throw new NotRunnable(`no objects are known for ${source}`);
  const expected = (of.expect as Json).condition as Wanted | Wanted[];
  const wanted = Array.isArray(expected) ? expected : [expected];
  let seen: Observation = { agrees: false, observed: 'nothing' };
  const parts: string[] = [];
  const watchedAt = plan.steps.findIndex(
    (step) => step === plan.watched || ('kind' in step && step.metadata.name === plan.watched.metadata.name),
  );
  for (const [index, step] of plan.steps.entries()) {
    if ('remove' in step) await room.remove(step.remove.apiVersion, step.remove.kind, step.remove.metadata.name!);
    else await room.apply(step);
    const last = index === plan.steps.length - 1;
    if (plan.together && !last) continue;
    if (plan.together) {
      for (const want of wanted) {
        seen = await settled(() => look(room, plan.watched, want), { signal: room.lab.signal, withinMs: 20_000 });
        parts.push(seen.observed);
        if (!seen.agrees) break;
      }
      break;
    }
    const want = last
      ? wanted.at(-1)!
      : wanted.length > 1 && index >= watchedAt
        ? wanted[index - watchedAt]
        : undefined;
    if (!want) continue;
    seen = await settled(() => look(room, plan.watched, want), { signal: room.lab.signal, withinMs: 20_000 });
    parts.push(seen.observed);
    if (!seen.agrees) break;
  }
  return { agrees: seen.agrees, observed: parts.join(', then ') };
}

async function look(room: Room, watched: KubeObject, want: Wanted): Promise<Observation> {
  const { status } = await room.get(watched.apiVersion, watched.kind, watched.metadata.name!);
  const conditions: Json[] = [
    ...(status?.conditions ?? []),
    ...(status?.parents ?? []).flatMap((each: Json) => each.conditions ?? []),
  ];
  const wanted = (each: Json) => each.type === want.type && each.status === want.status && each.reason === want.reason;
  const found = conditions.find(wanted) ?? conditions.find((each) => each.type === want.type);
  return {
    agrees: found?.status === want.status && found?.reason === want.reason,
    observed: found ? `${found.type}=${found.status} ${found.reason}` : `no ${want.type} condition`,
  };
}
