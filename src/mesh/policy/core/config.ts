/**
 * What the policy controller tells a proxy about one port of one pod. Plain JSON: it is computed from objects of the
 * API, travels over the network and is what `decide` looks at. The shapes follow inbound.proto of linkerd2-proxy-api.
 */

/** Names a resource in metrics and logs. Built-in ones have group "" and kind `default`. */
export interface Ref {
  group: string;
  kind: string;
  name: string;
}

export const builtIn = (name: string): Ref => ({ group: '', kind: 'default', name });

/** `detect` is `unknown` in a Server. */
export type Protocol = 'detect' | 'http1' | 'http2' | 'grpc' | 'opaque' | 'tls';

export interface NetworkMatch {
  cidr: string;
  except: string[];
}

/** `exact` also holds SPIFFE URIs; `suffix` is without `*.`, the empty suffix is every DNS identity. */
export type IdentityMatch = { exact: string } | { suffix: string };

export type Authentication =
  | { kind: 'unauthenticated' }
  /** TLS terminated by this proxy, client certificate not needed. */
  | { kind: 'tls-unauthenticated' }
  | { kind: 'tls'; identities: IdentityMatch[] };

export interface Authorization {
  ref: Ref;
  networks: NetworkMatch[];
  authentication: Authentication;
}

export type ValueMatch = { type: 'Exact'; value: string } | { type: 'RegularExpression'; value: string };

export interface HttpMatch {
  path?: { type: 'Exact' | 'PathPrefix' | 'RegularExpression'; value: string };
  headers: (ValueMatch & { name: string })[];
  queryParams: (ValueMatch & { name: string })[];
  method?: string;
}

export interface GrpcMatch {
  service?: string;
  method?: string;
  headers: (ValueMatch & { name: string })[];
}

export interface HeaderModifier {
  set: { name: string; value: string }[];
  add: { name: string; value: string }[];
  remove: string[];
}

export interface Redirect {
  scheme?: string;
  hostname?: string;
  port?: number;
  path?: { type: 'ReplaceFullPath' | 'ReplacePrefixMatch'; value: string };
  statusCode: number;
}

export type Filter =
  | { type: 'RequestHeaderModifier'; modifier: HeaderModifier }
  | { type: 'ResponseHeaderModifier'; modifier: HeaderModifier }
  | { type: 'RequestRedirect'; redirect: Redirect }
  /** Answers at once: `status` to HTTP clients, `grpc` to gRPC clients. */
  | { type: 'FailureInjector'; status: number; grpc: number; message: string };

export interface Rule<Match> {
  /** Empty: every request matches. */
  matches: Match[];
  filters: Filter[];
}

interface RouteOf<Kind, Match> {
  protocol: Kind;
  ref: Ref;
  /** Set for routes that are objects. */
  namespace?: string;
  /** Empty: every host. `*.` starts a suffix. */
  hosts: string[];
  rules: Rule<Match>[];
  /** In addition to those of the server. */
  authorizations: Authorization[];
}
export type HttpRoute = RouteOf<'http', HttpMatch>;
export type GrpcRoute = RouteOf<'grpc', GrpcMatch>;
export type InboundRoute = HttpRoute | GrpcRoute;

export interface RateLimit {
  ref: Ref;
  namespace: string;
  totalRps?: number;
  identityRps?: number;
  overrides: { rps: number; identities: string[] }[];
}

export interface InboundConfig {
  server: Ref;
  /** Set when the server is an object. */
  namespace?: string;
  port: number;
  protocol: Protocol;
  detectTimeoutMs: number;
  authorizations: Authorization[];
  /** In the order of their age; none on opaque and TLS servers. */
  routes: InboundRoute[];
  rateLimit?: RateLimit;
}

/** How a connection's client presented itself. `alpn` is the protocol that was agreed on with it. */
export type ClientTls =
  /** TLS ended at this proxy; without a client certificate there is no identity. */
  | { kind: 'established'; identity?: string; alpn?: string }
  | { kind: 'none'; reason: 'no_tls_from_remote' | 'port_skipped' | 'loopback' }
  /** TLS that is passed on to the application. */
  | { kind: 'opaque'; sni: string };

export interface Client {
  ip: string;
  tls: ClientTls;
}

/** A request as the rules see it. Header names are lower case; `host` may carry a port. */
export interface HttpRequest {
  method: string;
  /** With the query. */
  path: string;
  host: string;
  headers: Record<string, string | string[] | undefined>;
}
