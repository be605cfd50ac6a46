import type { Filter, GrpcMatch, HttpMatch, Ref } from './config.ts';
import type { AccrualSettings, LoadSettings, RetrySettings, TimeoutSettings } from './outbound-settings.ts';

/** An object that traffic is meant for, or that it is sent to. */
export type PlacedRef = Ref & { namespace: string; port?: number };

export interface OutboundBackendConfig {
  /** A Service, balanced. */
  service?: { namespace: string; name: string; port: number };
  /** Where the client dialled, as it is: what an EgressNetwork (or nothing at all) stands for. */
  address?: { ip: string; port: number };
  /** Set when the reference leads nowhere: its share of requests fails with 500, its share of connections is closed. */
  problem?: string;
  /** What the reference names, for metrics and diagnostics; `default` kind where nothing is named. */
  ref: PlacedRef;
  weight: number;
  filters: Filter[];
}

export interface OutboundRuleConfig {
  /** Empty: every request. */
  matches: (HttpMatch | GrpcMatch)[];
  filters: Filter[];
  backends: OutboundBackendConfig[];
  /** A rule of nobody's making that takes the first backend; those of routes take one at random, by weight. */
  builtIn?: boolean;
  /** TLS and TCP only: connections are closed. */
  forbidden?: boolean;
  timeouts: TimeoutSettings;
  retry?: RetrySettings;
}

export interface OutboundRouteConfig {
  protocol: 'http' | 'grpc' | 'tls' | 'tcp';
  /** `default` kind for the route that stands where nobody wrote one. */
  ref: Ref;
  namespace?: string;
  /** Host names; server names for TLS. */
  hosts: string[];
  rules: OutboundRuleConfig[];
}

/** What a client's proxy is to do with traffic to one address. */
export interface OutboundConfig {
  /** A Service or an EgressNetwork; kind `default` for addresses outside the cluster that no EgressNetwork holds. */
  parent: PlacedRef;
  protocol: 'detect' | 'http1' | 'http2' | 'grpc' | 'opaque' | 'tls';
  routes: OutboundRouteConfig[];
  /** On `detect`: bytes that are no HTTP. */
  opaque?: OutboundRouteConfig;
  accrual?: AccrualSettings;
  load?: LoadSettings;
}
