import type { KubeObject } from '#kube/api/types.ts';
import { networksOverlap, parseNetwork } from './addresses.ts';
import { targets } from './authorizations.ts';
import { byAge, type ObjectSet, POLICY_CONTROLLER, POLICY_GROUP, ROUTE_KINDS, type RouteKind } from './objects.ts';
import { type ParentRef, parentRefs } from './route-objects.ts';

// biome-ignore lint/suspicious/noExplicitAny: statuses are plain JSON.
type Json = any;

export interface Condition {
  type: string;
  status: 'True' | 'False';
  reason: string;
  message: string;
  lastTransitionTime: string;
}

const condition = (type: string, ok: boolean, reason: string, at: string, message = ''): Condition => ({
  type,
  status: ok ? 'True' : 'False',
  reason,
  message,
  lastTransitionTime: at,
});

/** Present conditions keep their transition time while their status, reason and message stay. */
function kept(wanted: Condition[], present: Condition[] | undefined): Condition[] {
  return wanted.map((each) => {
    const old = present?.find((one) => one.type === each.type);
    const same = old && old.status === each.status && old.reason === each.reason && old.message === each.message;
    return same ? { ...each, lastTransitionTime: old.lastTransitionTime } : each;
  });
}

const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);

type ParentKind = 'Server' | 'Service' | 'EgressNetwork';
function parentKind(parent: ParentRef): ParentKind | undefined {
  if (parent.group === POLICY_GROUP && parent.kind === 'Server') return 'Server';
  if (parent.group === POLICY_GROUP && parent.kind === 'EgressNetwork') return 'EgressNetwork';
  return parent.group === '' && parent.kind === 'Service' ? 'Service' : undefined;
}

/** The status a route ought to have, or undefined when it has it already. Entries of other controllers are kept. */
export function routeStatus(
  objects: ObjectSet,
  clusterNetworks: string[],
  kind: RouteKind,
  route: KubeObject,
  now: string,
): { parents: Json[] } | undefined {
  const present: Json[] = route.status?.parents ?? [];
  const others = present.filter((each) => each.controllerName !== POLICY_CONTROLLER);
  const ours = present.filter((each) => each.controllerName === POLICY_CONTROLLER);
  const wanted = parentRefs(route).flatMap((parent) => {
    const known = parentKind(parent);
    if (!known) return [];
    const old = ours.find(
      ({ parentRef: ref }) =>
        ref?.name === parent.name &&
        ref?.kind === parent.kind &&
        (ref?.namespace ?? route.metadata.namespace) === parent.namespace &&
        ref?.port === parent.port,
    );
    const conditions = [
      accepted(objects, clusterNetworks, kind, route, parent, known, now),
      ...(known === 'Server' ? [] : [resolvedRefs(objects, route, parent, now)]),
    ];
    return [
      {
        conditions: kept(conditions, old?.conditions),
        controllerName: POLICY_CONTROLLER,
        parentRef: {
          group: parent.group === '' ? 'core' : parent.group,
          kind: parent.kind,
          name: parent.name,
          namespace: parent.namespace,
          ...(parent.port === undefined ? {} : { port: parent.port }),
          ...(parent.sectionName === undefined ? {} : { sectionName: parent.sectionName }),
        },
      },
    ];
  });
  const canonical = (each: Json) => ({
    conditions: (each.conditions ?? []).map((c: Condition) => [c.type, c.status, c.reason, c.message ?? '']),
    ref: [
      each.parentRef?.group,
      each.parentRef?.kind,
      each.parentRef?.namespace,
      each.parentRef?.name,
      each.parentRef?.port ?? null,
    ],
  });
  if (!differs(ours.map(canonical), wanted.map(canonical))) return undefined;
  return { parents: [...others, ...wanted] };
}

const CONFLICT_ORDER: Record<RouteKind, number> = {
  GRPCRoute: 3,
  HTTPRoute: 2,
  PolicyHTTPRoute: 2,
  TLSRoute: 1,
  TCPRoute: 0,
};

function accepted(
  objects: ObjectSet,
  clusterNetworks: string[],
  kind: RouteKind,
  route: KubeObject,
  parent: ParentRef,
  known: ParentKind,
  now: string,
): Condition {
  const no = (reason: string, message = '') => condition('Accepted', false, reason, now, message);
  const referent = objects.get(known, parent.namespace, parent.name);
  // A Server belongs to its own namespace; a route elsewhere has no such parent.
  if (known === 'Server' && parent.namespace !== route.metadata.namespace) return no('NoMatchingParent');
  if (!referent) return no('NoMatchingParent');
  if (known === 'Service') {
    const ip = referent.spec?.clusterIP;
    if (!ip || ip === 'None') return no('NoMatchingParent', 'parent service must have a ClusterIP');
  } else if (known === 'EgressNetwork' && egressOverlaps(referent, clusterNetworks)) {
    return no('NoMatchingParent', 'EgressNetwork parent has not been accepted');
  }
  const outranked = ROUTE_KINDS.some(
    (other) =>
      CONFLICT_ORDER[other] > CONFLICT_ORDER[kind] &&
      [...objects.list(other)].some((each) =>
        parentRefs(each).some(
          (ref) =>
            parentKind(ref) === known &&
            ref.namespace === parent.namespace &&
            ref.name === parent.name &&
            // Only the very same parent, port and all, is disputed.
            ref.port === parent.port,
        ),
      ),
  );
  return outranked ? no('RouteReasonConflicted') : condition('Accepted', true, 'Accepted', now);
}

