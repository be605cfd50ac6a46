import { Readable } from 'node:stream';
import type { Connection } from '#kube/network/network.ts';
import type { Client } from '#mesh/policy/core/config.ts';
import { type Answer, dated, type Exchange, serveHttp1, serveHttp2 } from './exchange.ts';
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

const bare = (status: number, body = ''): Answer => ({
  status,
  headers: status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) },
  body: Readable.from([Buffer.from(body)]),
});

function text(status: number, body: string, contentType = 'text/plain'): Answer {
  const answer = bare(status, body);
  return { ...answer, headers: { 'content-type': contentType, ...answer.headers } };
}

const LEVELS_ONLY =
  'error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5';
const NOT_FROM_THERE = 'Requests are only permitted from localhost.';

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
    // Where not everybody may ask, or all that ask are logged, the kubelet's probes wait for the controller to name them.
    const isOpen = policy.config.authorizations.some(({ authentication }) => authentication.kind === 'unauthenticated');
    if (!isOpen || policy.config.server.name === 'audit') await policy.known();
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
      forward: async (exchange) => dated(exchange, await this.#answer(exchange, connection), clock.now()),
    };
    runtime.transport.count(connection, { ...labels, ...tlsLabels(inbound.client), ...server });
    const socket = tls?.socket ?? connection;
    const begun = clock.now();
    const version = await peek(socket, readHttp, { clock, timeoutMs: DETECT_MS });
    detected(runtime.metrics, 'inbound', version, { ms: clock.now() - begun, labels: server });
    const onExchange = (exchange: Exchange) => void serveInbound(inbound, exchange).catch(() => abort(connection));
    if (version === 'http2') serveHttp2(socket, onExchange);
    else if (version === 'http1') serveHttp1(socket, onExchange);
    else if (!tls) abort(connection);
    else socket.end();
  }

  async #answer(exchange: Exchange, connection: Connection): Promise<Answer> {
    const { certificate, settings } = this.#runtime;
    const isLocal = connection.remoteAddress.startsWith('127.');
    const path = exchange.path.split('?')[0];
    if (path === '/proxy-log-level') return isLocal ? this.#logLevel(exchange) : text(403, NOT_FROM_THERE);
    exchange.body?.resume();
    switch (path) {
      case '/ready':
        return certificate.ready ? text(200, 'ready\n') : bare(503, 'not ready\n');
      case '/live':
        return text(200, 'live\n');
      case '/metrics':
        return text(200, this.#metrics());
      case '/env.json':
        return exchange.method === 'GET' ? this.#environment(exchange.path.split('?')[1]) : bare(405);
      case '/shutdown':
        if (exchange.method !== 'POST') return bare(405);
        if (!isLocal) return text(403, NOT_FROM_THERE);
        if (!settings.shutdownEnabled) return text(404, 'shutdown endpoint is not enabled\n');
        this.#options.shutdown();
        return text(200, 'shutdown\n');
      default:
        return bare(404);
    }
  }

  /** All variables, or those that the query names. */
  #environment(query: string | undefined): Answer {
    const { env } = this.#options;
    if (query?.includes('=')) {
      const error = 'env.json query parameters may not contain key-value pairs';
      return text(400, JSON.stringify({ error, status: 400 }), 'application/json');
    }
    const named = query && Object.fromEntries(query.split('&').map((name) => [name, env[name] ?? null]));
    return text(200, JSON.stringify(named || env), 'application/json');
  }

  async #logLevel(exchange: Exchange): Promise<Answer> {
    const { log } = this.#runtime;
    const chunks: Buffer[] = [];
    for await (const chunk of exchange.body ?? []) chunks.push(Buffer.from(chunk as Uint8Array));
    if (exchange.method === 'GET') return bare(200, log.directives);
    if (exchange.method !== 'PUT') return { ...bare(405), headers: { allow: 'GET, PUT', 'content-length': '0' } };
    return log.set(Buffer.concat(chunks).toString()) ? bare(204) : bare(400, LEVELS_ONLY);
  }

  #metrics(): string {
    const unitOf = (name: string) => (name.endsWith('_seconds') ? `# UNIT ${name} seconds\n` : '');
    const { clock, metrics } = this.#runtime;
    const now = clock.now();
    const { startedAt, version } = this.#options;
    const gauge = (name: string, help: string, value: number | string, labels = '') =>
      `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${unitOf(name)}${name}${labels} ${value}\n`;
    return (
      metrics.render() +
      gauge(
        'proxy_build_info',
        'Proxy build info.',
        1,
        `{git_sha="",profile="release",vendor="mesh-academy",version="${version}"}`,
      ) +
      gauge(
        'rustls_info',
        'Proxy TLS info.',
        1,
        '{tls_suites="TLS13_AES_128_GCM_SHA256,TLS13_AES_256_GCM_SHA384,TLS13_CHACHA20_POLY1305_SHA256,",tls_kx_groups="X25519MLKEM768,X25519,secp256r1,secp384r1,",tls_rand="AwsLcRs",tls_key_provider="AwsLcRs",tls_fips="false"}',
      ) +
      gauge(
        'process_start_time_seconds',
        'Time that the process started (in seconds since the UNIX epoch).',
        startedAt / 1000,
      ) +
      gauge('process_clock_time_seconds', 'Current system time for this process.', (now / 1000).toFixed(1)) +
      '# HELP process_uptime_seconds Total time since the process started (in seconds)\n' +
      `# TYPE process_uptime_seconds counter\n# UNIT process_uptime_seconds seconds\nprocess_uptime_seconds_total ${(now - startedAt) / 1000}\n# EOF\n`
    );
  }
}
