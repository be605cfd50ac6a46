import type { KubeObject } from '#kube/api/types.ts';
import { parseDuration } from './durations.ts';
import { type ObjectSet, POLICY_GROUP } from './objects.ts';
import type { OutboundBackendConfig, OutboundRouteConfig, PlacedRef } from './outbound-config.ts';
import { parseOutboundSettings } from './outbound-settings.ts';
import { filters, grpcMatch, httpMatch } from './route-objects.ts';

// biome-ignore lint/suspicious/noExplicitAny: specs are plain JSON, checked by their schemas.
type Json = any;

/** The Service or EgressNetwork that a route hangs on, and the backend that it is by itself. */
export interface Parent {
  object: KubeObject;
  ref: PlacedRef;
  itself: OutboundBackendConfig;
}

const PROTOCOLS = { GRPCRoute: 'grpc', HTTPRoute: 'http', TLSRoute: 'tls', TCPRoute: 'tcp' } as const;

/** Filters that the controller knows of and does not carry out. */
const UNSERVED = new Set(['RequestMirror', 'URLRewrite']);

const unserved = (list: Json[] | undefined): Json | undefined => list?.find(({ type }) => UNSERVED.has(type));

/**
 * A route as its parent's clients see it. Undefined when its annotations cannot be read or it wants a filter that is not
 * served: then it has no effect.
 */
export function routeConfig(
  objects: ObjectSet,
  parent: Parent,
  route: KubeObject,
  group: string,
  kind: keyof typeof PROTOCOLS,
): OutboundRouteConfig | undefined {
  const protocol = PROTOCOLS[kind];
  const dialect = protocol === 'grpc' ? 'grpc' : 'http';
  const http = protocol === 'http' || protocol === 'grpc';
  const own = http ? parseOutboundSettings(route.metadata.annotations ?? {}, dialect) : {};
  if (own.problem) return undefined;
  const inherited = http ? parseOutboundSettings(parent.object.metadata.annotations ?? {}, dialect) : {};
  const rules: Json[] = route.spec?.rules ?? [];
  if (http && rules.some((rule) => unserved(rule.filters))) return undefined;
  return {
    protocol,
    ref: { group, kind, name: route.metadata.name ?? '' },
    namespace: route.metadata.namespace ?? '',
    hosts: route.spec?.hostnames ?? [],
    rules: rules.map((rule) => {
      const field = http ? parseDuration(String(rule.timeouts?.request ?? '')) : undefined;
      const requestMs = own.timeouts?.requestMs ?? (field || undefined);
      const timeouts = { ...own.timeouts, ...(requestMs ? { requestMs } : {}) };
      // Any annotation of one sort on the route replaces all of that sort on its parent.
      const retry = own.retry ?? inherited.retry;
      const backends = backendsOf(objects, parent, rule);
      return {
        matches: http ? (rule.matches ?? []).map(protocol === 'grpc' ? grpcMatch : httpMatch) : [],
        filters: http ? filters(rule.filters) : [],
        backends: backends ?? [parent.itself],
        ...(backends ? {} : { builtIn: true }),
        timeouts: Object.keys(timeouts).length > 0 ? timeouts : (inherited.timeouts ?? {}),
        ...(retry ? { retry } : {}),
      };
    }),
  };
}

/** Undefined where a rule names none: the parent itself serves. */
function backendsOf(objects: ObjectSet, parent: Parent, rule: Json): OutboundBackendConfig[] | undefined {
  const refs: Json[] = rule.backendRefs ?? [];
  if (refs.length === 0) return undefined;
  return refs.map((ref) => {
    const group = ref.group === 'core' ? '' : (ref.group ?? '');
    const kind = ref.kind ?? 'Service';
    // Without one of its own: the parent's, also for a route of another namespace (k8s/index/src/outbound/index.rs, where a
    // route is read by the namespace that its parent is in).
    const namespace = ref.namespace ?? parent.ref.namespace;
    const named = {
      ref: { group: group || 'core', kind, name: ref.name, namespace, ...(ref.port ? { port: ref.port } : {}) },
      weight: ref.weight ?? 1,
      filters: filters(ref.filters),
    };
    const nowhere = (problem: string): OutboundBackendConfig => ({ ...named, filters: [], problem });
    const filter = unserved(ref.filters);
    if (filter) return nowhere(`unsupported backend filter: ${filter.type} filter is not supported`);
    if (group === '' && kind === 'Service') {
      if (!ref.port) return nowhere(`missing port for backend Service ${ref.name}`);
      if (!objects.get('Service', namespace, ref.name)) return nowhere(`Service not found ${ref.name}`);
      return { ...named, service: { namespace, name: ref.name, port: ref.port } };
    }
    if (group !== POLICY_GROUP || kind !== 'EgressNetwork') {
      return {
        ...nowhere(`unsupported backend type ${ref.group ?? 'core'} ${kind}`),
        ref: { group: '', kind: 'default', name: 'invalid', namespace: '' },
      };
    }
    const placed = { ...named, ref: { ...named.ref, port: ref.port ?? parent.ref.port } };
    if (!objects.get('EgressNetwork', namespace, ref.name)) {
      return { ...placed, filters: [], problem: `EgressNetwork not found ${ref.name}` };
    }
    if (parent.ref.kind !== 'EgressNetwork') {
      return { ...placed, filters: [], problem: 'EgressNetwork backends attach to EgressNetwork parents only' };
    }
    if (parent.ref.name !== ref.name || parent.ref.namespace !== namespace) {
      const problem = 'Route with EgressNetwork backend needs to have the same EgressNetwork as a parent';
      return { ...placed, filters: [], problem };
    }
    return { ...placed, address: parent.itself.address! };
  });
}
