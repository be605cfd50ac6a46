import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '#base/clock.ts';
import type { Connection } from '#kube/network/network.ts';
import type { PlacedRef } from '#mesh/policy/core/outbound-config.ts';
import { Balancer, type Carried } from './balancer.ts';
import type { OutboundPolicy, OutboundTarget } from './discovery.ts';
import { Endpoint } from './endpoint.ts';
import { serveHttp1, serveHttp2 } from './exchange.ts';
import { detected, targetLabels } from './inbound-labels.ts';
import type { Labels } from './metrics.ts';
import { type OutboundConnection, serveOutbound } from './outbound-http.ts';
import { placedLabels } from './outbound-labels.ts';
import { streamBackend, streamRoute } from './outbound-plan.ts';
import { type HttpVersion, peek, readClientHello, readHttp } from './peek.ts';
import { requestHead } from './request-head.ts';
import { RouteStreams } from './route-streams.ts';
import { DETECT_MS, type ProxyRuntime } from './runtime.ts';
import { RetryBudget } from './service-profile.ts';
import { abort, splice } from './splice.ts';
import type { Place } from './tap/match.ts';

/** What is known of one address that the pod's programs dial. */
interface Known {
  target: OutboundTarget | undefined;
  ready: Promise<void>;
  stop: () => void;
  users: number;
  idle: Timer | undefined;
  direct: Endpoint;
  /** Made for a profile's budget, and anew when that changes. */
  budget: { text: string; budget: RetryBudget } | undefined;
}

/** How long a gateway's client waits for destination's word: as long as detection may take, so that a busy host costs no request. */
const DISCOVERY_MS = 10_000;

/** How the metrics of connections call what policy says of their protocol. */
const PROTOCOLS = {
  detect: 'detect',
  http1: 'http/1',
  http2: 'http/2',
  grpc: 'http/2',
  opaque: 'opaq',
  tls: 'tls',
} as const;

/** The outbound side: accepts on 4140 what the pod's programs dial, asks destination what is meant, and balances. */
export class Outbound {
  readonly #runtime: ProxyRuntime;
  readonly #known = new Map<string, Known>();
  readonly #balancers = new Map<string, { balancer: Balancer; usedBy: Set<string> }>();

  constructor(runtime: ProxyRuntime) {
    this.#runtime = runtime;
  }

  accept(connection: Connection): void {
    const { connections } = this.#runtime;
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
    this.#serve(connection).catch(() => abort(connection));
  }

