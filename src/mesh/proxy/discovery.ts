import type { Filter, GrpcMatch, HttpMatch } from '#mesh/policy/core/config.ts';

/** One address behind a Service, as `Destination/Get` describes it. */
export interface DiscoveredEndpoint {
  ip: string;
  port: number;
  /** Whom the client must find behind TLS; absent: plain text. */
  identity?: string;
  /** Bytes only. */
  opaque: boolean;
  /** The peer's proxy speaks HTTP/2 and takes HTTP/1 requests upgraded to it. */
  h2: boolean;
  /** Where the peer's inbound proxy listens: connections go there with a transport header. Absent: to the port itself. */
  inboundPort?: number;
  weight: number;
  /** For metrics and logs; each becomes `dst_<name>`. */
  labels: Record<string, string>;
}

/** A Service port (or an address) and how to speak to it, as `OutboundPolicies/Watch` and `GetProfile` describe it. */
export interface OutboundTarget {
  /** Absent: a pod or an address on its own, which is not balanced. */
  service?: { namespace: string; name: string; port: number };
  /** `host:port` for metrics, e.g. `api.shop.svc.cluster.local:80`. */
  authority: string;
  protocol: 'detect' | 'http1' | 'http2' | 'grpc' | 'opaque' | 'tls';
  /** In order; none: every request goes to the target itself. No match among some: 404. */
  routes?: OutboundRoute[];
}

export interface OutboundBackend {
  /** `host:port` of a Service; undefined: the reference leads nowhere and requests fail with 500. */
  authority?: string;
  weight: number;
  filters: Filter[];
}

export interface OutboundRoute {
  hosts: string[];
  name: string;
  protocol: 'http' | 'grpc';
  rules: {
    matches: (HttpMatch | GrpcMatch)[];
    filters: Filter[];
    backends: OutboundBackend[];
    requestTimeoutMs?: number;
    backendRequestTimeoutMs?: number;
    retry?: { limit: number; statuses: { from: number; to: number }[]; timeoutMs?: number };
  }[];
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
  /** The endpoints of `host:port` of a Service, or of `ip:port` of a pod. */
  watchEndpoints(authority: string, listener: EndpointsListener): () => void;
  close(): void;
}
