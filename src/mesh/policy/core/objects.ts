import type { KubeObject } from '#kube/api/types.ts';

export const POLICY_GROUP = 'policy.linkerd.io';
export const GATEWAY_GROUP = 'gateway.networking.k8s.io';
export const POLICY_CONTROLLER = 'linkerd.io/policy-controller';

/** The kinds that policy reads, with the names of their resources. A kind that is not served counts as empty. */
export const WATCHED = {
  Pod: { group: '', version: 'v1', resource: 'pods' },
  Service: { group: '', version: 'v1', resource: 'services' },
  Server: { group: POLICY_GROUP, version: 'v1beta3', resource: 'servers' },
  AuthorizationPolicy: { group: POLICY_GROUP, version: 'v1alpha1', resource: 'authorizationpolicies' },
  MeshTLSAuthentication: { group: POLICY_GROUP, version: 'v1alpha1', resource: 'meshtlsauthentications' },
  NetworkAuthentication: { group: POLICY_GROUP, version: 'v1alpha1', resource: 'networkauthentications' },
  ServerAuthorization: { group: POLICY_GROUP, version: 'v1beta1', resource: 'serverauthorizations' },
  PolicyHTTPRoute: { group: POLICY_GROUP, version: 'v1beta3', resource: 'httproutes' },
  HTTPLocalRateLimitPolicy: { group: POLICY_GROUP, version: 'v1alpha1', resource: 'httplocalratelimitpolicies' },
  EgressNetwork: { group: POLICY_GROUP, version: 'v1alpha1', resource: 'egressnetworks' },
  HTTPRoute: { group: GATEWAY_GROUP, version: 'v1', resource: 'httproutes' },
  GRPCRoute: { group: GATEWAY_GROUP, version: 'v1', resource: 'grpcroutes' },
  TLSRoute: { group: GATEWAY_GROUP, version: 'v1alpha2', resource: 'tlsroutes' },
  TCPRoute: { group: GATEWAY_GROUP, version: 'v1alpha2', resource: 'tcproutes' },
  ExternalWorkload: { group: 'workload.linkerd.io', version: 'v1beta1', resource: 'externalworkloads' },
} as const;
export type WatchedKind = keyof typeof WATCHED;

export const ROUTE_KINDS = ['GRPCRoute', 'HTTPRoute', 'PolicyHTTPRoute', 'TLSRoute', 'TCPRoute'] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

/** Group and kind as objects and labels carry them. */
export const groupKind = (kind: WatchedKind): { group: string; kind: string } => ({
  group: WATCHED[kind].group,
  kind: kind === 'PolicyHTTPRoute' ? 'HTTPRoute' : kind,
});

/** The objects of the watched kinds by namespace and name. */
export class ObjectSet {
  readonly #kinds = new Map<WatchedKind, Map<string, Map<string, KubeObject>>>();

  put(kind: WatchedKind, object: KubeObject): void {
    const { namespace = '', name = '' } = object.metadata;
    let namespaces = this.#kinds.get(kind);
    if (!namespaces) {
      namespaces = new Map();
      this.#kinds.set(kind, namespaces);
    }
    let names = namespaces.get(namespace);
    if (!names) {
      names = new Map();
      namespaces.set(namespace, names);
    }
    names.set(name, object);
  }
  remove(kind: WatchedKind, namespace: string, name: string): void {
    const names = this.#kinds.get(kind)?.get(namespace);
    names?.delete(name);
    if (names?.size === 0) this.#kinds.get(kind)!.delete(namespace);
  }
  get(kind: WatchedKind, namespace: string, name: string): KubeObject | undefined {
    return this.#kinds.get(kind)?.get(namespace)?.get(name);
  }
  /** Of one namespace, or of all. */
  *list(kind: WatchedKind, namespace?: string): Generator<KubeObject> {
    const namespaces = this.#kinds.get(kind);
    if (!namespaces) return;
    if (namespace !== undefined) yield* namespaces.get(namespace)?.values() ?? [];
    else for (const names of namespaces.values()) yield* names.values();
  }
  clear(kind: WatchedKind): void {
    this.#kinds.delete(kind);
  }
}

/** Oldest first, then by namespace and name: the order in which equals win. */
export function byAge(a: KubeObject, b: KubeObject): number {
  const [x, y] = [a.metadata, b.metadata];
  return (
    Date.parse(x.creationTimestamp ?? '') - Date.parse(y.creationTimestamp ?? '') ||
    order(x.namespace ?? '', y.namespace ?? '') ||
    order(x.name ?? '', y.name ?? '')
  );
}
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
