import type { Method } from './grpc.ts';
import { extend, message } from './protobuf.ts';
import { duration, httpMethod, metadata, tcpAddress } from './types.ts';

const dnsLike = message({ name: [1, 'string'] });
const tlsIdentity = message({
  dns_like_identity: [1, dnsLike, 'oneof Strategy'],
  uri_like_identity: [3, message({ uri: [1, 'string'] }), 'oneof Strategy'],
  server_name: [4, dnsLike],
});
const protocolHint = message({
  h2: [1, message({}), 'oneof Protocol'],
  opaque_transport: [2, message({ inbound_port: [1, 'uint32'] })],
  opaque: [3, message({}), 'oneof Protocol'],
});
const http2Params = message({
  keep_alive: [2, message({ interval: [1, duration], timeout: [2, duration], while_idle: [3, 'bool'] })],
});
export const weightedAddr = message({
  addr: [1, tcpAddress],
  weight: [3, 'uint32'],
  metric_labels: [4, 'string', 'map'],
  tls_identity: [5, tlsIdentity],
  protocol_hint: [6, protocolHint],
  authority_override: [7, message({ authority_override: [1, 'string'] })],
  http2: [8, http2Params],
  resource_ref: [9, metadata],
});
const update = message({
  add: [1, message({ addrs: [1, weightedAddr, 'repeated'], metric_labels: [2, 'string', 'map'] }), 'oneof Update'],
  remove: [2, message({ addrs: [1, tcpAddress, 'repeated'] }), 'oneof Update'],
  no_endpoints: [3, message({ exists: [1, 'bool'] }), 'oneof Update'],
});

const requestMatch = message({});
const requests = message({ matches: [1, requestMatch, 'repeated'] });
extend(requestMatch, {
  all: [1, requests, 'oneof Match'],
  any: [2, requests, 'oneof Match'],
  not: [3, requestMatch, 'oneof Match'],
  path: [4, message({ regex: [1, 'string'] }), 'oneof Match'],
  method: [5, httpMethod, 'oneof Match'],
});
const responseMatch = message({});
const responses = message({ matches: [1, responseMatch, 'repeated'] });
extend(responseMatch, {
  all: [1, responses, 'oneof Match'],
  any: [2, responses, 'oneof Match'],
  not: [3, responseMatch, 'oneof Match'],
  status: [4, message({ min: [1, 'uint32'], max: [2, 'uint32'] }), 'oneof Match'],
});
const route = message({
  condition: [1, requestMatch],
  response_classes: [2, message({ condition: [1, responseMatch], is_failure: [2, 'bool'] }), 'repeated'],
  metrics_labels: [3, 'string', 'map'],
  is_retryable: [4, 'bool'],
  timeout: [5, duration],
});
const profile = message({
  fully_qualified_name: [5, 'string'],
  opaque_protocol: [4, 'bool'],
  routes: [1, route, 'repeated'],
  retry_budget: [2, message({ retry_ratio: [1, 'float'], min_retries_per_second: [2, 'uint32'], ttl: [3, duration] })],
  dst_overrides: [
    3,
    message({ authority: [1, 'string'], weight: [2, 'uint32'], backend_ref: [3, metadata] }),
    'repeated',
  ],
  endpoint: [6, weightedAddr],
  parent_ref: [7, metadata],
  profile_ref: [8, metadata],
});
const getDestination = message({ scheme: [1, 'string'], path: [2, 'string'], context_token: [3, 'string'] });

const SERVICE = '/io.linkerd.proxy.destination.Destination';
export const GET: Method = { path: `${SERVICE}/Get`, request: getDestination, response: update };
export const GET_PROFILE: Method = { path: `${SERVICE}/GetProfile`, request: getDestination, response: profile };
