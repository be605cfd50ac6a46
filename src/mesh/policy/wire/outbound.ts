import type { Message } from '#mesh/api/protobuf.ts';
import { durationOf, millisOf } from '#mesh/api/types.ts';
import type { OutboundBackend, OutboundRoute } from '#mesh/proxy/discovery.ts';
import type { GrpcMatch, HttpMatch } from '../core/config.ts';
import type {
  OutboundBackendConfig,
  OutboundConfig,
  OutboundRouteConfig,
  OutboundRuleConfig,
} from '../core/outbound.ts';
import type { AccrualSettings, RetrySettings } from '../core/outbound-settings.ts';
import type { OutboundView } from '../outbound-source.ts';
import {
  filterFrom,
  filterMessage,
  grpcMatchFrom,
  grpcMatchMessage,
  hostFrom,
  hostMessage,
  httpMatchFrom,
  httpMatchMessage,
  listed,
  refMessage,
} from './matches.ts';

/** Constants of policy-controller/grpc/src/outbound.rs. */
const QUEUE = { capacity: 100, failfast_timeout: { seconds: 3 } };
const PEAK_EWMA = { default_rtt: { nanos: 30_000_000 }, decay: { seconds: 10 } };
const RETRY_BYTES = 64 * 1024;
const RETRY_BACKOFF = { min_backoff: durationOf(25), max_backoff: durationOf(250), jitter_ratio: 1 };

/** Where destination is asked for a Service's endpoints. */
const pathOf = (service: { namespace: string; name: string; port: number }, clusterDomain: string): string =>
  `${service.name}.${service.namespace}.svc.${clusterDomain}:${service.port}`;

/** `OutboundConfig` as outbound.proto's OutboundPolicy. */
export function outboundMessage(config: OutboundConfig, clusterDomain: string): Message {
  const routes = config.routes.map((route) => routeMessage(route, clusterDomain));
  const accrual = config.accrual ? { failure_accrual: accrualMessage(config.accrual) } : {};
  const http = () => ({ ...listed('routes', routes), ...accrual });
  const parent: Message = { resource: { ...config.parent } };
  let protocol: Message;
  switch (config.protocol) {
    case 'detect': {
      // Bytes that are no HTTP go to the Service itself.
      const [first] = config.routes;
      const backend = first?.rules[0]?.backends[0];
      const own: OutboundBackendConfig = {
        ref: { ...config.parent },
        service: { ...config.parent },
        weight: 1,
        filters: [],
      };
      const opaque: OutboundRouteConfig = {
        protocol: 'tcp',
        ref: { group: '', kind: 'default', name: 'opaq' },
        hosts: [],
        rules: [
          {
            matches: [],
            filters: [],
            backends: [backend && first.ref.kind === 'default' ? backend : own],
            timeouts: {},
          },
        ],
      };
      protocol = {
        detect: {
          timeout: { seconds: 10 },
          opaque: { routes: [routeMessage(opaque, clusterDomain)] },
          http1: http(),
          http2: http(),
        },
      };
      break;
    }
    case 'http1':
    case 'http2':
    case 'grpc':
      protocol = { [config.protocol]: http() };
      break;
    default:
      protocol = { [config.protocol]: listed('routes', routes) };
  }
  return { protocol, metadata: parent };
}

function routeMessage(route: OutboundRouteConfig, clusterDomain: string): Message {
  const meta = refMessage(route.ref, route.namespace);
  const rules = route.rules.map((rule) => ruleMessage(route, rule, clusterDomain));
  if (route.protocol === 'tcp') return { metadata: meta, rules };
  return {
    metadata: meta,
    ...listed(route.protocol === 'tls' ? 'snis' : 'hosts', route.hosts.map(hostMessage)),
    rules,
  };
}

function ruleMessage(route: OutboundRouteConfig, rule: OutboundRuleConfig, clusterDomain: string): Message {
  const backends = distributionMessage(rule.backends, clusterDomain);
  if (route.protocol === 'tcp' || route.protocol === 'tls') return { backends };
  const matches = rule.matches.map((match) =>
    route.protocol === 'grpc' ? grpcMatchMessage(match as GrpcMatch) : httpMatchMessage(match as HttpMatch),
  );
  const { requestMs, responseMs, idleMs } = rule.timeouts;
  return {
    ...listed('matches', matches),
    ...listed('filters', rule.filters.map(filterMessage)),
    backends,
    timeouts: {
      ...(responseMs ? { response: durationOf(responseMs) } : {}),
      ...(requestMs ? { request: durationOf(requestMs) } : {}),
      ...(idleMs ? { idle: durationOf(idleMs) } : {}),
    },
    ...(rule.retry ? { retry: retryMessage(rule.retry, route.protocol) } : {}),
  };
}

function distributionMessage(backends: OutboundBackendConfig[], clusterDomain: string): Message {
  const [only] = backends;
  if (!only) return { empty: {} };
  if (backends.length === 1) return { first_available: { backends: [backendMessage(only, clusterDomain)] } };
  return {
    random_available: {
      backends: backends.map((each) => ({ backend: backendMessage(each, clusterDomain), weight: each.weight })),
    },
  };
}

