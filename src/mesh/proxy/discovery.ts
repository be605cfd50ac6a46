import type { Filter, GrpcMatch, HttpMatch } from '#mesh/policy/core/config.ts';
import type { PlacedRef } from '#mesh/policy/core/outbound-config.ts';
import type { AccrualSettings, LoadSettings, TimeoutSettings } from '#mesh/policy/core/outbound-settings.ts';
import type { ServiceProfile } from './service-profile.ts';

/** One address behind a Service, as `Destination/Get` describes it. */
export interface DiscoveredEndpoint {
  ip: string;
  port: number;
  /** Whom the client must find behind TLS; absent: plain text. */
  identity?: string;
  /** What to ask for in the TLS handshake, where that is not the identity's own name. */
  serverName?: string;
  /** Bytes only. */
  opaque: boolean;
  /** The peer's proxy speaks HTTP/2 and takes HTTP/1 requests upgraded to it. */
  h2: boolean;
  /** Where the peer's inbound proxy listens: connections go there with a transport header. Absent: to the port itself. */
  inboundPort?: number;
  /** `host:port` that the gateway at this address is to send on to; it takes the place of what the client asked for. */
  authorityOverride?: string;
  weight: number;
  /** For metrics and logs; each becomes `dst_<name>`. */
  labels: Record<string, string>;
}

/** What `OutboundPolicies/Watch` says of an address. */
export interface OutboundPolicy {
  /** A Service, an EgressNetwork, or kind `default`. */
  parent: PlacedRef;
  protocol: 'detect' | 'http1' | 'http2' | 'grpc' | 'opaque' | 'tls';
  /** Oldest first. No match among them: 404. */
  routes: OutboundRoute[];
  /** For bytes that are no HTTP, and on `opaque` and `tls`. */
  streams: StreamRoute[];
  accrual?: AccrualSettings;
  load?: LoadSettings;
}

/** An address and how to speak to it: policy where there is one, else a ServiceProfile, else a pod on its own. */
export interface OutboundTarget {
  /** Absent: a pod or an address on its own, which is not balanced. */
  service?: { namespace: string; name: string; port: number };
  /** `host:port` for metrics, e.g. `api.shop.svc.cluster.local:80`. */
  authority: string;
  protocol: OutboundPolicy['protocol'];
  policy?: OutboundPolicy;
  /** A ServiceProfile takes the place of every policy of its Service. */
  profile?: ServiceProfile;
}

export interface OutboundBackend {
  ref: PlacedRef;
  /** `host:port` of a Service, balanced. */
  authority?: string;
  /** Where the client dialled, not balanced. With neither, the reference leads nowhere. */
  address?: { ip: string; port: number };
  weight: number;
  filters: Filter[];
}

export interface OutboundRetry {
  limit: number;
  statuses: { from: number; to: number }[];
  /** gRPC status codes. */
  grpc: number[];
  /** Until the response's head, per try; the last try has no limit. */
  timeoutMs?: number;
}

export interface OutboundRule {
  matches: (HttpMatch | GrpcMatch)[];
  filters: Filter[];
  backends: OutboundBackend[];
  timeouts: TimeoutSettings;
  retry?: OutboundRetry;
}

export interface OutboundRoute {
  protocol: 'http' | 'grpc';
  ref: PlacedRef;
  hosts: string[];
  rules: OutboundRule[];
}

export interface StreamRoute {
  ref: PlacedRef;
  /** Server names; empty: all. */
  snis: string[];
  /** Connections are closed. */
  forbidden: boolean;
  backends: OutboundBackend[];
}

/** `undefined` in place of endpoints: the Service does not exist. */
export type EndpointsListener = (endpoints: DiscoveredEndpoint[] | undefined) => void;

/**
 * Where a proxy learns what an address means. Implementations share one connection to the controllers; a listener is
 * called with the present state and with every later one until the returned function is called.
 */
export interface Discovery {
  /** What a client of this pod means by `ip:port`; undefined: nothing the mesh knows, forward it to where it goes. */
  watchTarget(ip: string, port: number, listener: (target: OutboundTarget | undefined) => void): () => void;
  /** What a name `host:port` of this cluster means, for a gateway; policy is not asked. */
  watchName(authority: string, listener: (target: OutboundTarget) => void): () => void;
  /** The endpoints of `host:port` of a Service, or of `ip:port` of a pod. */
  watchEndpoints(authority: string, listener: EndpointsListener): () => void;
  close(): void;
}
