import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NetNs } from '#kube/network/network.ts';
import type { ProxyLog } from './log.ts';
import type { ControlAddress } from './settings.ts';
import { connectTls, PeerError, type TlsCredentials } from './tls.ts';

export interface ControlDialerOptions {
  net: NetNs;
  uid: number;
  log: ProxyLog;
  credentials: () => TlsCredentials;
}

const CONNECT_MS = 1_000;

/** Connections of a proxy to its control plane: by name, over TLS to the expected identity, plain over loopback. */
export class ControlDialer {
  readonly #options: ControlDialerOptions;
  /** Where each controller was found last, for the log. */
  readonly #found = new Map<string, string>();

  constructor(options: ControlDialerOptions) {
    this.#options = options;
  }

  async dial(span: string, to: ControlAddress, signal?: AbortSignal): Promise<Duplex> {
    const { net, uid, log } = this.#options;
    const name = `${to.host}:${to.port}`;
    const loopback = to.host === 'localhost';
    const ips = loopback ? ['127.0.0.1'] : isIP(to.host) ? [to.host] : await net.resolve(to.host);
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
    if (this.#found.get(span) !== address) {
      this.#found.set(span, address);
      const thread = span.startsWith('identity') ? 2 : 1;
      log.info(`${span}:controller{addr=${name}}: linkerd_pool_p2c`, `Adding endpoint addr=${address}`, thread);
    }
    if (!to.identity) return connection;
    const stop = () => connection.destroy();
    // Finding and reaching the controller may take time of the clock; the handshake takes none.
    const release = this.#options.credentials().clock.hold?.();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const { socket } = await connectTls(connection, this.#options.credentials(), to.identity, ['h2']);
      return socket;
    } catch (error) {
      throw failed(error as Error);
    } finally {
      release?.();
      signal?.removeEventListener('abort', stop);
    }
  }
}

/** As the proxy words it: rustls for certificates, the system for sockets. */
function reasonOf(error: Error & { code?: string }): string {
  if (error instanceof PeerError) return `invalid peer certificate: ${error.message}`;
  if (error.code === 'ECONNREFUSED') return 'Connection refused (os error 111)';
  if (error.code === 'ECONNRESET') return 'Connection reset by peer (os error 104)';
  return error.message;
}
