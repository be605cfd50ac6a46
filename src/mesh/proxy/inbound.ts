import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection } from '#kube/network/network.ts';
import type { Client } from '#mesh/policy/core/config.ts';
import { decideConnection, decideRequest } from '#mesh/policy/core/decide.ts';
import { type Exchange, serveHttp1, serveHttp2 } from './exchange.ts';
import { Gateway } from './gateway.ts';
import { type InboundConnection, refuseUpgrade, serveInbound } from './inbound-http.ts';
import { authzLabels, detected, serverLabels, tapLabels, targetLabels, tlsInLog, tlsLabels } from './inbound-labels.ts';
import { InboundProfiles } from './inbound-profiles.ts';
import type { Outbound } from './outbound.ts';
import { type HttpVersion, peek, readClientHello, readHttp } from './peek.ts';
import { requestHead } from './request-head.ts';
import { DETECT_MS, type ProxyRuntime } from './runtime.ts';
import { abort, splice } from './splice.ts';
import { acceptTls, type Established } from './tls.ts';
import { TRANSPORT_ALPN, takeTransportHeader } from './transport-header.ts';
import { Http1Upstream, Http2Upstream } from './upstream.ts';

interface Application {
  http1: Http1Upstream;
  http2: Http2Upstream;
}

/** The inbound side: accepts on 4143, finds out what is spoken and by whom, and lets through what policy allows. */
export class Inbound {
  readonly #runtime: ProxyRuntime;
  readonly #gateway: Gateway;
  readonly #profiles: InboundProfiles;
  readonly #applications = new Map<number, Application>();

  constructor(runtime: ProxyRuntime, outbound: Outbound) {
    this.#runtime = runtime;
    this.#profiles = new InboundProfiles(runtime);
    this.#gateway = new Gateway(runtime, outbound);
  }

  accept(connection: Connection): void {
    const { connections } = this.#runtime;
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
    this.#serve(connection).catch(() => abort(connection));
  }

