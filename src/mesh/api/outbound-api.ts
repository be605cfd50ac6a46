import { weightedAddr } from './destination-api.ts';
import type { Method } from './grpc.ts';
import { type MessageType, message } from './protobuf.ts';
import {
  duration,
  grpcFailureInjector,
  grpcRouteMatch,
  headerModifier,
  hostMatch,
  httpFailureInjector,
  httpRouteMatch,
  metadata,
  requestRedirect,
  tcpAddress,
  timeouts,
} from './types.ts';

const backoff = message({
  min_backoff: [1, duration],
  max_backoff: [2, duration],
  jitter_ratio: [3, 'float'],
  respect_retry_after_hint: [4, 'bool'],
});
const backend = message({
  metadata: [1, metadata],
  forward: [2, weightedAddr, 'oneof'],
  balancer: [
    3,
    message({
      discovery: [1, message({ dst: [1, message({ path: [1, 'string'] }), 'oneof'] })],
      peak_ewma: [2, message({ default_rtt: [1, duration], decay: [2, duration] }), 'oneof Load'],
      penalty_peak_ewma: [
        3,
        message({
          default_rtt: [1, duration],
          decay: [2, duration],
          penalty: [3, duration],
          max_retry_after: [4, duration],
          penalty_decay: [5, duration],
        }),
        'oneof Load',
      ],
    }),
    'oneof',
  ],
  queue: [4, message({ capacity: [1, 'uint32'], failfast_timeout: [2, duration] })],
});

/** Each kind of route has its own distribution, because backends carry filters of that kind. */
function distribution(filter: MessageType): MessageType {
  const routeBackend = message({ backend: [1, backend], filters: [3, filter, 'repeated'] });
  const weighted = message({ backend: [1, routeBackend], weight: [2, 'uint32'] });
  return message({
    empty: [1, message({}), 'oneof'],
    first_available: [2, message({ backends: [1, routeBackend, 'repeated'] }), 'oneof'],
    random_available: [3, message({ backends: [1, weighted, 'repeated'] }), 'oneof'],
  });
}

const httpFilter = message({
  failure_injector: [1, httpFailureInjector, 'oneof'],
  request_header_modifier: [2, headerModifier, 'oneof'],
  redirect: [3, requestRedirect, 'oneof'],
  response_header_modifier: [4, headerModifier, 'oneof'],
});
const retry = (conditions: MessageType) =>
  message({
    max_retries: [1, 'uint32'],
    max_request_bytes: [2, 'uint32'],
    conditions: [3, conditions],
    timeout: [4, duration],
    backoff: [5, backoff],
  });
const httpRoute = message({
  metadata: [1, metadata],
  hosts: [2, hostMatch, 'repeated'],
  rules: [
    3,
    message({
      matches: [1, httpRouteMatch, 'repeated'],
      filters: [2, httpFilter, 'repeated'],
      backends: [3, distribution(httpFilter)],
      requestTimeout: [4, duration],
      timeouts: [5, timeouts],
      retry: [
        6,
        retry(message({ status_ranges: [1, message({ start: [1, 'uint32'], end: [2, 'uint32'] }), 'repeated'] })),
      ],
      allow_l5d_request_headers: [7, 'bool'],
    }),
    'repeated',
  ],
});
const grpcFilter = message({
  failure_injector: [1, grpcFailureInjector, 'oneof'],
  request_header_modifier: [2, headerModifier, 'oneof'],
});
const grpcRoute = message({
  metadata: [1, metadata],
  hosts: [2, hostMatch, 'repeated'],
  rules: [
    3,
    message({
      matches: [1, grpcRouteMatch, 'repeated'],
      filters: [2, grpcFilter, 'repeated'],
      backends: [3, distribution(grpcFilter)],
      requestTimeout: [4, duration],
      timeouts: [5, timeouts],
      retry: [
        6,
        retry(
          message({
            cancelled: [1, 'bool'],
            deadine_exceeded: [4, 'bool'],
            resource_exhausted: [8, 'bool'],
            internal: [13, 'bool'],
            unavailable: [14, 'bool'],
          }),
        ),
      ],
      allow_l5d_request_headers: [7, 'bool'],
    }),
    'repeated',
  ],
});
const streamFilter = message({
  invalid: [1, message({ message: [1, 'string'] }), 'oneof'],
  forbidden: [2, message({}), 'oneof'],
});
const streamRule = message({ backends: [1, distribution(streamFilter)], filters: [2, streamFilter, 'repeated'] });
const opaqueRoute = message({ metadata: [1, metadata], rules: [3, streamRule, 'repeated'] });
const tlsRoute = message({
  metadata: [1, metadata],
  snis: [2, hostMatch, 'repeated'],
  rules: [3, streamRule, 'repeated'],
});
const accrual = message({
  consecutive_failures: [1, message({ max_failures: [1, 'uint32'], backoff: [2, backoff] }), 'oneof'],
  unified: [
    2,
    message({
      success_rate_threshold: [1, 'double'],
      decay: [2, duration],
      min_requests: [3, 'uint32'],
      max_consecutive_failures: [4, 'uint32'],
      backoff: [5, backoff],
    }),
    'oneof',
  ],
});
const opaque = message({ routes: [1, opaqueRoute, 'repeated'] });
const http = message({ routes: [1, httpRoute, 'repeated'], failure_accrual: [2, accrual] });
const protocol = message({
  detect: [1, message({ timeout: [1, duration], opaque: [2, opaque], http1: [3, http], http2: [4, http] }), 'oneof'],
  opaque: [2, opaque, 'oneof'],
  http1: [3, http, 'oneof'],
  http2: [4, http, 'oneof'],
  grpc: [5, message({ routes: [1, grpcRoute, 'repeated'], failure_accrual: [2, accrual] }), 'oneof'],
  tls: [6, message({ routes: [1, tlsRoute, 'repeated'] }), 'oneof'],
});

const trafficSpec = message({
  source_workload: [1, 'string'],
  addr: [2, tcpAddress, 'oneof Target'],
  authority: [3, 'string', 'oneof Target'],
});
const outboundPolicy = message({ protocol: [1, protocol], metadata: [2, metadata] });

const SERVICE = '/io.linkerd.proxy.outbound.OutboundPolicies';
export const GET_OUTBOUND: Method = { path: `${SERVICE}/Get`, request: trafficSpec, response: outboundPolicy };
export const WATCH_OUTBOUND: Method = { path: `${SERVICE}/Watch`, request: trafficSpec, response: outboundPolicy };
