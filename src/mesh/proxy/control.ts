import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NetNs } from '#kube/network/network.ts';
import type { ProxyLog } from './log.ts';
import type { ControlAddress } from './settings.ts';
import { connectTls, type TlsCredentials } from './tls.ts';

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
    const connection = await net.dial(ip, to.port, { uid, timeoutMs: CONNECT_MS, ...(signal ? { signal } : {}) });
    if (this.#found.get(span) !== address) {
      this.#found.set(span, address);
      const thread = span.startsWith('identity') ? 2 : 1;
      log.info(`${span}:controller{addr=${name}}: linkerd_pool_p2c`, `Adding endpoint addr=${address}`, thread);
    }
    if (!to.identity) return connection;
    const stop = () => connection.destroy();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const { socket } = await connectTls(connection, this.#options.credentials(), to.identity, ['h2']);
      return socket;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }
}