function backendMessage(backend: OutboundBackendConfig, clusterDomain: string): Message {
  const meta: Message = { resource: { ...backend.ref } };
  if (!backend.service) {
    return {
      backend: { metadata: { default: 'invalid' }, queue: QUEUE },
      filters: [{ failure_injector: { status: 500, message: `${backend.ref.kind} not found ${backend.ref.name}` } }],
    };
  }
  return {
    backend: {
      metadata: meta,
      balancer: { discovery: { dst: { path: pathOf(backend.service, clusterDomain) } }, peak_ewma: PEAK_EWMA },
      queue: QUEUE,
    },
    ...listed('filters', backend.filters.map(filterMessage)),
  };
}

const retryMessage = (retry: RetrySettings, protocol: 'http' | 'grpc'): Message => ({
  max_retries: retry.limit,
  max_request_bytes: RETRY_BYTES,
  conditions:
    protocol === 'http'
      ? listed(
          'status_ranges',
          retry.statuses.map(({ from, to }) => ({ start: from, end: to })),
        )
      : Object.fromEntries(
          // The schema spells this one without its second l.
          retry.grpc.map((name) => [name === 'deadline-exceeded' ? 'deadine_exceeded' : name.replace('-', '_'), true]),
        ),
  ...(retry.timeoutMs ? { timeout: durationOf(retry.timeoutMs) } : {}),
  backoff: RETRY_BACKOFF,
});

function accrualMessage(accrual: AccrualSettings): Message {
  const backoff = {
    min_backoff: durationOf(accrual.minPenaltyMs),
    max_backoff: durationOf(accrual.maxPenaltyMs),
    jitter_ratio: accrual.jitterRatio,
  };
  if (accrual.mode === 'consecutive') return { consecutive_failures: { max_failures: accrual.maxFailures, backoff } };
  return {
    unified: {
      success_rate_threshold: 0.8,
      decay: { seconds: 10 },
      min_requests: 5,
      max_consecutive_failures: accrual.maxFailures,
      backoff,
    },
  };
}

/** What a proxy reads from an OutboundPolicy: protocol, and the routes that somebody wrote. */
export function outboundViewFrom(message: Message): OutboundView {
  const [protocol = 'detect', body = {}] = Object.entries(message['protocol'] ?? {})[0] ?? [];
  const routes: Message[] =
    protocol === 'detect' ? ((body as Message)['http1']?.routes ?? []) : ((body as Message)['routes'] ?? []);
  const kind = protocol === 'grpc' ? 'grpc' : 'http';
  return {
    protocol: protocol as OutboundView['protocol'],
    routes: routes
      .filter((route) => route['metadata']?.resource || hasSettings(route))
      .filter(() => protocol !== 'opaque' && protocol !== 'tls')
      .map((route) => routeFrom(route, kind)),
  };
}

/** The default route matters only when it retries or times out. */
const hasSettings = (route: Message): boolean =>
  (route['rules'] ?? []).some((rule: Message) => rule['retry'] || Object.keys(rule['timeouts'] ?? {}).length > 0);

function routeFrom(message: Message, protocol: 'http' | 'grpc'): OutboundRoute {
  return {
    protocol,
    name: message['metadata']?.resource?.name ?? message['metadata']?.default ?? '',
    hosts: (message['hosts'] ?? []).map(hostFrom),
    rules: (message['rules'] ?? []).map((rule: Message) => {
      const request = millisOf(rule['timeouts']?.request);
      const retry: Message | undefined = rule['retry'];
      return {
        matches: (rule['matches'] ?? []).map(protocol === 'grpc' ? grpcMatchFrom : httpMatchFrom),
        filters: (rule['filters'] ?? []).map(filterFrom).filter(Boolean),
        backends: backendsFrom(rule['backends'] ?? {}),
        ...(request ? { requestTimeoutMs: request } : {}),
        ...(retry
          ? {
              retry: {
                limit: retry['max_retries'] ?? 0,
                statuses: (retry['conditions']?.status_ranges ?? []).map((range: Message) => ({
                  from: range['start'],
                  to: range['end'],
                })),
                ...(retry['timeout'] ? { timeoutMs: millisOf(retry['timeout']) } : {}),
              },
            }
          : {}),
      };
    }),
  };
}

function backendsFrom(distribution: Message): OutboundBackend[] {
  const weighted: Message[] = distribution['random_available']?.backends ?? [];
  const single: Message[] = distribution['first_available']?.backends ?? [];
  const read = (backend: Message, weight: number): OutboundBackend => {
    const path = backend['backend']?.balancer?.discovery?.dst?.path;
    return {
      ...(path ? { authority: path } : {}),
      weight,
      filters: (backend['filters'] ?? []).map(filterFrom).filter(Boolean),
    };
  };
  return [
    ...single.map((backend) => read(backend, 1)),
    ...weighted.map((each) => read(each['backend'] ?? {}, each['weight'] ?? 0)),
  ];
}
