import type { Connection } from '#kube/network/network.ts';
import { type Call, GrpcError, GrpcServer, INVALID_ARGUMENT } from '#mesh/api/grpc.ts';
import { OBSERVE } from '#mesh/api/tap-api.ts';
import { peek, readClientHello } from '../peek.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { abort } from '../splice.ts';
import { acceptTls } from '../tls.ts';
import { InvalidMatch, type Matcher, readMatch } from './match.ts';
import { Tap } from './taps.ts';

const DETECT_MS = 1_000;
const UNAUTHENTICATED = 16;

/** Port 4190: `Observe`, for the identity that `LINKERD2_PROXY_TAP_SVC_NAME` names; all others are refused. */
export class TapServer {
  readonly #runtime: ProxyRuntime;
  readonly #permitted: string;
  readonly #server: GrpcServer;
  /** Tells the sessions of a proxy apart. */
  #sessions = 0;

  constructor(runtime: ProxyRuntime, permitted: string) {
    this.#runtime = runtime;
    this.#permitted = permitted;
    this.#server = new GrpcServer().add(OBSERVE, (call) => this.#observe(call));
  }

  accept(connection: Connection): void {
    const { connections } = this.#runtime;
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
    this.#serve(connection).catch(() => abort(connection));
  }

  async #serve(connection: Connection): Promise<void> {
    const { clock, certificate } = this.#runtime;
    const first = await peek(connection, readClientHello, { clock, timeoutMs: DETECT_MS });
    if (first?.kind !== 'tls' || first.sni !== certificate.name) {
      const loopback = connection.remoteAddress.startsWith('127.');
      return (loopback ? this.#server : refusing('no_tls_from_remote')).accept(connection);
    }
    const { identity, socket } = await acceptTls(connection, certificate);
    (identity === this.#permitted ? this.#server : refusing('Unauthorized client')).accept(socket);
  }

  async #observe({ request, send, signal }: Call): Promise<void> {
    const limit: number = request['limit'] ?? 0;
    if (limit === 0) throw new GrpcError(INVALID_ARGUMENT, 'limit must be positive');
    const tap = new Tap({
      base: this.#sessions++,
      limit,
      matches: matcherOf(request['match']),
      headers: request['extract']?.http?.headers !== undefined,
      send,
    });
    const remove = this.#runtime.taps.add(tap);
    const gone = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([tap.done, gone]);
    remove();
  }
}

function matcherOf(match: Call['request'] | undefined): Matcher {
  try {
    return readMatch(match);
  } catch (error) {
    throw error instanceof InvalidMatch ? new GrpcError(INVALID_ARGUMENT, error.message) : error;
  }
}

const refusing = (why: string): GrpcServer =>
  new GrpcServer().add(OBSERVE, () => {
    throw new GrpcError(UNAUTHENTICATED, why);
  });
