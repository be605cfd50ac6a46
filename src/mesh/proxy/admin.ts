import { Readable } from 'node:stream';
import type { Connection } from '#kube/network/network.ts';
import type { Client } from '#mesh/policy/core/config.ts';
import { type Answer, type Exchange, serveHttp1, serveHttp2 } from './exchange.ts';
import { type InboundConnection, serveInbound } from './inbound-http.ts';
import { detected, serverLabels, targetLabels, tlsLabels } from './inbound-labels.ts';
import { peek, readClientHello, readHttp } from './peek.ts';
import type { ProxyRuntime } from './runtime.ts';
import { abort } from './splice.ts';
import { acceptTls } from './tls.ts';

/** The admin port's own detection is quick. */
const DETECT_MS = 1_000;

export interface AdminOptions {
  env: Record<string, string>;
  startedAt: number;
  version: string;
  shutdown(): void;
}

const text = (status: number, body: string, contentType = 'text/plain'): Answer => ({
  status,
  headers: { 'content-type': contentType, 'content-length': String(Buffer.byteLength(body)) },
  body: Readable.from([Buffer.from(body)]),
});

/** Port 4191: `/ready`, `/live`, `/metrics`, `/env.json`, plain or over TLS under the pod's own identity. */
export class Admin {
  readonly #runtime: ProxyRuntime;
  readonly #options: AdminOptions;

  constructor(runtime: ProxyRuntime, options: AdminOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  accept(connection: Connection): void {
    const { connections } = this.#runtime;
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
    this.#serve(connection).catch(() => abort(connection));
  }

  async #serve(connection: Connection): Promise<void> {
    const runtime = this.#runtime;
    const { clock, certificate, settings } = runtime;
    const first = await peek(connection, readClientHello, { clock, timeoutMs: DETECT_MS });
    const policy = runtime.policies.port(settings.adminPort);
    const server = serverLabels(policy.config.server, settings.adminPort);
    const labels = { direction: 'inbound', peer: 'src', ...targetLabels('0.0.0.0', settings.adminPort) };
    // A handshake for anybody else has nobody behind it here.
    if (first?.kind === 'tls' && first.sni !== certificate.name) {
      const seen: Client = { ip: connection.remoteAddress, tls: { kind: 'opaque', sni: first.sni ?? '' } };
      runtime.transport.count(connection, { ...labels, ...tlsLabels(seen), ...server });
      return abort(connection);
    }
    const tls = first?.kind === 'tls' ? await acceptTls(connection, certificate) : undefined;
    const inbound: InboundConnection = {
      runtime,
      policy,
      port: settings.adminPort,
      targetAddress: '0.0.0.0',
      client: {
        ip: connection.remoteAddress,
        tls: tls
          ? { kind: 'established', ...(tls.identity !== undefined ? { identity: tls.identity } : {}) }
          : { kind: 'none', reason: 'no_tls_from_remote' },
      },
      clientAddress: `${connection.remoteAddress}:${connection.remotePort}`,
      listenPort: settings.adminPort,
      isProxy: tls?.identity !== undefined,
      forward: async (exchange) => this.#answer(exchange, connection),
    };
    runtime.transport.count(connection, { ...labels, ...tlsLabels(inbound.client), ...server });
    const socket = tls?.socket ?? connection;
    const version = await peek(socket, readHttp, { clock, timeoutMs: DETECT_MS });
    detected(runtime.metrics, version, server);
    const onExchange = (exchange: Exchange) => void serveInbound(inbound, exchange).catch(() => abort(connection));
    if (version === 'http2') serveHttp2(socket, onExchange);
    else if (version === 'http1') serveHttp1(socket, onExchange);
    else if (!tls) abort(connection);
    else socket.end();
  }

  #answer(exchange: Exchange, connection: Connection): Answer {
    const { certificate, log, settings } = this.#runtime;
    exchange.body?.resume();
    switch (exchange.path.split('?')[0]) {
      case '/ready':
        return certificate.ready ? text(200, 'ready\n') : text(503, 'not ready\n');
      case '/live':
        return text(200, 'live\n');
      case '/metrics':
        return text(200, this.#metrics(), 'text/plain; version=0.0.4');
      case '/env.json':
        return text(200, JSON.stringify(this.#options.env), 'application/json');
      case '/proxy-log-level':
        if (exchange.method === 'GET') return text(200, `${log.directives}\n`);
        return text(405, '');
      case '/shutdown':
        if (!settings.shutdownEnabled) return text(404, '');
        if (exchange.method !== 'POST') return text(405, '');
        if (!connection.remoteAddress.startsWith('127.')) return text(403, '');
        this.#options.shutdown();
        return text(200, 'shutdown\n');
      default:
        return text(404, '');
    }
  }

  #metrics(): string {
    const { clock, metrics } = this.#runtime;
    const now = clock.now();
    const { startedAt, version } = this.#options;
    const gauge = (name: string, help: string, value: number | string, labels = '') =>
      `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}${labels} ${value}\n`;
    return (
      metrics.render() +
      gauge('process_clock_time_seconds', 'Current system time for this proxy.', (now / 1000).toFixed(1)) +
      gauge('process_start_time_seconds', 'Time that the process started, in seconds since epoch.', startedAt / 1000) +
      gauge('process_uptime_seconds_total', 'Total time since the process started.', (now - startedAt) / 1000) +
      gauge(
        'proxy_build_info',
        'Proxy build info.',
        1,
        `{version="${version}",git_sha="",profile="release",vendor="mesh-academy"}`,
      ) +
      gauge(
        'rustls_info',
        'Proxy TLS info.',
        1,
        '{tls_suites="TLS13_AES_128_GCM_SHA256,TLS13_AES_256_GCM_SHA384,TLS13_CHACHA20_POLY1305_SHA256",tls_kx_groups="X25519MLKEM768,X25519,secp256r1,secp384r1",tls_rand="AwsLc",tls_key_provider="AwsLc",tls_fips="false"}',
      )
    );
  }
}
