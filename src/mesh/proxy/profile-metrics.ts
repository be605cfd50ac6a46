import { classified } from './classify.ts';
import type { Answer, Exchange } from './exchange.ts';
import { RequestSeries } from './request-series.ts';
import type { ProxyRuntime } from './runtime.ts';
import type { ProfileRoute, ServiceProfile } from './service-profile.ts';

/** What is counted of the requests of one route of a ServiceProfile. */
export interface CountedRoute {
  route: ProfileRoute | undefined;
  series: RequestSeries;
}

const counted = new WeakMap<ServiceProfile, Map<string, CountedRoute>>();

/** A route's counters; `dst` is `host:port` of the Service. Without a route: the requests that none of them takes. */
export function countedRoute(
  direction: 'inbound' | 'outbound',
  dst: string,
  profile: ServiceProfile,
  route: ProfileRoute | undefined,
): CountedRoute {
  let routes = counted.get(profile);
  if (!routes) {
    routes = new Map();
    counted.set(profile, routes);
  }
  const key = `${direction} ${dst} ${route?.name ?? ''}`;
  let found = routes.get(key);
  if (!found) {
    found = { route, series: new RequestSeries({ direction, dst, ...(route ? { rt_route: route.name } : {}) }) };
    routes.set(key, found);
  }
  return found;
}

/** Counts a response under `route_response_…` when it is over. */
export function recordProfileRoute(
  { metrics, clock }: ProxyRuntime,
  { route, series }: CountedRoute,
  exchange: Exchange,
  answer: Answer,
  startedAt: number,
): void {
  exchange.onDone((complete) => {
    const { failed, grpcStatus } = classified(answer, complete, route);
    metrics.add('route_response_total', series.response(answer.status, failed, grpcStatus));
    metrics.observe('route_response_latency_ms', series.latency(answer.status), clock.now() - startedAt);
  });
}

/** The same of one try of several: as soon as it is given up, or when the request is over. */
export function recordTry(
  { metrics }: ProxyRuntime,
  { route, series }: CountedRoute,
  exchange: Exchange,
  answer: Answer,
  isLast: boolean,
): void {
  const count = (complete: boolean) => {
    const { failed, grpcStatus } = classified(answer, complete, route);
    metrics.add('route_actual_response_total', series.response(answer.status, failed, grpcStatus));
  };
  if (isLast) exchange.onDone(count);
  else count(true);
}

/** Counts a request that has a route to be counted for. */
export function countProfileRequest({ metrics }: ProxyRuntime, { series }: CountedRoute): void {
  metrics.add('route_request_total', series.request);
  metrics.add('route_retryable_total', series.request, 0);
  metrics.add('route_retryable_total', series.skipped, 0);
}

/** Counts a request without an answer: by `reason` where it never had a status, else by the status that the client saw. */
export function recordProfileFailure(
  runtime: ProxyRuntime,
  counted: CountedRoute,
  exchange: Exchange,
  { status, startedAt, reason }: { status: number; startedAt: number; reason: 'timeout' | 'unclassified' | undefined },
): void {
  const { metrics } = runtime;
  if (reason) {
    const failure = counted.series.failure(reason);
    metrics.add('route_response_total', failure);
    // A timeout cuts the tries from outside: none of them ended.
    if (reason !== 'timeout') metrics.add('route_actual_response_total', failure);
    return;
  }
  const answer: Answer = { status, headers: {} };
  recordTry(runtime, counted, exchange, answer, true);
  recordProfileRoute(runtime, counted, exchange, answer, startedAt);
}