  async #serve(connection: Connection): Promise<void> {
    const { address: ip, port } = connection.originalDst;
    const key = `${ip}:${port}`;
    const known = this.#look(ip, port);
    known.users++;
    known.idle?.cancel();
    connection.once('close', () => this.#release(key, known));
    await known.ready;
    this.#count(connection, key);
    const { target } = known;
    const client = { ip: connection.remoteAddress, port: connection.remotePort };
    const outbound = this.#connectionTo(known, key, ip, port, client);
    const parent = target?.policy ? placedLabels('parent', target.policy.parent) : undefined;
    if (parent) {
      const protocol = PROTOCOLS[target?.protocol ?? 'detect'];
      this.#runtime.metrics.add('outbound_tcp_protocol_connections_total', { protocol, ...parent });
    }
    if (target?.protocol === 'opaque') return this.#bytes(connection, outbound, undefined);
    const version = await this.#versionOf(connection, target?.protocol ?? 'detect', parent);
    if (typeof version === 'object') {
      if (target?.protocol !== 'tls' || version.sni !== undefined)
        return this.#bytes(connection, outbound, version.sni);
      // Who sends no server name has no route to TLS; what was read of it is out of the way of an orderly end.
      connection.end(() => connection.destroy());
      return;
    }
    const onExchange = (exchange: Parameters<typeof serveOutbound>[1]) =>
      void serveOutbound(outbound, exchange).catch(() => abort(connection));
    if (version === 'http2') serveHttp2(connection, onExchange);
    else {
      serveHttp1(connection, onExchange, (request, socket, head) => {
        void this.#connect(outbound, undefined, 'http').then(
          (peer) => {
            peer.write(requestHead(request));
            if (head.length > 0) peer.write(head);
            splice(socket, peer);
          },
          () => socket.destroy(),
        );
      });
    }
  }

  /**
   * A way to a name of this cluster, for a gateway's clients; `release` when the connection that it serves has ended.
   * Rejects when destination says nothing of it for long.
   */
  async gateway(name: string, port: number): Promise<{ outbound: OutboundConnection; release(): void }> {
    const key = `${name}:${port}`;
    const known = this.#look(name, port, 'name');
    known.users++;
    known.idle?.cancel();
    const release = () => this.#release(key, known);
    try {
      await known.ready;
    } catch (error) {
      release();
      throw error;
    }
    return { outbound: this.#connectionTo(known, key, name, port), release };
  }

  #connectionTo(known: Known, key: string, ip: string, port: number, client?: Place): OutboundConnection {
    const { clock } = this.#runtime;
    return {
      runtime: this.#runtime,
      get target() {
        return known.target;
      },
      original: { ip, port },
      ...(client ? { client } : {}),
      span: spanOf(key, known.target),
      balancer: (authority, carries) => this.#balancer(authority, known, key, carries),
      direct: known.direct,
      get budget() {
        return budgetOf(known, clock);
      },
    };
  }

  /** Bytes of a gateway's client that are no HTTP. */
  async connectTo(outbound: OutboundConnection): Promise<Duplex> {
    return this.#connect(outbound, undefined);
  }

  /** What a client speaks, by policy or by its first bytes; an object where it is no HTTP. */
  async #versionOf(
    connection: Connection,
    protocol: OutboundTarget['protocol'],
    parent: Labels | undefined,
  ): Promise<'http1' | 'http2' | { sni: string | undefined }> {
    const { clock, metrics } = this.#runtime;
    if (protocol === 'http1') return 'http1';
    if (protocol === 'http2' || protocol === 'grpc') return 'http2';
    const first = await peek(connection, readClientHello, { clock, timeoutMs: DETECT_MS });
    if (first?.kind === 'tls' || protocol === 'tls') return { sni: first?.kind === 'tls' ? first.sni : undefined };
    const begun = clock.now();
    const version: HttpVersion | undefined = await peek(connection, readHttp, { clock, timeoutMs: DETECT_MS });
    if (parent) detected(metrics, 'outbound', version, { ms: clock.now() - begun, labels: parent });
    return version === 'http1' || version === 'http2' ? version : { sni: undefined };
  }

  async #bytes(connection: Connection, outbound: OutboundConnection, sni: string | undefined): Promise<void> {
    const { target, original } = outbound;
    const route = target?.policy && streamRoute(target.policy, sni);
    // A Service is dialled by its name, which is no address.
    const to = { ip: target?.service ? '' : original.ip, port: original.port };
    const streams = new RouteStreams(this.#runtime.metrics, target?.policy?.parent, route, to);
    streams.opened();
    const peer = await this.#connect(outbound, sni).catch((error: Error) => {
      const isForbidden = error.message === 'forbidden';
      streams.closed(isForbidden ? 'forbidden' : 'unexpected');
      this.#runtime.metrics.add('outbound_tcp_errors_total', {
        ...targetLabels(original.ip, original.port),
        error: isForbidden ? 'unexpected' : 'i/o',
      });
      // What a route forbids ends quietly.
      if (!isForbidden)
        this.#runtime.log.info(
          `${outbound.span}: linkerd_app_core::serve`,
          `Connection closed error=${error.message} client.addr=${connection.remoteAddress}:${connection.remotePort}`,
        );
      throw error;
    });
    connection.once('close', () => streams.closed(''));
    if (connection.destroyed) peer.destroy();
    else splice(connection, peer);
  }

  /** A connection to where the target's bytes go. Rejects where a route closes them. */
  async #connect(outbound: OutboundConnection, sni: string | undefined, carries: Carried = 'tcp') {
    const { target, direct } = outbound;
    if (target?.policy && target.policy.streams.length > 0) {
      const route = streamRoute(target.policy, sni);
      const backend = streamBackend(route);
      if (!backend) throw new Error('forbidden');
      const how = route!.snis.length > 0 ? 'tls' : carries;
      const endpoint = backend.authority ? await outbound.balancer(backend.authority, how).pick() : direct;
      return endpoint.connect();
    }
    return (target ? await outbound.balancer(target.authority, carries).pick() : direct).connect();
  }

  #look(ip: string, port: number, by: 'address' | 'name' = 'address'): Known {
    const key = `${ip}:${port}`;
    const old = this.#known.get(key);
    if (old) return old;
    const { clock, discovery } = this.#runtime;
    const direct = new Endpoint({ ip, port, opaque: false, h2: false, weight: 1, labels: {} }, this.#runtime, {
      span: `outbound:proxy{addr=${key}}:forward{addr=${key}}`,
    });
    const known: Known = {
      target: undefined,
      ready: Promise.resolve(),
      stop: () => {},
      users: 0,
      idle: undefined,
      direct,
      budget: undefined,
    };
    if (discovery) {
      known.ready = new Promise((resolve, reject) => {
        // A pod's own connections wait for as long as their program does.
        const timer =
          by === 'name' ? clock.setTimeout(() => reject(new Error('discovery timed out')), DISCOVERY_MS) : undefined;
        const heard = (target: OutboundTarget | undefined) => {
          timer?.cancel();
          known.target = target;
          resolve();
        };
        known.stop = by === 'name' ? discovery.watchName(key, heard) : discovery.watchTarget(ip, port, heard);
      });
      known.ready.catch(() => {
        // The next connection asks anew.
        if (this.#known.get(key) === known) this.#drop(key, known);
      });
    }
    this.#known.set(key, known);
    return known;
  }

  /** Balancers are shared by all that reach the same authority under the same settings. */
  #balancer(authority: string, known: Known, key: string, carries: Carried = 'http'): Balancer {
    const { parent, ...ofHttp } = known.target?.policy ?? {};
    // Only answers of HTTP tell how an endpoint does.
    const { accrual, load }: Pick<OutboundPolicy, 'accrual' | 'load'> = carries === 'http' ? ofHttp : {};
    const shared = carries === 'http' ? authority : `${carries} ${authority}`;
    const name = accrual || load ? `${shared} ${JSON.stringify([parent, accrual, load])}` : shared;
    let found = this.#balancers.get(name);
    if (!found) {
      const place = placeOf(authority);
      const labels =
        parent && place ? { ...placedLabels('parent', parent), ...placedLabels('backend', place) } : undefined;
      const balancer = new Balancer(this.#runtime, this.#runtime.discovery!, {
        authority,
        carries,
        span: carries === 'http' && place ? serviceSpan(key, place) : spanOfBytes(key, place && authority),
        ...(known.target?.service || place ? {} : { isForward: true }),
        ...(accrual ? { accrual } : {}),
        ...(load ? { load } : {}),
        ...(labels ? { labels } : {}),
      });
      found = { balancer, usedBy: new Set() };
      this.#balancers.set(name, found);
    }
    found.usedBy.add(key);
    return found.balancer;
  }

  #release(key: string, known: Known): void {
    known.users--;
    if (known.users > 0 || this.#known.get(key) !== known) return;
    const { clock, settings } = this.#runtime;
    known.idle = clock.setTimeout(() => {
      if (known.users === 0) this.#drop(key, known);
    }, settings.outboundIdleMs);
  }

  #drop(key: string, known: Known): void {
    this.#known.delete(key);
    known.stop();
    known.direct.close();
    for (const [authority, { balancer, usedBy }] of this.#balancers) {
      if (!usedBy.delete(key) || usedBy.size > 0) continue;
      this.#balancers.delete(authority);
      balancer.close();
    }
  }

  #count(connection: Connection, address: string): void {
    const colon = address.lastIndexOf(':');
    this.#runtime.transport.count(connection, {
      direction: 'outbound',
      peer: 'src',
      ...targetLabels(address.slice(0, colon), Number(address.slice(colon + 1))),
      tls: 'no_identity',
      no_tls_reason: 'loopback',
    });
  }

  close(): void {
    for (const [key, known] of [...this.#known]) {
      known.idle?.cancel();
      this.#drop(key, known);
    }
  }
}

