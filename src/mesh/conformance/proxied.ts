import { type ConformanceCase, sourceOf } from './case-file.ts';
import { dangling, identity, loopback, network, serverLevel, suffix, tlsUnauthenticated } from './proxied-clients.ts';
import {
  badGateway,
  grpcRoute,
  headerFilter,
  http1ToGrpc,
  httpRoute,
  notHttp,
  opaque,
  plainHttp1,
  precedence,
  upgraded,
  upgradedToHttp2,
} from './proxied-requests.ts';
import type { Play } from './proxied-room.ts';

const BY_SOURCE: Record<string, Play> = {
  'tests::unauthenticated_allowed': network,
  'tests::unauthenticated_denied': network,
  'tests::authenticated_identity': suffix,
  'tests::authenticated_suffix': suffix,
  'tests::tls_unauthenticated': tlsUnauthenticated,
  'tests::http_route': httpRoute,
  'tests::http_filter_header': headerFilter,
  'tests::grpc_route': grpcRoute,
  'tests::http1_bad_gateway_meshed_response_error_header': badGateway(true, false),
  'tests::http1_bad_gateway_unmeshed_response': badGateway(false, false),
  'tests::grpc_meshed_response_error_header': badGateway(true, true),
  'tests::grpc_unmeshed_response_error_header': badGateway(false, true),
  'tests::detect_tls_opaque': opaque,
  'tests::detect_http_non_http': notHttp,
  'tests::detect_http': upgraded,
  'tests::hinted_http1_supports_http2': upgraded,
  'tests::hinted_http1': plainHttp1,
  'tests::hinted_http2': upgradedToHttp2,
};

/** Cases that were read from code, by what their titles say. */
const BY_TITLE: [RegExp, Play][] = [
  [/loopback/, loopback],
  [/gRPC Server has no automatic probe route/, http1ToGrpc],
  [/dangling/, dangling],
  [/Server-level authorizations/, serverLevel],
  [/precedence/, precedence],
];

/** The play for a case of the proxy's own tests, or read from code; undefined where there is none. */
export function proxyPlay(of: ConformanceCase): Play | undefined {
  const source = sourceOf(of);
  if (source.startsWith('policy::is_')) return identity;
  return BY_SOURCE[source] ?? BY_TITLE.find(([pattern]) => pattern.test(of.title))?.[1];
}
