import { ipText } from '#mesh/api/addresses.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { millisOf } from '#mesh/api/types.ts';
import type {
  OutboundBackend,
  OutboundPolicy,
  OutboundRoute,
  OutboundRule,
  StreamRoute,
} from '#mesh/proxy/discovery.ts';
import type { Filter } from '../core/config.ts';
import type { PlacedRef } from '../core/outbound-config.ts';
import type { AccrualSettings, LoadSettings, RetrySettings } from '../core/outbound-settings.ts';
import { filterFrom, grpcMatchFrom, hostFrom, httpMatchFrom } from './matches.ts';

/** What a proxy reads from an OutboundPolicy message. */
export function outboundPolicyFrom(message: Message): OutboundPolicy {
  const kind = message['protocol'] ?? {};
  const protocol = (Object.keys(kind).find((key) => kind[key] !== undefined) ?? 'detect') as OutboundPolicy['protocol'];
  const body: Message = kind[protocol] ?? {};
  const http: Message = protocol === 'detect' ? (body['http1'] ?? {}) : body;
  const streams: Message[] =
    protocol === 'detect'
      ? (body['opaque']?.routes ?? [])
      : protocol === 'opaque' || protocol === 'tls'
        ? (body['routes'] ?? [])
        : [];
  const isHttp = protocol !== 'opaque' && protocol !== 'tls';
  const accrual = isHttp && http['failure_accrual'] ? accrualFrom(http['failure_accrual']) : undefined;
  const load = isHttp ? loadOf(http['routes'] ?? []) : undefined;
  return {
    parent: placedFrom(message['metadata']),
    protocol,
    routes: isHttp
      ? (http['routes'] ?? []).map((route: Message) => routeFrom(route, protocol === 'grpc' ? 'grpc' : 'http'))
      : [],
    streams: streams.map(streamFrom),
    ...(accrual ? { accrual } : {}),
    ...(load ? { load } : {}),
  };
}

function placedFrom(message: Message | undefined): PlacedRef {
  const resource = message?.['resource'];
  if (!resource) return { group: '', kind: 'default', name: message?.['default'] ?? '', namespace: '' };
  const { group = '', kind = '', name = '', namespace = '', port } = resource;
  return { group, kind, name, namespace, ...(port ? { port } : {}) };
}

const filtersFrom = (list: Message[] | undefined): Filter[] => (list ?? []).flatMap((each) => filterFrom(each) ?? []);

function routeFrom(message: Message, protocol: 'http' | 'grpc'): OutboundRoute {
  return {
    protocol,
    ref: placedFrom(message['metadata']),
    hosts: (message['hosts'] ?? []).map(hostFrom),
    rules: (message['rules'] ?? []).map((rule: Message): OutboundRule => {
      const { request, response, idle } = rule['timeouts'] ?? {};
      const timeouts = {
        ...(request ? { requestMs: millisOf(request)! } : {}),
        ...(response ? { responseMs: millisOf(response)! } : {}),
        ...(idle ? { idleMs: millisOf(idle)! } : {}),
      };
      return {
        matches: (rule['matches'] ?? []).map(protocol === 'grpc' ? grpcMatchFrom : httpMatchFrom),
        filters: filtersFrom(rule['filters']),
        backends: backendsFrom(rule['backends'] ?? {}),
        timeouts,
        ...(rule['retry'] ? { retry: retryFrom(rule['retry']) } : {}),
      };
    }),
  };
}

function streamFrom(message: Message): StreamRoute {
  const [rule = {}]: Message[] = message['rules'] ?? [];
  return {
    ref: placedFrom(message['metadata']),
    snis: (message['snis'] ?? []).map(hostFrom),
    forbidden: (rule['filters'] ?? []).some((each: Message) => each['forbidden'] || each['invalid']),
    backends: backendsFrom(rule['backends'] ?? {}),
  };
}

function backendsFrom(distribution: Message): OutboundBackend[] {
  const weighted: Message[] = distribution['random_available']?.backends ?? [];
  const single: Message[] = distribution['first_available']?.backends ?? [];
  const read = (message: Message, weight: number): OutboundBackend => {
    const backend: Message = message['backend'] ?? {};
    const path: string | undefined = backend['balancer']?.discovery?.dst?.path;
    const addr = backend['forward']?.addr;
    return {
      ref: placedFrom(backend['metadata']),
      ...(path ? { authority: path } : {}),
      ...(addr ? { address: { ip: ipText(addr.ip), port: addr.port ?? 0 } } : {}),
      weight,
      filters: filtersFrom(message['filters']),
    };
  };
  return [
    ...single.map((backend) => read(backend, 1)),
    ...weighted.map((each) => read(each['backend'] ?? {}, each['weight'] ?? 0)),
  ];
}

/** gRPC conditions by their status codes. */
const GRPC_CODES: Record<string, number> = {
  cancelled: 1,
  deadine_exceeded: 4,
  resource_exhausted: 8,
  internal: 13,
  unavailable: 14,
};

function retryFrom(message: Message): Omit<RetrySettings, 'grpc'> & { grpc: number[] } {
  const conditions: Message = message['conditions'] ?? {};
  return {
    limit: message['max_retries'] ?? 0,
    statuses: (conditions['status_ranges'] ?? []).map((range: Message) => ({ from: range['start'], to: range['end'] })),
    grpc: Object.entries(GRPC_CODES).flatMap(([name, code]) => (conditions[name] ? [code] : [])),
    ...(message['timeout'] ? { timeoutMs: millisOf(message['timeout'])! } : {}),
  };
}

function accrualFrom(message: Message): AccrualSettings | undefined {
  const unified: Message | undefined = message['unified'];
  const body: Message | undefined = unified ?? message['consecutive_failures'];
  if (!body) return undefined;
  const backoff: Message = body['backoff'] ?? {};
  return {
    mode: unified ? 'unified' : 'consecutive',
    maxFailures: body['max_failures'] ?? body['max_consecutive_failures'] ?? 0,
    minPenaltyMs: millisOf(backoff['min_backoff']) ?? 1_000,
    maxPenaltyMs: millisOf(backoff['max_backoff']) ?? 60_000,
    jitterRatio: backoff['jitter_ratio'] ?? 0,
    ...(unified
      ? {
          successRate: {
            threshold: unified['success_rate_threshold'] ?? 0,
            windowMs: millisOf(unified['decay']) ?? 10_000,
            minRequests: unified['min_requests'] ?? 0,
          },
          honorRetryAfter: backoff['respect_retry_after_hint'] === true,
        }
      : {}),
  };
}

/** Every balanced backend of a policy shares one estimator. */
function loadOf(routes: Message[]): LoadSettings | undefined {
  for (const route of routes) {
    for (const rule of route['rules'] ?? []) {
      const { first_available: first, random_available: random } = rule['backends'] ?? {};
      const all: Message[] = [
        ...(first?.backends ?? []),
        ...(random?.backends ?? []).map((each: Message) => each['backend']),
      ];
      for (const each of all) {
        const load = each?.['backend']?.balancer?.penalty_peak_ewma;
        if (load) {
          return { penaltyMs: millisOf(load.penalty) ?? 0, maxRetryAfterMs: millisOf(load.max_retry_after) ?? 0 };
        }
      }
    }
  }
  return undefined;
}