/** The Service that an authority names. */
function placeOf(authority: string): PlacedRef | undefined {
  const [, name, namespace, port] = /^([^.]+)\.([^.]+)\.svc\..*:(\d+)$/.exec(authority) ?? [];
  return name && namespace ? { group: 'core', kind: 'Service', name, namespace, port: Number(port) } : undefined;
}

function budgetOf(known: Known, clock: Clock): RetryBudget | undefined {
  const budget = known.target?.profile?.budget;
  if (!budget) return undefined;
  const text = JSON.stringify(budget);
  if (known.budget?.text !== text) known.budget = { text, budget: new RetryBudget(clock, budget) };
  return known.budget.budget;
}

function spanOf(address: string, target: OutboundTarget | undefined): string {
  const span = `outbound:proxy{addr=${address}}`;
  if (!target?.service) return span;
  return serviceSpan(address, target.service);
}

/** Balanced where there is a name to balance. */
const spanOfBytes = (address: string, authority: string | undefined): string =>
  `outbound:proxy{addr=${address}}${authority === undefined ? '' : `:balance{addr=${authority}}`}`;

const serviceSpan = (address: string, to: { namespace: string; name: string; port?: number | undefined }): string =>
  `outbound:proxy{addr=${address}}:service{ns=${to.namespace} name=${to.name} port=${to.port ?? 0}}`;
