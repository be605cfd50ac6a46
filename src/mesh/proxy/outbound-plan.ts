import { STATUS_CODES } from 'node:http';
import type { Headers } from '#mesh/http2/headers.ts';
import type { Filter } from '#mesh/policy/core/config.ts';
import { findRoute, type Routable } from '#mesh/policy/core/match.ts';
import type { PlacedRef } from '#mesh/policy/core/outbound-config.ts';
import type { TimeoutSettings } from '#mesh/policy/core/outbound-settings.ts';
import { GRPC_FAILURE_CODES, hasGrpcStatus } from './classify.ts';
import type { OutboundBackend, OutboundPolicy, OutboundRoute, OutboundRule, StreamRoute } from './discovery.ts';
import type { Endpoint } from './endpoint.ts';
import type { Answer, Exchange } from './exchange.ts';
import { applyRequestFilters, type FilterOutcome } from './filters.ts';
import { CANONICAL_DST } from './inbound-profiles.ts';
import type { OutboundConnection } from './outbound-http.ts';
import { placedLabels, type RouteLabels, routeFamily } from './outbound-labels.ts';
import { type CountedRoute, countedRoute } from './profile-metrics.ts';
import { profileClass, profileRoute, type ServiceProfile } from './service-profile.ts';

/** A request that goes nowhere, by what the routes say. */
export class Rejected extends Error {
  readonly status: number;
  readonly grpc: number;
  /** For the errors metric. */
  readonly kind: string;
  /** What the client is told, where that is not the whole error. */
  readonly told: string | undefined;
  readonly closes: boolean;
  readonly location: string | undefined;
  /** Of the route whose filter said so. */
  labels?: RouteLabels;
  place?: NonNullable<Plan['place']>;
  constructor(
    status: number,
    grpc: number,
    kind: string,
    message: string,
    more: { told?: string; closes?: boolean; location?: string } = {},
  ) {
    super(message);
    this.status = status;
    this.grpc = grpc;
    this.kind = kind;
    this.told = more.told;
    this.closes = more.closes ?? false;
    this.location = more.location;
  }
}

export interface Plan {
  /** Route and backend of the last try, as errors name them. */
  place?: { route?: string; backend?: string };
  filters: Filter[];
  timeouts: TimeoutSettings;
  retry?: {
    limit: number;
    /** Until the head of the answer, for each try but the last. */
    timeoutMs?: number;
    wants(answer: Answer): boolean | Promise<boolean>;
    /** Takes from a budget where there is one. */
    mayRetry(): boolean;
    /** The budget alone holds these back: with pauses between them a budget that grows by the second would never end. */
    isAtOnce?: boolean;
  };
  labels?: RouteLabels;
  /** Of a ServiceProfile, which counts in its own way. */
  counted?: CountedRoute;
  /** Chooses where the next try goes. Throws {@link Rejected} where that is nowhere. */
  backend(): { headers: Headers; filters: Filter[]; pick(): Promise<Endpoint> };
}

/** What is to be done with a request. Throws {@link Rejected}; applies the filters of its rule to it. */
export function planFor(connection: OutboundConnection, exchange: Exchange): Plan {
  const { target, direct } = connection;
  if (target?.profile) return profilePlan(connection, target.profile, exchange);
  if (target?.policy && (target.policy.routes.length > 0 || target.policy.protocol === 'grpc')) {
    return policyPlan(connection, target.policy, exchange);
  }
  const pick = target ? () => connection.balancer(target.authority).pick() : async () => direct;
  const { service } = target ?? {};
  return {
    ...(service ? { place: { route: 'default.http', backend: serviceName(service) } } : {}),
    filters: [],
    timeouts: {},
    backend: () => ({ headers: exchange.headers, filters: [], pick }),
  };
}

const serviceName = (service: { namespace: string; name: string; port: number }): string =>
  `Service.${service.namespace}.${service.name}:${service.port}`;

/** How errors name what a policy speaks of. */
const named = (ref: PlacedRef): string =>
  ref.kind === 'default'
    ? `default.${ref.name}`
    : `${ref.kind}.${ref.namespace}.${ref.name}${ref.port === undefined ? '' : `:${ref.port}`}`;

