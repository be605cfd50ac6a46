import type { Duplex, Readable } from 'node:stream';
import type { Connection } from '#kube/network/network.ts';
import type { Headers } from '#mesh/http2/headers.ts';
import type { LoadSettings } from '#mesh/policy/core/outbound-settings.ts';
import { type Breaker, retryAfterOf } from './breaker.ts';
import { onClassified } from './classify.ts';
import type { DiscoveredEndpoint } from './discovery.ts';
import type { Answer, Exchange } from './exchange.ts';
import { ORIG_PROTO } from './inbound-http.ts';
import { destinationLabels } from './outbound-labels.ts';
import type { ProxyRuntime } from './runtime.ts';
import { connectTls, PeerError } from './tls.ts';
import { TRANSPORT_ALPN, writeTransportHeader } from './transport-header.ts';
import { Http1Upstream, Http2Upstream, NotConnected } from './upstream.ts';

/** Peak EWMA: what a request is thought to take before any was seen, and how fast the past is forgotten. */
const INITIAL_RTT_MS = 30;
const DECAY_MS = 10_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;

/** One address of a Service as this proxy uses it: its connections, its load, and whether it can be reached. */
export class Endpoint {
  readonly info: DiscoveredEndpoint;
  readonly breaker: Breaker | undefined;
  /** For the log. */
  readonly span: string;
  /** `host:port` of the Service that it is balanced for; a pod or an address that was dialled itself has none. */
  readonly authority: string | undefined;
  readonly #runtime: ProxyRuntime;
  readonly #penalty: LoadSettings | undefined;
  readonly #http1: Http1Upstream;
  readonly #http2: Http2Upstream;
  #pending = 0;
  #rtt = INITIAL_RTT_MS;
  #rttAt: number;
  #backoff = 0;
  #retryAt = 0;

  constructor(
    info: DiscoveredEndpoint,
    runtime: ProxyRuntime,
    options: { span: string; authority?: string; breaker?: Breaker; penalty?: LoadSettings },
  ) {
    this.span = options.span;
    this.authority = options.authority;
    this.info = info;
    this.breaker = options.breaker;
    this.#penalty = options.penalty;
    this.#runtime = runtime;
    this.#rttAt = runtime.clock.now();
    this.#http1 = new Http1Upstream(() => this.connect('http1'));
    this.#http2 = new Http2Upstream(() => this.connect('http2'));
  }

  get isMeshed(): boolean {
    return this.info.identity !== undefined;
  }

