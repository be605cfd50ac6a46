import type { Method } from './grpc.ts';
import { extend, type MessageType, message } from './protobuf.ts';
import { duration, headers, httpMethod, ipAddress, scheme, tcpAddress } from './types.ts';

/** io.linkerd.proxy.tap: what a proxy tells of the requests that pass through it. */

const stringMatch = message({ exact: [1, 'string', 'oneof Match'], prefix: [2, 'string', 'oneof Match'] });
const tcp = message({
  netmask: [1, message({ ip: [1, ipAddress], mask: [2, 'uint32'] }), 'oneof Match'],
  ports: [3, message({ min: [1, 'uint32'], max: [2, 'uint32'] }), 'oneof Match'],
});
const http = message({
  scheme: [1, scheme, 'oneof Match'],
  authority: [2, stringMatch, 'oneof Match'],
  method: [3, httpMethod, 'oneof Match'],
  path: [4, stringMatch, 'oneof Match'],
});
const label = message({ key: [1, 'string'], value: [2, 'string'] });
const match: MessageType = message({});
const matches = message({ matches: [1, match, 'repeated'] });
extend(match, {
  all: [1, matches, 'oneof Match'],
  any: [2, matches, 'oneof Match'],
  not: [3, match, 'oneof Match'],
  source: [4, tcp, 'oneof Match'],
  destination: [5, tcp, 'oneof Match'],
  http: [6, http, 'oneof Match'],
  destination_label: [7, label, 'oneof Match'],
  route_label: [8, label, 'oneof Match'],
});

/** What is told beside the bare facts: `http.headers` present, headers and trailers. */
export const extract = message({
  http: [1, message({ headers: [1, message({}), 'oneof Extract'] }), 'oneof Extract'],
});

export const INBOUND = 1;
export const OUTBOUND = 2;

/** An event; the viz extension's differs from the proxy's in how headers are written only. */
export function tapEvent(headersType: MessageType): MessageType {
  const labels = message({ labels: [1, 'string', 'map'] });
  const id = message({ base: [1, 'uint32'], stream: [2, 'int64'] });
  const eos = message({
    grpc_status_code: [1, 'uint32', 'oneof End'],
    reset_error_code: [2, 'uint32', 'oneof End'],
  });
  const requestInit = message({
    id: [1, id],
    method: [2, httpMethod],
    scheme: [3, scheme],
    authority: [4, 'string'],
    path: [5, 'string'],
    headers: [6, headersType],
  });
  const responseInit = message({
    id: [1, id],
    since_request_init: [2, duration],
    http_status: [3, 'uint32'],
    headers: [4, headersType],
  });
  const responseEnd = message({
    id: [1, id],
    since_request_init: [2, duration],
    since_response_init: [3, duration],
    response_bytes: [4, 'int64'],
    eos: [5, eos],
    trailers: [6, headersType],
  });
  const event = message({
    request_init: [1, requestInit, 'oneof Event'],
    response_init: [2, responseInit, 'oneof Event'],
    response_end: [3, responseEnd, 'oneof Event'],
  });
  return message({
    source: [1, tcpAddress],
    destination: [2, tcpAddress],
    http: [3, event, 'oneof Event'],
    destination_meta: [4, labels],
    source_meta: [5, labels],
    proxy_direction: [6, 'uint32'],
    route_meta: [7, labels],
  });
}

/** io.linkerd.proxy.tap.Tap */
export const OBSERVE: Method = {
  path: '/io.linkerd.proxy.tap.Tap/Observe',
  request: message({ limit: [1, 'uint32'], match: [2, match], extract: [3, extract] }),
  response: tapEvent(headers),
};
