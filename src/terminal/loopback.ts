import type { Duplex } from 'node:stream';
import { duplexPair } from 'node:stream';

/** First of the ports given out when any will do, as Linux counts them. */
const FIRST_FREE = 32_768;
const LAST_PORT = 65_535;

type OnConnection = (connection: Duplex) => void;

interface Listener {
  onConnection: OnConnection;
  open: Set<Duplex>;
}

const failure = (code: string, message: string): Error & { code: string } =>
  Object.assign(new Error(message), { code });

/** Whether a host names the terminal itself. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || name.endsWith('.localhost') || /^127(\.\d{1,3}){3}$/.test(name);
}

/**
 * 127.0.0.1 of the lab's terminal: `kubectl port-forward` listens here and curl, openssl and nc in the terminal connect. There
 * are no sockets of the machine behind it, so nothing outside the session can reach it and it reaches nothing outside.
 */
export class LoopbackNet {
  readonly #listeners = new Map<number, Listener>();
  #next = FIRST_FREE;

  /** Listens on a port (0: any free one); throws an Error with code EADDRINUSE when it is taken. */
  listen(port: number, onConnection: OnConnection): { readonly port: number; close(): void } {
    const chosen = port === 0 ? this.#free() : port;
    if (!Number.isInteger(chosen) || chosen < 1 || chosen > LAST_PORT)
      throw failure('ERR_SOCKET_BAD_PORT', `port ${port} is not between 1 and ${LAST_PORT}`);
    if (chosen < 1024) throw failure('EACCES', `listen tcp4 127.0.0.1:${chosen}: bind: permission denied`);
    if (this.#listeners.has(chosen))
      throw failure('EADDRINUSE', `listen tcp4 127.0.0.1:${chosen}: bind: address already in use`);
    const listener: Listener = { onConnection, open: new Set() };
    this.#listeners.set(chosen, listener);
    return {
      port: chosen,
      close: () => {
        if (this.#listeners.get(chosen) === listener) this.#listeners.delete(chosen);
        for (const connection of listener.open) connection.destroy();
      },
    };
  }

  /**
   * Connects from the terminal. Rejects with ECONNREFUSED when nobody listens, and with ENOTFOUND or EHOSTUNREACH for every other
   * host: the terminal stands outside the cluster, as a laptop does, and has no other network.
   */
  async dial(host: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted();
    if (!isLoopbackHost(host)) {
      const isAddress = /^[\d.]+$/.test(host) || host.includes(':');
      throw isAddress
        ? failure('EHOSTUNREACH', `no route to ${host}: this terminal is outside the cluster; use kubectl port-forward`)
        : failure('ENOTFOUND', `Could not resolve host: ${host}`);
    }
    const listener = this.#listeners.get(port);
    if (!listener) throw failure('ECONNREFUSED', `connect ECONNREFUSED 127.0.0.1:${port}`);
    const [near, far] = duplexPair();
    for (const side of [near, far]) {
      listener.open.add(side);
      side.on('close', () => listener.open.delete(side));
      // A side that was destroyed has nobody left to tell.
      side.on('error', () => {});
    }
    // A pair of streams does not carry a destroyed side over to the other by itself; a socket does.
    near.on('close', () => far.destroyed || far.destroy());
    far.on('close', () => near.destroyed || near.destroy());
    signal?.addEventListener('abort', () => near.destroy(), { once: true });
    listener.onConnection(far);
    return near;
  }

  #free(): number {
    for (let tries = 0; tries <= LAST_PORT - FIRST_FREE; tries++) {
      const port = this.#next;
      this.#next = this.#next === LAST_PORT ? FIRST_FREE : this.#next + 1;
      if (!this.#listeners.has(port)) return port;
    }
    throw failure('EADDRNOTAVAIL', 'no free port is left');
  }
}
