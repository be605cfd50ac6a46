import { tcpMessage } from '#mesh/api/addresses.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { durationOf } from '#mesh/api/types.ts';
import type { GrpcMatch, HttpMatch } from '../core/config.ts';
import type {
  OutboundBackendConfig,
  OutboundConfig,
  OutboundRouteConfig,
  OutboundRuleConfig,
  PlacedRef,
} from '../core/outbound-config.ts';
import type { AccrualSettings, LoadSettings, RetrySettings } from '../core/outbound-settings.ts';
import { filterMessage, grpcMatchMessage, hostMessage, httpMatchMessage, listed, refMessage } from './matches.ts';

/** Constants of policy-controller/grpc/src/outbound.rs. */
const QUEUE = { capacity: 100, failfast_timeout: { seconds: 3 } };
const EWMA = { default_rtt: { nanos: 30_000_000 }, decay: { seconds: 10 } };
const RETRY_BYTES = 64 * 1024;
const RETRY_BACKOFF = { min_backoff: durationOf(25), max_backoff: durationOf(250), jitter_ratio: 1 };

interface Writing {
  clusterDomain: string;
  load: LoadSettings | undefined;
}

/** `OutboundConfig` as outbound.proto's OutboundPolicy. */
export function outboundMessage(config: OutboundConfig, clusterDomain: string): Message {
  const writing: Writing = { clusterDomain, load: config.load };
  const routes = config.routes.map((route) => routeMessage(route, writing));
  const accrual = config.accrual ? { failure_accrual: accrualMessage(config.accrual) } : {};
  const http = () => ({ ...listed('routes', routes), ...accrual });
  return { protocol: protocolMessage(), metadata: placedMessage(config.parent) };

  function protocolMessage(): Message {
    switch (config.protocol) {
      case 'detect':
        return {
          detect: {
            timeout: { seconds: 10 },
            opaque: { routes: config.opaque ? [routeMessage(config.opaque, writing)] : [] },
            http1: http(),
            http2: http(),
          },
        };
      case 'http1':
      case 'http2':
      case 'grpc':
        return { [config.protocol]: http() };
      default:
        return { [config.protocol]: listed('routes', routes) };
    }
  }
}

const placedMessage = (ref: PlacedRef): Message =>
  ref.kind === 'default' ? { default: ref.name } : { resource: { ...ref } };

function routeMessage(route: OutboundRouteConfig, writing: Writing): Message {
  const metadata = refMessage(route.ref, route.namespace);
  const rules = route.rules.map((rule) => ruleMessage(route, rule, writing));
  if (route.protocol === 'tcp') return { metadata, rules };
  return {
    metadata,
    ...listed(route.protocol === 'tls' ? 'snis' : 'hosts', route.hosts.map(hostMessage)),
    rules,
  };
}

function ruleMessage(route: OutboundRouteConfig, rule: OutboundRuleConfig, writing: Writing): Message {
  const backends = distributionMessage(rule, route.protocol, writing);
  if (route.protocol === 'tcp' || route.protocol === 'tls') {
    return { backends, ...(rule.forbidden ? { filters: [{ forbidden: {} }] } : {}) };
  }
  const grpc = route.protocol === 'grpc';
  const matches = rule.matches.map((match) =>
    grpc ? grpcMatchMessage(match as GrpcMatch) : httpMatchMessage(match as HttpMatch),
  );
  const { requestMs, responseMs, idleMs } = rule.timeouts;
  return {
    ...listed('matches', matches),
    ...listed(
      'filters',
      rule.filters.map((each) => filterMessage(each, grpc)),
    ),
    backends,
    ...(requestMs ? { requestTimeout: durationOf(requestMs) } : {}),
    timeouts: {
      ...(responseMs ? { response: durationOf(responseMs) } : {}),
      ...(requestMs ? { request: durationOf(requestMs) } : {}),
      ...(idleMs ? { idle: durationOf(idleMs) } : {}),
    },
    ...(rule.retry ? { retry: retryMessage(rule.retry, grpc) } : {}),
  };
}

function distributionMessage(
  rule: OutboundRuleConfig,
  protocol: OutboundRouteConfig['protocol'],
  writing: Writing,
): Message {
  const { backends } = rule;
  if (backends.length === 0) return { empty: {} };
  const message = (each: OutboundBackendConfig) => backendMessage(each, protocol, writing);
  if (rule.builtIn) return { first_available: { backends: backends.map(message) } };
  return {
    random_available: { backends: backends.map((each) => ({ backend: message(each), weight: each.weight })) },
  };
}

function backendMessage(
  backend: OutboundBackendConfig,
  protocol: OutboundRouteConfig['protocol'],
  { clusterDomain, load }: Writing,
): Message {
  const metadata = placedMessage(backend.ref);
  const grpc = protocol === 'grpc';
  if (backend.problem !== undefined) {
    const http = grpc ? { code: 500, message: backend.problem } : { status: 500, message: backend.problem };
    const stream = protocol === 'tcp' || protocol === 'tls';
    const filter = stream ? { invalid: { message: backend.problem } } : { failure_injector: http };
    return { backend: { metadata, queue: QUEUE }, filters: [filter] };
  }
  const filters = listed(
    'filters',
    backend.filters.map((each) => filterMessage(each, grpc)),
  );
  if (backend.address) {
    const { ip, port } = backend.address;
    return {
      backend: { metadata, forward: { addr: tcpMessage(ip, port), weight: backend.weight }, queue: QUEUE },
      ...filters,
    };
  }
  const { name, namespace, port } = backend.service!;
  const path = `${name}.${namespace}.svc.${clusterDomain}:${port}`;
  return {
    backend: {
      metadata,
      balancer: { discovery: { dst: { path } }, ...loadMessage(load) },
      queue: QUEUE,
    },
    ...filters,
  };
}

const loadMessage = (load: LoadSettings | undefined): Message =>
  load
    ? {
        penalty_peak_ewma: {
          ...EWMA,
          penalty: durationOf(load.penaltyMs),
          max_retry_after: durationOf(load.maxRetryAfterMs),
          penalty_decay: { seconds: 10 },
        },
      }
    : { peak_ewma: EWMA };

const retryMessage = (retry: RetrySettings, grpc: boolean): Message => ({
  max_retries: retry.limit,
  max_request_bytes: RETRY_BYTES,
  conditions: grpc
    ? Object.fromEntries(
        // The schema spells this one without its second l.
        retry.grpc.map((name) => [name === 'deadline-exceeded' ? 'deadine_exceeded' : name.replace('-', '_'), true]),
      )
    : listed(
        'status_ranges',
        retry.statuses.map(({ from, to }) => ({ start: from, end: to })),
      ),
  ...(retry.timeoutMs ? { timeout: durationOf(retry.timeoutMs) } : {}),
  backoff: RETRY_BACKOFF,
});

function accrualMessage(accrual: AccrualSettings): Message {
  const backoff = {
    min_backoff: durationOf(accrual.minPenaltyMs),
    max_backoff: durationOf(accrual.maxPenaltyMs),
    jitter_ratio: accrual.jitterRatio,
    ...(accrual.honorRetryAfter ? { respect_retry_after_hint: true } : {}),
  };
  if (!accrual.successRate) return { consecutive_failures: { max_failures: accrual.maxFailures, backoff } };
  const { threshold, windowMs, minRequests } = accrual.successRate;
  return {
    unified: {
      success_rate_threshold: threshold,
      decay: durationOf(windowMs),
      min_requests: minRequests,
      max_consecutive_failures: accrual.maxFailures,
      backoff,
    },
  };
}
