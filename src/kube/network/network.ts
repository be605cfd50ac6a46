import type { Duplex } from 'node:stream';

export interface NamespaceOptions {
  ip: string;
  name: string;
  hostNetwork?: boolean;
  dnsNamespace?: string;
  /** Addresses by the names of /etc/hosts, which are looked at before DNS is asked. */
  hosts?: ReadonlyMap<string, string>;
}

/**
 * The embedded cluster's network: byte streams between network namespaces, all in memory. It carries what real sockets
 * carry (HTTP/1.1, HTTP/2, TLS, raw TCP), knows pod addresses, Service addresses (kube-proxy), cluster DNS, refusals,
 * resets and time-outs, and per-namespace redirect rules as `linkerd-init` writes them with iptables.
 */
export interface Network {
  /** A namespace for one pod (its sandbox) or one host; names are searched for in `dnsNamespace`. Addresses are unique while it lives. */
  createNamespace(options: NamespaceOptions): NetNs;
  /** The node's own namespace: kubelet probes and port-forwards start here. */
  readonly node: NetNs;
}

export interface NetNs {
  readonly ip: string;
  readonly name: string;
  /** Listens on a port (0: any free one) of this namespace. `host` 127.0.0.1 is reachable only from inside it. */
  listen(port: number, onConnection: (connection: Connection) => void, options?: ListenOptions): Listener;
  /**
   * Connects to `host:port`; `host` is an address or a DNS name. Rejects like a socket, with an Error whose `code` is
   * ECONNREFUSED, ETIMEDOUT, ENOTFOUND, EHOSTUNREACH or ECONNRESET. Service addresses are translated here.
   */
  dial(host: string, port: number, options?: DialOptions): Promise<Connection>;
  /** Resolves as the pod's resolv.conf would (search domains, ndots:5). Rejects with code ENOTFOUND. */
  resolve(name: string): Promise<string[]>;
  /** SRV records, for `_port._proto.name`. */
  resolveSrv(name: string): Promise<{ name: string; port: number }[]>;
  /** iptables as linkerd-init sets them; replaced as a whole. Undefined: none. */
  redirect: Redirect | undefined;
  /** Closes every listener and connection: peers see a reset. */
  destroy(): void;
}

/** Written by `linkerd-init`: what a proxy in this namespace gets to see. Source: linkerd2-proxy-init iptables rules. */
export interface Redirect {
  inboundPort: number;
  outboundPort: number;
  /** Sockets of this uid are the proxy's own and are never redirected. */
  proxyUid: number;
  skipInboundPorts: { from: number; to: number }[];
  skipOutboundPorts: { from: number; to: number }[];
  skipSubnets: string[];
}

export interface ListenOptions {
  host?: '0.0.0.0' | '127.0.0.1';
  uid?: number;
}

export interface DialOptions {
  /** uid of the process that dials; decides whether a redirect applies. */
  uid?: number;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Dial from this local address instead of the namespace's (inbound proxies keep the client's address visible). */
  localAddress?: string;
}

export interface Listener {
  readonly port: number;
  close(): void;
}

/** One end of an established connection. Ends, errors and back-pressure are those of a Node Duplex. */
export interface Connection extends Duplex {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Where the client really dialled, before a redirect (SO_ORIGINAL_DST). Equal to local address and port without one. */
  readonly originalDst: { address: string; port: number };
  /** Bytes that came and went so far. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Ends both directions at once; the peer sees ECONNRESET. */
  reset(): void;
}
