import type { Method } from './grpc.ts';
import { message } from './protobuf.ts';
import {
  duration,
  grpcFailureInjector,
  grpcRouteMatch,
  headerModifier,
  hostMatch,
  httpFailureInjector,
  httpRouteMatch,
  ipAddress,
  ipNetwork,
  metadata,
  requestRedirect,
} from './types.ts';

const network = message({ net: [1, ipNetwork], except: [2, ipNetwork, 'repeated'] });
const none = message({});
const identity = message({ name: [1, 'string'] });
const identities = message({
  identities: [1, identity, 'repeated'],
  suffixes: [2, message({ parts: [1, 'string', 'repeated'] }), 'repeated'],
});
const authn = message({
  unauthenticated: [1, none, 'oneof Permit'],
  meshTLS: [
    2,
    message({ unauthenticated: [1, none, 'oneof Clients'], identities: [2, identities, 'oneof Clients'] }),
    'oneof Permit',
  ],
});
const authz = message({
  networks: [1, network, 'repeated'],
  authentication: [2, authn],
  labels: [3, 'string', 'map'],
  metadata: [4, metadata],
});
const httpFilter = message({
  failure_injector: [1, httpFailureInjector, 'oneof'],
  request_header_modifier: [2, headerModifier, 'oneof'],
  redirect: [3, requestRedirect, 'oneof'],
});
const httpRoute = message({
  metadata: [1, metadata],
  hosts: [2, hostMatch, 'repeated'],
  authorizations: [3, authz, 'repeated'],
  rules: [4, message({ matches: [1, httpRouteMatch, 'repeated'], filters: [2, httpFilter, 'repeated'] }), 'repeated'],
});
const grpcFilter = message({
  failure_injector: [1, grpcFailureInjector, 'oneof'],
  request_header_modifier: [2, headerModifier, 'oneof'],
});
const grpcRoute = message({
  metadata: [1, metadata],
  hosts: [2, hostMatch, 'repeated'],
  authorizations: [3, authz, 'repeated'],
  rules: [4, message({ matches: [1, grpcRouteMatch, 'repeated'], filters: [2, grpcFilter, 'repeated'] }), 'repeated'],
});
const limit = message({ requestsPerSecond: [1, 'uint32'] });
const rateLimit = message({
  metadata: [1, metadata],
  total: [2, limit],
  identity: [3, limit],
  overrides: [
    4,
    message({ limit: [1, limit], clients: [2, message({ identities: [1, identity, 'repeated'] })] }),
    'repeated',
  ],
});
const http = message({ routes: [2, httpRoute, 'repeated'], local_rate_limit: [3, rateLimit] });
const protocol = message({
  detect: [
    1,
    message({
      timeout: [1, duration],
      http_routes: [3, httpRoute, 'repeated'],
      http_local_rate_limit: [4, rateLimit],
    }),
    'oneof',
  ],
  opaque: [2, none, 'oneof'],
  tls: [3, none, 'oneof'],
  http1: [4, http, 'oneof'],
  http2: [5, http, 'oneof'],
  grpc: [6, message({ routes: [2, grpcRoute, 'repeated'] }), 'oneof'],
});
const portSpec = message({ workload: [1, 'string'], port: [2, 'uint32'] });
const server = message({
  protocol: [1, protocol],
  server_ips: [2, ipAddress, 'repeated'],
  authorizations: [3, authz, 'repeated'],
  labels: [4, 'string', 'map'],
});

const SERVICE = '/io.linkerd.proxy.inbound.InboundServerPolicies';
export const GET_PORT: Method = { path: `${SERVICE}/GetPort`, request: portSpec, response: server };
export const WATCH_PORT: Method = { path: `${SERVICE}/WatchPort`, request: portSpec, response: server };
