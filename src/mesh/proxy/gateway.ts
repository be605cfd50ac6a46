import type { Duplex } from 'node:stream';
import type { Connection } from '#kube/network/network.ts';
import type { Client } from '#mesh/policy/core/config.ts';
import { decideConnection } from '#mesh/policy/core/decide.ts';
import { type Answer, type Exchange, plainAnswer, serveHttp1, serveHttp2 } from './exchange.ts';
import { type InboundConnection, refuseUpgrade, serveInbound } from './inbound-http.ts';
import type { Outbound } from './outbound.ts';
import { serveOutbound } from './outbound-http.ts';
import type { ProxyRuntime } from './runtime.ts';
import { abort, splice } from './splice.ts';
import type { TransportHeader } from './transport-header.ts';

/** Where a client from elsewhere wants to go. */
type Named = TransportHeader & { name: string };

/**
 * The gateway of a cluster: what arrives with a name in its transport header is judged by the policy of the proxy's own
 * port and sent on through the outbound side, under the gateway's own identity (linkerd/app/gateway).
 */
export class Gateway {
  readonly #runtime: ProxyRuntime;
  readonly #outbound: Outbound;

  constructor(runtime: ProxyRuntime, outbound: Outbound) {
    this.#runtime = runtime;
    this.#outbound = outbound;
  }

  async serve(connection: Connection, socket: Duplex, to: Named, client: Client): Promise<void> {
    const { settings, policies, net } = this.#runtime;
    const policy = policies.port(settings.inboundPort);
    await policy.known();
    if (!to.protocol) return this.#bytes(connection, socket, to, client);
    const inbound: InboundConnection = {
      runtime: this.#runtime,
      policy,
      port: settings.inboundPort,
      targetAddress: net.ip,
      client,
      clientAddress: `${connection.remoteAddress}:${connection.remotePort}`,
      listenPort: settings.inboundPort,
      isProxy: true,
      forward: (exchange) => this.#forward(connection, exchange, to, client),
    };
    const onExchange = (exchange: Exchange) => void serveInbound(inbound, exchange).catch(() => abort(connection));
    if (to.protocol === 'http2') serveHttp2(socket, onExchange);
    else serveHttp1(socket, onExchange, (_request, upgraded) => refuseUpgrade(upgraded));
  }

  async #forward(connection: Connection, exchange: Exchange, to: Named, client: Client): Promise<Answer> {
    const { certificate } = this.#runtime;
    const own = certificate.name;
    const from = client.tls.kind === 'established' ? (client.tls.identity ?? '') : '';
    if (!this.#serves(to.name)) return this.#refuse(exchange, 404, 5, 'bad gateway domain');
    const passed = [exchange.headers['forwarded'] ?? []].flat();
    if (from === own || passed.some((each) => each.split(';').includes(`by=${own}`))) {
      return this.#refuse(exchange, 508, 10, 'gateway loop detected');
    }
    const host = to.port === 80 ? to.name : `${to.name}:${to.port}`;
    let way: Awaited<ReturnType<Outbound['gateway']>>;
    try {
      way = await this.#outbound.gateway(to.name, to.port);
    } catch {
      return this.#refuse(exchange, 404, 5, 'bad gateway domain');
    }
    connection.once('close', way.release);
    exchange.onDone(() => {
      connection.off('close', way.release);
      way.release();
    });
    const forwarded = `by=${own};for=${from};host=${host};proto=https`;
    return new Promise((resolve, reject) => {
      const onward: Exchange = {
        method: exchange.method,
        path: exchange.path,
        ...(exchange.body ? { body: exchange.body } : {}),
        isGrpc: exchange.isGrpc,
        isNative: exchange.isNative,
        onDone: (listener) => exchange.onDone(listener),
        // What was lifted to HTTP/2 for the way here is lifted again for the next.
        version: exchange.isNative ? exchange.version : 'HTTP/1.1',
        authority: exchange.version === 'HTTP/2.0' && exchange.isNative ? exchange.authority : host,
        headers: { ...exchange.headers, forwarded: [...passed, forwarded].join(', ') },
        respond: (answer) => {
          if (exchange.version === 'HTTP/2.0') delete answer.headers['connection'];
          resolve(answer);
        },
      };
      serveOutbound(way.outbound, onward).catch(reject);
    });
  }

  async #bytes(connection: Connection, socket: Duplex, to: Named, client: Client): Promise<void> {
    const policy = this.#runtime.policies.port(this.#runtime.settings.inboundPort);
    if (!this.#serves(to.name) || decideConnection(policy.config, client).outcome === 'deny') return abort(connection);
    const way = await this.#outbound.gateway(to.name, to.port);
    connection.once('close', way.release);
    const peer = await this.#outbound.connectTo(way.outbound);
    if (connection.destroyed) peer.destroy();
    else splice(socket, peer);
  }

  #serves(name: string): boolean {
    return this.#runtime.settings.gatewaySuffixes.some((suffix) => name.endsWith(`.${suffix.replace(/\.$/, '')}`));
  }

  #refuse(exchange: Exchange, status: number, code: number, message: string): Answer {
    this.#runtime.metrics.add('inbound_http_errors_total', {
      error: message.replace(' detected', '').replace('bad gateway domain', 'gateway domain invalid'),
    });
    exchange.body?.resume();
    const answer = plainAnswer(exchange, status, { code, message });
    answer.headers['l5d-proxy-error'] = message;
    return answer;
  }
}