  /** False while it waits after a connection that could not be made, and while its breaker is open. */
  get isReady(): boolean {
    if (this.breaker && !this.breaker.admits) return false;
    return this.#http2.connected || this.#runtime.clock.now() >= this.#retryAt;
  }
  /** When {@link isReady} may change by itself. */
  get retryAt(): number {
    return Math.max(this.#retryAt, this.breaker?.retryAt ?? 0);
  }

  /** Expected cost of one more request. */
  get load(): number {
    const age = this.#runtime.clock.now() - this.#rttAt;
    return (this.#rtt * Math.exp(-age / DECAY_MS) + 1) * (this.#pending + 1) * (10_000 / Math.max(1, this.info.weight));
  }

  /** Opens a connection as destination says: TLS to a meshed peer, with a transport header to its inbound port. */
  async connect(protocol?: 'http1' | 'http2'): Promise<Duplex> {
    const { net, uid, settings, certificate } = this.#runtime;
    const { ip, port, identity, serverName, inboundPort, authorityOverride } = this.info;
    try {
      const gateway = authorityOverride === undefined ? undefined : splitAuthority(authorityOverride);
      const tagged = inboundPort !== undefined || gateway !== undefined;
      const direct = identity !== undefined && tagged && certificate.ready;
      const connection = await net.dial(ip, direct ? (inboundPort ?? port) : port, {
        uid,
        timeoutMs: settings.outboundConnectTimeoutMs,
      });
      let socket: Duplex = connection;
      if (identity !== undefined) {
        const alpn = direct ? [TRANSPORT_ALPN] : undefined;
        const established = await connectTls(connection, certificate, identity, alpn, serverName);
        socket = established.socket;
        // HTTP/2 takes the socket's handle over: this write must be through by then.
        // Where the server wants bytes only, it is not told that they are HTTP.
        const session = protocol && !this.info.opaque ? { protocol } : {};
        if (direct) await written(socket, writeTransportHeader({ port, ...gateway, ...session }));
      }
      this.#count(connection, socket);
      this.#backoff = 0;
      this.#retryAt = 0;
      return socket;
    } catch (error) {
      this.#backoff = Math.min(LONGEST_BACKOFF_MS, Math.max(FIRST_BACKOFF_MS, this.#backoff * 2));
      this.#retryAt = this.#runtime.clock.now() + this.#backoff;
      if (protocol === 'http2' && error instanceof PeerError) {
        const why = `Failed to connect error=invalid peer certificate: ${error.message}`;
        this.#runtime.log.warn(`${this.span}: linkerd_reconnect`, why);
      }
      throw new NotConnected((error as Error).message, { cause: error });
    }
  }

  /** Makes the connection that a multiplexed endpoint has, so that a failure shows before a request is on its way. */
  async prepare(): Promise<void> {
    if (this.isMeshed && this.info.h2 && !this.info.opaque) await this.#http2.connect();
  }

  /**
   * Sends a request on, with these headers and this body. HTTP/1 goes as HTTP/2 between proxies; the other side turns
   * it back. The breaker hears the outcome.
   */
  async send(
    exchange: Exchange,
    given: { headers?: Headers; body?: Readable | undefined; signal?: AbortSignal } = {},
  ): Promise<Answer> {
    const { clock } = this.#runtime;
    const startedAt = clock.now();
    const settle = this.breaker?.begin();
    this.#pending++;
    let penaltyMs = 0;
    try {
      const headers: Headers = { ...(given.headers ?? exchange.headers) };
      const lifts = this.isMeshed && this.info.h2 && !this.info.opaque;
      const multiplex = (exchange.version === 'HTTP/2.0' && (exchange.isNative || lifts)) || lifts;
      if (multiplex && this.isMeshed && exchange.version === 'HTTP/1.1')
        headers[ORIG_PROTO] = exchange.isOld ? 'HTTP/1.0' : 'HTTP/1.1';
      const { method, path, isOld } = exchange;
      const authority = this.info.authorityOverride ?? exchange.authority;
      const { body, signal } = given;
      const out = { method, path, isOld, authority, headers, ...(body ? { body } : {}), ...(signal ? { signal } : {}) };
      const answer = await (multiplex ? this.#http2 : this.#http1).send(out);
      if (this.#penalty && (answer.status >= 500 || answer.status === 429)) {
        const hint = retryAfterOf(answer.headers['retry-after']);
        penaltyMs = Math.min(hint ?? this.#penalty.penaltyMs, this.#penalty.maxRetryAfterMs);
      }
      if (settle)
        onClassified(exchange, answer, (failed) => settle(failed, retryAfterOf(answer.headers['retry-after'])));
      return answer;
    } catch (error) {
      settle?.(given.signal?.aborted ? undefined : true);
      throw error;
    } finally {
      this.#pending--;
      this.#observe(clock.now() - startedAt + penaltyMs);
    }
  }

  #observe(ms: number): void {
    const now = this.#runtime.clock.now();
    const weight = Math.exp(-(now - this.#rttAt) / DECAY_MS);
    this.#rtt = ms > this.#rtt ? ms : this.#rtt * weight + ms * (1 - weight);
    this.#rttAt = now;
  }

  #count(connection: Connection, socket: Duplex): void {
    const { transport, connections } = this.#runtime;
    transport.count(connection, { direction: 'outbound', peer: 'dst', ...destinationLabels(this) });
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  }

  close(): void {
    this.#http1.close();
    this.#http2.close();
  }
}

function splitAuthority(authority: string): { name: string; port: number } {
  const at = authority.lastIndexOf(':');
  return { name: authority.slice(0, at), port: Number(authority.slice(at + 1)) };
}

const written = (stream: Duplex, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
