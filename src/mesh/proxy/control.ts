import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NetNs } from '#kube/network/network.ts';
import type { ControlMetrics } from './control-metrics.ts';
import type { ProxyLog } from './log.ts';
import type { ControlAddress } from './settings.ts';
import { connectTls, PeerError, type TlsCredentials } from './tls.ts';

/** One controller as a proxy knows it. */
export interface Controller {
  /** For the log. */
  span: string;
  to: ControlAddress;
  metrics: ControlMetrics;
}

export interface ControlDialerOptions {
  net: NetNs;
  uid: number;
  log: ProxyLog;
  credentials: () => TlsCredentials;
}

const CONNECT_MS = 1_000;
/** The proxy's resolver waits so long after it found nothing. */
const LOOKUP_MS = 5_000;

/** Connections of a proxy to its control plane: by name, over TLS to the expected identity, plain over loopback. */
export class ControlDialer {
  readonly #options: ControlDialerOptions;
  /** Where each controller was found, which the log tells once. */
  readonly #found = new Set<string>();
  /** When a name without an address was told of last. */
  readonly #missed = new Map<string, number>();

  constructor(options: ControlDialerOptions) {
    this.#options = options;
  }

  /** Looked up again and again; told as often as the proxy looks. */
  #unresolved(span: string, { host, port }: ControlAddress): void {
    const now = this.#options.credentials().clock.now();
    if (now - (this.#missed.get(span) ?? Number.NEGATIVE_INFINITY) < LOOKUP_MS) return;
    this.#missed.set(span, now);
    const name = host.replace(/\.$/, '');
    this.#options.log.line(
      'warn',
      `${span}:controller{addr=${name}:${port}}: linkerd_app_core::control::balance`,
      `Failed to resolve control-plane component error=${unresolved(name)}`,
      span.startsWith('identity') ? 2 : 1,
    );
  }

  /** A proxy looks for its controllers as soon as it runs, and not only when it has something to ask. */
  async seek(controller: Controller): Promise<void> {
    const { span, to } = controller;
    for (const ip of await this.#addresses(controller).catch(() => [])) this.#adding(span, to, `${ip}:${to.port}`);
  }

  async #addresses({ span, to, metrics }: Controller, signal?: AbortSignal): Promise<string[]> {
    const { host, port } = to;
    const known = host === 'localhost' ? '127.0.0.1' : isIP(host) ? host : undefined;
    const ips =
      known === undefined
        ? await this.#options.net.resolve(host).catch((error: Error) => {
            if (!signal?.aborted) this.#unresolved(span, to);
            throw error;
          })
        : [known];
    metrics.found(ips.map((ip) => `${ip}:${port}`));
    return ips;
  }

  #adding(span: string, { host, port }: ControlAddress, address: string): void {
    if (this.#found.has(`${span} ${address}`)) return;
    this.#found.add(`${span} ${address}`);
    const thread = span.startsWith('identity') ? 2 : 1;
    const where = `${span}:controller{addr=${host}:${port}}: linkerd_pool_p2c`;
    this.#options.log.info(where, `Adding endpoint addr=${address}`, thread);
  }

  async dial(controller: Controller, signal?: AbortSignal): Promise<Duplex> {
    const { net, uid, log } = this.#options;
    const { span, to, metrics } = controller;
    const name = `${to.host}:${to.port}`;
    const ips = await this.#addresses(controller, signal);
    const ip = ips[ips.length === 1 ? 0 : Math.floor(Math.random() * ips.length)]!;
    const address = `${ip}:${to.port}`;
    const failed = (error: Error) => {
      const where = `${span}:controller{addr=${name}}:endpoint{addr=${address}}: linkerd_reconnect`;
      const why = reasonOf(error);
      if (!signal?.aborted)
        log.warn(where, `Failed to connect error=endpoint ${address}: ${why} error.sources=[${why}]`);
      return error;
    };
    const connection = await net
      .dial(ip, to.port, { uid, timeoutMs: CONNECT_MS, ...(signal ? { signal } : {}) })
      .catch((error: Error) => Promise.reject(failed(error)));
    this.#adding(span, to, address);
    if (!to.identity) return counted(connection, metrics, address);
    const stop = () => connection.destroy();
    // Finding and reaching the controller may take time of the clock; the handshake takes none.
    const release = this.#options.credentials().clock.hold?.();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const { socket } = await connectTls(connection, this.#options.credentials(), to.identity, ['h2']);
      return counted(socket, metrics, address);
    } catch (error) {
      throw failed(error as Error);
    } finally {
      release?.();
      signal?.removeEventListener('abort', stop);
    }
  }
}

function counted(connection: Duplex, metrics: ControlMetrics, address: string): Duplex {
  connection.once('close', metrics.connected(address));
  return connection;
}

/** Of a name without records, in the words of the proxy's resolver. */
function unresolved(host: string): string {
  const query = (type: string) =>
    `no records found for Query { name: Name("${host}."), query_type: ${type}, query_class: IN }`;
  const sources = [
    `failed to resolve A record: DNS error: ${query('AAAA')}`,
    `DNS error: ${query('AAAA')}`,
    query('AAAA'),
  ];
  return (
    `failed SRV and A record lookups: failed to resolve SRV record: DNS error: ${query('SRV')}; ${sources[0]} ` +
    `error.sources=[${sources.join(', ')}]`
  );
}

/** As the proxy words it: rustls for certificates, the system for sockets. */
function reasonOf(error: Error & { code?: string }): string {
  if (error instanceof PeerError) return `invalid peer certificate: ${error.message}`;
  if (error.code === 'ECONNREFUSED') return 'Connection refused (os error 111)';
  if (error.code === 'ECONNRESET') return 'Connection reset by peer (os error 104)';
  return error.message;
}
