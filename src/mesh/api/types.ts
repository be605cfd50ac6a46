import { message } from './protobuf.ts';

/** Messages that several services share: net, meta, http_types, http_route and grpc_route of linkerd2-proxy-api. */
export const duration = message({ seconds: [1, 'int64'], nanos: [2, 'uint32'] });
export const timestamp = message({ seconds: [1, 'int64'], nanos: [2, 'uint32'] });

export const ipv6 = message({ first: [1, 'fixed64'], last: [2, 'fixed64'] });
export const ipAddress = message({ ipv4: [1, 'fixed32', 'oneof Ip'], ipv6: [2, ipv6, 'oneof Ip'] });
export const ipNetwork = message({ ip: [1, ipAddress], prefix_len: [2, 'uint32'] });
export const tcpAddress = message({ ip: [1, ipAddress], port: [2, 'uint32'] });

export const resource = message({
  group: [1, 'string'],
  kind: [2, 'string'],
  name: [3, 'string'],
  namespace: [4, 'string'],
  section: [5, 'string'],
  port: [6, 'uint32'],
});
export const metadata = message({ default: [1, 'string', 'oneof'], resource: [2, resource, 'oneof'] });

/** Registered methods and schemes travel as numbers, in this order. */
export const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'HEAD', 'TRACE'];
export const SCHEMES = ['http', 'https'];
export const httpMethod = message({
  registered: [1, 'uint32', 'oneof Type'],
  unregistered: [2, 'string', 'oneof Type'],
});
export const scheme = message({ registered: [1, 'uint32', 'oneof Type'], unregistered: [2, 'string', 'oneof Type'] });
export const headers = message({
  headers: [1, message({ name: [1, 'string'], value: [2, 'bytes'] }), 'repeated'],
});

const suffix = message({ reverse_labels: [1, 'string', 'repeated'] });
export const hostMatch = message({ exact: [1, 'string', 'oneof Match'], suffix: [2, suffix, 'oneof Match'] });
const pathMatch = message({
  exact: [1, 'string', 'oneof'],
  prefix: [2, 'string', 'oneof'],
  regex: [3, 'string', 'oneof'],
});
export const headerMatch = message({
  name: [1, 'string'],
  exact: [2, 'bytes', 'oneof Value'],
  regex: [3, 'string', 'oneof Value'],
});
const queryParamMatch = message({
  name: [1, 'string'],
  exact: [2, 'string', 'oneof Value'],
  regex: [3, 'string', 'oneof Value'],
});
export const httpRouteMatch = message({
  path: [1, pathMatch],
  headers: [2, headerMatch, 'repeated'],
  query_params: [3, queryParamMatch, 'repeated'],
  method: [4, httpMethod],
});
export const headerModifier = message({
  add: [1, headers],
  set: [2, headers],
  remove: [3, 'string', 'repeated'],
});
export const requestRedirect = message({
  scheme: [1, scheme],
  host: [2, 'string'],
  path: [3, message({ full: [1, 'string', 'oneof Replace'], prefix: [2, 'string', 'oneof Replace'] })],
  port: [4, 'uint32'],
  status: [5, 'uint32'],
});
const ratio = message({ numerator: [1, 'uint32'], denominator: [2, 'uint32'] });
export const httpFailureInjector = message({ status: [1, 'uint32'], message: [2, 'string'], ratio: [3, ratio] });
export const grpcFailureInjector = message({ code: [1, 'uint32'], message: [2, 'string'], ratio: [3, ratio] });
export const timeouts = message({ response: [1, duration], request: [2, duration], idle: [3, duration] });

export const grpcRouteMatch = message({
  rpc: [1, message({ service: [1, 'string'], method: [2, 'string'] })],
  headers: [2, headerMatch, 'repeated'],
});

/** Milliseconds to a Duration; zero parts are left out, as Go prints them. */
export const durationOf = (ms: number): { seconds?: number; nanos?: number } => {
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms % 1000) * 1e6);
  return { ...(seconds ? { seconds } : {}), ...(nanos ? { nanos } : {}) };
};
export const millisOf = (value: { seconds?: number; nanos?: number } | undefined): number | undefined =>
  value && (value.seconds ?? 0) * 1000 + (value.nanos ?? 0) / 1e6;