function policyPlan(connection: OutboundConnection, policy: OutboundPolicy, exchange: Exchange): Plan {
  const found = findRoute(policy.routes as (OutboundRoute & Routable)[], {
    method: exchange.method,
    path: exchange.path,
    host: exchange.authority,
    headers: exchange.headers,
  });
  if (!found) throw new Rejected(404, 5, 'no route', 'no route');
  const rule = found.route.rules[found.rule]! as OutboundRule;
  const labels: RouteLabels = {
    family: routeFamily(found.route.protocol),
    parent: placedLabels('parent', policy.parent),
    route: { ...placedLabels('parent', policy.parent), ...placedLabels('route', found.route.ref) },
  };
  const place: NonNullable<Plan['place']> = { route: named(found.route.ref) };
  const apply = (filters: Filter[], to: Exchange) => {
    const outcome = applyRequestFilters(to, filters, found.match);
    if (!outcome) return;
    const rejection = rejectionOf(outcome);
    rejection.labels = labels;
    rejection.place = place;
    throw rejection;
  };
  apply(rule.filters, exchange);
  const { retry } = rule;
  return {
    place,
    filters: rule.filters,
    timeouts: rule.timeouts,
    labels,
    ...(retry
      ? {
          retry: {
            limit: retry.limit,
            ...(retry.timeoutMs ? { timeoutMs: retry.timeoutMs } : {}),
            wants: (answer) =>
              retry.statuses.some(({ from, to }) => answer.status >= from && answer.status <= to) ||
              (retry.grpc.length > 0 && exchange.isGrpc && hasGrpcStatus(answer, retry.grpc)),
            mayRetry: () => true,
          },
        }
      : {}),
    backend: () => {
      const backend = weighted(rule.backends);
      const counted = { ...labels.route, ...(backend ? placedLabels('backend', backend.ref) : {}) };
      connection.runtime.metrics.add(`${labels.family}_backend_requests_total`, counted);
      if (backend) place.backend = named(backend.ref);
      labels.backend = counted;
      // Each try has headers of its own: a filter that adds must not add twice.
      const copy: Exchange = { ...exchange, headers: { ...exchange.headers } };
      if (backend) apply(backend.filters, copy);
      if (!backend || (!backend.authority && !backend.address)) {
        throw new Rejected(500, 13, 'unexpected', 'backend not found', { told: 'unexpected error', closes: true });
      }
      const { authority } = backend;
      return {
        headers: copy.headers,
        filters: [...backend.filters, ...rule.filters],
        pick: authority ? () => connection.balancer(authority).pick() : async () => connection.direct,
      };
    },
  };
}

/** What a filter made of a request, as an error. */
function rejectionOf(outcome: FilterOutcome): Rejected {
  const { status } = outcome;
  if (outcome.type === 'redirect') {
    const { location } = outcome;
    return new Rejected(status, 5, 'redirect', `request redirected to ${location}`, { told: 'redirected', location });
  }
  if (outcome.type === 'invalid')
    return new Rejected(status, 13, 'unexpected', outcome.message, { told: 'unexpected error', closes: true });
  const reason = STATUS_CODES[status];
  const text = `HTTP request configured to fail with ${status}${reason ? ` ${reason}` : ''}: ${outcome.message}`;
  return new Rejected(status, outcome.grpc, 'fail', text, { told: outcome.message });
}

function profilePlan(connection: OutboundConnection, profile: ServiceProfile, exchange: Exchange): Plan {
  const { target, budget } = connection;
  const route = profileRoute(profile, exchange);
  budget?.deposit();
  const authority = () => weighted(profile.overrides)?.authority ?? target!.authority;
  return {
    filters: [],
    timeouts: route?.timeoutMs ? { requestMs: route.timeoutMs } : {},
    counted: countedRoute('outbound', target!.authority, profile, route),
    ...(route?.isRetryable
      ? {
          retry: {
            limit: Number.POSITIVE_INFINITY,
            wants: (answer) =>
              profileClass(route, answer.status) ??
              (answer.status >= 500 || (exchange.isGrpc && hasGrpcStatus(answer, GRPC_FAILURE_CODES))),
            mayRetry: () => budget?.withdraw() ?? false,
            isAtOnce: true,
          },
        }
      : {}),
    backend: () => {
      const to = authority();
      const headers = { ...exchange.headers, [CANONICAL_DST]: target!.authority };
      return { headers, filters: [], pick: () => connection.balancer(to).pick() };
    },
  };
}

/** One of a list at random, by weight; undefined when there is none with any. */
export function weighted<T extends { weight: number }>(list: T[]): T | undefined {
  // A single one is not weighed (linkerd/distribute).
  if (list.length === 1) return list[0];
  let at = Math.random() * list.reduce((sum, { weight }) => sum + weight, 0);
  for (const each of list) {
    at -= each.weight;
    if (at < 0) return each;
  }
  return list.find(({ weight }) => weight > 0);
}

/** The route of bytes that are no HTTP. */
export const streamRoute = (policy: OutboundPolicy, sni: string | undefined): StreamRoute | undefined =>
  policy.streams
    .map((each) => ({ each, rank: sniRank(each.snis, sni) }))
    .filter(({ rank }) => rank !== undefined)
    .sort((a, b) => b.rank! - a.rank!)[0]?.each;

/** Where a route sends them: undefined when it closes them. */
export function streamBackend(route: StreamRoute | undefined): OutboundBackend | undefined {
  if (!route || route.forbidden) return undefined;
  const backend = weighted(route.backends);
  return backend && (backend.authority || backend.address) ? backend : undefined;
}

/** How well a server name fits: exact over the longest suffix over none at all. */
function sniRank(snis: string[], sni: string | undefined): number | undefined {
  if (snis.length === 0) return 0;
  const name = sni?.toLowerCase();
  if (name === undefined) return undefined;
  const ranks = snis.map((each) => {
    const want = each.toLowerCase();
    if (want === name) return 1_000;
    return want.startsWith('*.') && name.endsWith(want.slice(1)) ? want.length : 0;
  });
  const best = Math.max(...ranks);
  return best > 0 ? best : undefined;
}
