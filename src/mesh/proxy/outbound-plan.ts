import type { Headers } from '#mesh/http2/headers.ts';
import type { Filter } from '#mesh/policy/core/config.ts';
import { findRoute, type Routable } from '#mesh/policy/core/match.ts';
import type { TimeoutSettings } from '#mesh/policy/core/outbound-settings.ts';
import { GRPC_FAILURE_CODES, hasGrpcStatus } from './classify.ts';
import type { OutboundBackend, OutboundPolicy, OutboundRoute, OutboundRule } from './discovery.ts';
import type { Endpoint } from './endpoint.ts';
import type { Answer, Exchange } from './exchange.ts';
import { applyRequestFilters } from './filters.ts';
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
  /** Set when a filter answered. */
  readonly answer: Answer | undefined;
  constructor(status: number, grpc: number, kind: string, message: string, answer?: Answer) {
    super(message);
    this.status = status;
    this.grpc = grpc;
    this.kind = kind;
    this.answer = answer;
  }
}

export interface Plan {
  filters: Filter[];
  timeouts: TimeoutSettings;
  retry?: {
    limit: number;
    /** Until the head of the answer, for each try but the last. */
    timeoutMs?: number;
    wants(answer: Answer): boolean | Promise<boolean>;
    /** Takes from a budget where there is one. */
    mayRetry(): boolean;
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
  return { filters: [], timeouts: {}, backend: () => ({ headers: exchange.headers, filters: [], pick }) };
}

function policyPlan(connection: OutboundConnection, policy: OutboundPolicy, exchange: Exchange): Plan {
  const { original } = connection;
  const found = findRoute(policy.routes as (OutboundRoute & Routable)[], {
    method: exchange.method,
    path: exchange.path,
    host: exchange.authority,
    headers: exchange.headers,
  });
  if (!found) throw new Rejected(404, 5, 'no route', 'no route found for request');
  const rule = found.route.rules[found.rule]! as OutboundRule;
  const labels: RouteLabels = {
    family: routeFamily(found.route.protocol),
    parent: placedLabels('parent', policy.parent),
    route: { ...placedLabels('parent', policy.parent), ...placedLabels('route', found.route.ref) },
  };
  const apply = (filters: Filter[], to: Exchange) => {
    const answer = applyRequestFilters(to, filters, found.match, original.port);
    if (!answer) return;
    const failure = filters.find((each) => each.type === 'FailureInjector');
    if (failure?.type === 'FailureInjector') throw new Rejected(failure.status, failure.grpc, 'fail', failure.message);
    throw new Rejected(answer.status, 0, 'redirect', 'redirected', answer);
  };
  apply(rule.filters, exchange);
  const { retry } = rule;
  return {
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
      const place = { ...labels.route, ...(backend ? placedLabels('backend', backend.ref) : {}) };
      connection.runtime.metrics.add(`${labels.family}_backend_requests_total`, place);
      labels.backend = place;
      // Each try has headers of its own: a filter that adds must not add twice.
      const copy: Exchange = { ...exchange, headers: { ...exchange.headers } };
      if (backend) apply(backend.filters, copy);
      if (!backend || (!backend.authority && !backend.address)) {
        throw new Rejected(500, 13, 'unexpected', 'backend not found');
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
  let at = Math.random() * list.reduce((sum, { weight }) => sum + weight, 0);
  for (const each of list) {
    at -= each.weight;
    if (at < 0) return each;
  }
  return list.find(({ weight }) => weight > 0);
}

/** Where bytes go that are no HTTP: undefined when the route closes them. */
export function streamBackend(policy: OutboundPolicy, sni: string | undefined): OutboundBackend | undefined {
  const route = policy.streams
    .map((each) => ({ each, rank: sniRank(each.snis, sni) }))
    .filter(({ rank }) => rank !== undefined)
    .sort((a, b) => b.rank! - a.rank!)[0]?.each;
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