const NOT_ITS_PARENT = 'EgressNetwork backend needs to be on a route that has an EgressNetwork parent';

/** Whether the backends of a route exist. A Service in another namespace counts too; an EgressNetwork serves only routes that hang on it. */
function resolvedRefs(objects: ObjectSet, route: KubeObject, parent: ParentRef, now: string): Condition {
  const backends: Json[] = (route.spec?.rules ?? []).flatMap((rule: Json) => rule.backendRefs ?? []);
  for (const backend of backends) {
    const group = backend.group === 'core' ? '' : (backend.group ?? '');
    const kind = backend.kind ?? 'Service';
    const known =
      group === '' && kind === 'Service'
        ? 'Service'
        : group === POLICY_GROUP && kind === 'EgressNetwork'
          ? 'EgressNetwork'
          : undefined;
    if (!known) return condition('ResolvedRefs', false, 'InvalidKind', now);
    const namespace = backend.namespace ?? route.metadata.namespace ?? '';
    if (!objects.get(known, namespace, backend.name)) return condition('ResolvedRefs', false, 'BackendNotFound', now);
    const itself = parent.kind === 'EgressNetwork' && parent.name === backend.name && parent.namespace === namespace;
    if (known === 'EgressNetwork' && !itself) {
      return condition('ResolvedRefs', false, 'InvalidKind', now, NOT_ITS_PARENT);
    }
  }
  return condition('ResolvedRefs', true, 'ResolvedRefs', now);
}

/** The status a rate limit ought to have: the oldest on a Server holds it. */
export function rateLimitStatus(objects: ObjectSet, policy: KubeObject, now: string): Json | undefined {
  const namespace = policy.metadata.namespace ?? '';
  const name = policy.spec?.targetRef?.name ?? '';
  const isServer = targets(policy, { group: POLICY_GROUP, kind: 'Server', name });
  const oldest = [...objects.list('HTTPLocalRateLimitPolicy', namespace)]
    .filter((each) => targets(each, { group: POLICY_GROUP, kind: 'Server', name }))
    .sort(byAge)[0];
  const wanted =
    !isServer || !objects.get('Server', namespace, name)
      ? condition('Accepted', false, 'NoMatchingTarget', now)
      : oldest?.metadata.name === policy.metadata.name
        ? condition('Accepted', true, 'Accepted', now)
        : condition('Accepted', false, 'RateLimitReasonAlreadyExists', now);
  return withConditions(policy, [wanted], {
    targetRef: { group: policy.spec?.targetRef?.group, kind: policy.spec?.targetRef?.kind, name },
  });
}

const egressOverlaps = (egress: KubeObject, clusterNetworks: string[]): boolean =>
  ((egress.spec?.networks ?? []) as Json[]).some(({ cidr, except = [] }) => {
    const network = parseNetwork(String(cidr));
    if (!network) return false;
    return clusterNetworks.some((text) => {
      const cluster = parseNetwork(text);
      return cluster && networksOverlap(network, cluster) && !(except as string[]).includes(text);
    });
  });

export function egressStatus(egress: KubeObject, clusterNetworks: string[], now: string): Json | undefined {
  const overlap = egressOverlaps(egress, clusterNetworks);
  return withConditions(egress, [
    overlap
      ? condition('Accepted', false, 'EgressReasonNetworkOverlap', now, 'networks overlap with clusterNetworks')
      : condition('Accepted', true, 'Accepted', now),
  ]);
}

function withConditions(object: KubeObject, wanted: Condition[], extra: Json = {}): Json | undefined {
  const present: Condition[] = object.status?.conditions ?? [];
  const conditions = kept(wanted, present);
  const canonical = (list: Condition[]) => list.map((c) => [c.type, c.status, c.reason, c.message ?? '']);
  return differs(canonical(conditions), canonical(present)) ? { conditions, ...extra } : undefined;
}

/** Every status that differs from what it ought to be, with what to write. */
export function* dueStatuses(
  objects: ObjectSet,
  clusterNetworks: string[],
  now: string,
): Generator<{ kind: RouteKind | 'HTTPLocalRateLimitPolicy' | 'EgressNetwork'; object: KubeObject; status: Json }> {
  for (const kind of ROUTE_KINDS) {
    for (const object of objects.list(kind)) {
      const status = routeStatus(objects, clusterNetworks, kind, object, now);
      if (status) yield { kind, object, status };
    }
  }
  for (const object of objects.list('HTTPLocalRateLimitPolicy')) {
    const status = rateLimitStatus(objects, object, now);
    if (status) yield { kind: 'HTTPLocalRateLimitPolicy', object, status };
  }
  for (const object of objects.list('EgressNetwork')) {
    const status = egressStatus(object, clusterNetworks, now);
    if (status) yield { kind: 'EgressNetwork', object, status };
  }
}