  async #serve(connection: Connection): Promise<void> {
    const runtime = this.#runtime;
    const { settings, clock, certificate } = runtime;
    const direct = connection.originalDst.port === settings.inboundPort;
    const port = connection.originalDst.port;
    const policy = direct ? undefined : runtime.policies.port(port);
    await policy?.known();
    const ip = connection.remoteAddress;
    if (policy?.config.protocol === 'opaque') {
      return this.#bytes(connection, connection, port, { ip, tls: { kind: 'none', reason: 'port_skipped' } }, port);
    }
    const first = await peek(connection, readClientHello, { clock, timeoutMs: DETECT_MS });
    if (first?.kind === 'tls' && first.sni === certificate.name) {
      // Only what comes to the proxy's own port may carry a transport header.
      const alpn = direct ? [TRANSPORT_ALPN] : undefined;
      const established = await acceptTls(connection, certificate, alpn).catch((error: Error) => {
        runtime.log.info(
          `inbound: linkerd_app_core::serve`,
          `Connection closed error=TLS detection failed: ${error.message} client.addr=${ip}:${connection.remotePort}`,
        );
        throw error;
      });
      return this.#terminated(connection, established, direct, port);
    }
    if (direct) return abort(connection);
    if (first?.kind === 'tls') {
      return this.#bytes(connection, connection, port, { ip, tls: { kind: 'opaque', sni: first.sni ?? '' } }, port);
    }
    const client: Client = { ip, tls: { kind: 'none', reason: 'no_tls_from_remote' } };
    await this.#detect(connection, connection, port, client, false, port);
  }

  /** TLS has ended here: with a transport header the port is in it, else it is where the client dialled. */
  async #terminated(connection: Connection, tls: Established, direct: boolean, dialled: number): Promise<void> {
    const { identity, socket } = tls;
    const client: Client = {
      ip: connection.remoteAddress,
      tls: {
        kind: 'established',
        ...(identity !== undefined ? { identity } : {}),
        ...(tls.alpn !== undefined ? { alpn: tls.alpn } : {}),
      },
    };
    if (tls.alpn !== TRANSPORT_ALPN) {
      if (direct) return abort(connection);
      return this.#detect(connection, socket, dialled, client, identity !== undefined, dialled);
    }
    // Direct connections are for proxies only: they must say who they are.
    const header = identity === undefined ? undefined : await takeTransportHeader(socket);
    if (!header || header.port === 0) return abort(connection);
    this.#runtime.metrics.add('inbound_tcp_transport_header_connections_total', {
      session_protocol: header.protocol === 'http2' ? 'http/2' : header.protocol === 'http1' ? 'http/1' : '',
      target_port: String(header.port),
      target_name: header.name ?? '',
      client_id: identity ?? '',
    });
    if (header.name !== undefined)
      return this.#gateway.serve(connection, socket, { ...header, name: header.name }, client);
    const policy = this.#runtime.policies.port(header.port);
    await policy.known();
    if (header.protocol)
      this.#http(connection, socket, header.port, client, true, this.#runtime.settings.inboundPort, header.protocol);
    else this.#bytes(connection, socket, header.port, client, this.#runtime.settings.inboundPort);
  }

  async #detect(
    connection: Connection,
    socket: Duplex,
    port: number,
    client: Client,
    isProxy: boolean,
    listenPort: number,
  ): Promise<void> {
    const policy = this.#runtime.policies.port(port);
    await policy.known();
    const { protocol } = policy.config;
    if (protocol === 'opaque' || protocol === 'tls') return this.#bytes(connection, socket, port, client, listenPort);
    let version: HttpVersion | undefined;
    if (protocol === 'http2' || protocol === 'grpc') version = 'http2';
    else if (protocol === 'http1' && !isProxy) version = 'http1';
    else {
      const { clock, metrics } = this.#runtime;
      const begun = clock.now();
      version = await peek(socket, readHttp, { clock, timeoutMs: policy.config.detectTimeoutMs });
      const labels = serverLabels(policy.config.server, port);
      detected(metrics, 'inbound', version, { ms: clock.now() - begun, labels });
    }
    if (version === undefined || version === 'none') this.#bytes(connection, socket, port, client, listenPort);
    else this.#http(connection, socket, port, client, isProxy, listenPort, version);
  }

  #http(
    connection: Connection,
    socket: Duplex,
    port: number,
    client: Client,
    isProxy: boolean,
    listenPort: number,
    version: 'http1' | 'http2',
  ): void {
    const runtime = this.#runtime;
    const application = this.#application(port);
    const inbound: InboundConnection = {
      runtime,
      policy: runtime.policies.port(port),
      port,
      targetAddress: runtime.net.ip,
      client,
      clientAddress: `${connection.remoteAddress}:${connection.remotePort}`,
      listenPort,
      isProxy,
      tapPoint: () => ({
        direction: 'inbound',
        source: { ip: connection.remoteAddress, port: connection.remotePort },
        destination: { ip: runtime.net.ip, port },
        sourceLabels: tapLabels(client),
        destinationLabels: {},
        destinationTls: { tls: 'loopback' },
      }),
      profileRoute: (exchange, canonical) => this.#profiles.find(exchange, canonical),
      forward: (exchange) => send(application, exchange),
    };
    this.#count(connection, port, client);
    const serve = (exchange: Exchange) => void serveInbound(inbound, exchange).catch(() => abort(connection));
    const { accessLog } = runtime;
    const identity = client.tls.kind === 'established' ? client.tls.identity : undefined;
    const caller = { address: inbound.clientAddress, identity };
    const onExchange = accessLog
      ? (exchange: Exchange) => accessLog.around(exchange, caller, () => serve(exchange))
      : serve;
    if (version === 'http2') serveHttp2(socket, onExchange);
    else serveHttp1(socket, onExchange, (request, upgraded, head) => this.#upgrade(inbound, request, upgraded, head));
  }

  #bytes(connection: Connection, socket: Duplex, port: number, client: Client, listenPort: number): void {
    const runtime = this.#runtime;
    const policy = runtime.policies.port(port);
    const labels = () => ({
      ...targetLabels(runtime.net.ip, port),
      ...serverLabels(policy.config.server, port),
    });
    const decision = decideConnection(policy.config, client);
    const who = tlsLabels(client);
    const where = `inbound:server{port=${listenPort}}: linkerd_app_inbound::policy::tcp`;
    const describe = () =>
      `server.group=${decision.server.group} server.kind=${decision.server.kind} server.name=${decision.server.name} tls=${tlsInLog(client, false)} client=${client.ip}:${connection.remotePort}`;
    if (decision.outcome === 'deny') {
      runtime.metrics.add('inbound_tcp_authz_deny_total', { ...labels(), ...who });
      runtime.metrics.add('inbound_tcp_errors_total', { error: 'unexpected', ...targetLabels(runtime.net.ip, port) });
      runtime.log.info(where, `Connection denied ${describe()}`);
      // What has been read for detection is out of the way of an orderly end.
      if (client.tls.kind === 'none' && policy.config.protocol !== 'opaque') {
        connection.end(() => connection.destroy());
        return;
      }
      return abort(connection);
    }
    runtime.metrics.add('inbound_tcp_authz_allow_total', {
      ...labels(),
      ...authzLabels(decision.authorization),
      ...who,
    });
    if (decision.authorization.name === 'audit') runtime.log.info(where, `Connection allowed ${describe()}`);
    const stop = policy.onChange(() => {
      if (decideConnection(policy.config, client).outcome === 'allow') return;
      runtime.metrics.add('inbound_tcp_authz_terminate_total', { ...labels(), ...who });
      runtime.log.info(where, `Connection terminated due to policy change ${describe()}`);
      abort(connection);
    });
    connection.once('close', stop);
    this.#count(connection, port, client);
    this.#dial(port).then(
      (application) => {
        if (connection.destroyed) application.destroy();
        else splice(socket, application);
      },
      () => {
        runtime.metrics.add('inbound_tcp_errors_total', { error: 'i/o', ...targetLabels(runtime.net.ip, listenPort) });
        abort(connection);
      },
    );
  }

  async #dial(port: number): Promise<Connection> {
    const { net, uid, settings, transport } = this.#runtime;
    const connection = await net.dial(net.ip, port, { uid, timeoutMs: settings.inboundConnectTimeoutMs });
    transport.count(connection, { direction: 'inbound', peer: 'dst', tls: 'no_identity', no_tls_reason: 'loopback' });
    return connection;
  }

  #application(port: number): Application {
    let application = this.#applications.get(port);
    if (!application) {
      const dial = () => this.#dial(port);
      application = { http1: new Http1Upstream(dial), http2: new Http2Upstream(dial) };
      this.#applications.set(port, application);
    }
    return application;
  }

  /** A WebSocket: its request is judged like any other, then bytes flow. */
  #upgrade(inbound: InboundConnection, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { policy, client, port } = inbound;
    const decision = decideRequest(policy.config, client, {
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      host: request.headers.host ?? '',
      headers: request.headers,
    });
    if (decision.outcome !== 'allow') return refuseUpgrade(socket);
    this.#dial(port).then(
      (application) => {
        application.write(requestHead(request));
        if (head.length > 0) application.write(head);
        splice(socket, application);
      },
      () => socket.destroy(),
    );
  }

  #count(connection: Connection, port: number, client: Client): void {
    const { net, transport, policies } = this.#runtime;
    const server = serverLabels(policies.port(port).config.server, port);
    transport.count(connection, {
      direction: 'inbound',
      peer: 'src',
      ...targetLabels(net.ip, port),
      ...tlsLabels(client),
      ...server,
    });
  }

  close(): void {
    this.#profiles.close();
    for (const { http1, http2 } of this.#applications.values()) {
      http1.close();
      http2.close();
    }
  }
}

/** A request that came in HTTP/2 only between the proxies goes to the application in the version that the client spoke; native HTTP/2 stays HTTP/2. */
function send(application: Application, exchange: Exchange) {
  const upstream = exchange.version === 'HTTP/2.0' && exchange.isNative ? application.http2 : application.http1;
  const { method, path, isOld, authority, headers, body, whole } = exchange;
  const gone = new AbortController();
  // The application need not go on with what nobody waits for.
  exchange.onDone((complete) => complete || gone.abort(new Error('the client has gone')));
  return upstream.send({
    method,
    path,
    isOld,
    authority,
    headers,
    ...(body ? { body } : {}),
    ...(whole ? { whole } : {}),
    signal: gone.signal,
  });
}
