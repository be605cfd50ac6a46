import type { Duplex } from 'node:stream';
import { Http2Connection } from '#mesh/http2/connection.ts';
import type { Headers } from '#mesh/http2/headers.ts';
import { CANCEL, FRAME_SIZE_ERROR, INTERNAL_ERROR, reasonText } from '#mesh/http2/numbers.ts';
import { Http2Stream } from '#mesh/http2/stream.ts';
import { pump } from './body-pump.ts';
import { type Answer, type Exchange, withoutHopByHop } from './exchange.ts';
import { Http1Pool } from './http1-client.ts';

export type Dial = () => Promise<Duplex>;

/** A connection could not be made, or broke before the answer began. */
export class UpstreamError extends Error {}

/** There is no connection. */
export class NotConnected extends UpstreamError {}

/** The peer does not speak HTTP/2, or broke off what was asked in it. */
export class HttpTwoError extends UpstreamError {}

/** The peer took the request and answered with nothing, or nothing that is HTTP: the proxy has no answer ready for that. */
export function isUnexpected(error: Error): boolean {
  if (!(error instanceof UpstreamError) || error instanceof NotConnected || error instanceof HttpTwoError) return false;
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return cause?.code === undefined || cause.message === INCOMPLETE;
}

const INCOMPLETE = 'connection closed before message completed';

/** How the proxy's HTTP client tells of an error, and what lies behind it. */
export function clientErrorOf(error: Error): string[] {
  if (error instanceof HttpTwoError) return ['http2 error', error.message];
  const { code, message } = (error.cause as NodeJS.ErrnoException | undefined) ?? (error as NodeJS.ErrnoException);
  const known = code === undefined ? undefined : OS_ERRORS[code];
  if (error instanceof NotConnected) return ['client error (Connect)', known ?? message];
  return ['client error (SendRequest)', (message === INCOMPLETE ? undefined : known) ?? message];
}

/** With what a client's stream is reset: the peer's own reason where it gave one. */
export const resetCodeOf = (error: Error): number =>
  error.message.endsWith(reasonText(FRAME_SIZE_ERROR)) ? FRAME_SIZE_ERROR : INTERNAL_ERROR;

const OS_ERRORS: Record<string, string> = {
  ECONNREFUSED: 'Connection refused (os error 111)',
  ECONNRESET: 'Connection reset by peer (os error 104)',
  EHOSTUNREACH: 'No route to host (os error 113)',
  ENETUNREACH: 'Network is unreachable (os error 101)',
};

/** What is sent on: the request with the headers that the next hop shall see. */
export interface Outgoing {
  method: string;
  path: string;
  /** Speaks HTTP/1.0, where it goes out in HTTP/1. */
  isOld?: boolean | undefined;
  authority: string;
  headers: Headers;
  readonly body?: Exchange['body'];
  readonly whole?: Buffer;
  /** Aborted when the client has gone or waited long enough. */
  signal?: AbortSignal;
}

/** A way to dial that says of its failures what they are. */
function connecting(dial: Dial): Dial {
  return async () => {
    try {
      return await dial();
    } catch (error) {
      if (error instanceof UpstreamError) throw error;
      throw new NotConnected((error as Error).message, { cause: error });
    }
  };
}

/** An HTTP/1 peer. */
export class Http1Upstream {
  readonly #pool: Http1Pool;

  constructor(dial: Dial) {
    this.#pool = new Http1Pool(connecting(dial));
  }

  async send(out: Outgoing): Promise<Answer> {
    try {
      return await this.#pool.send(out);
    } catch (error) {
      if (error instanceof NotConnected) throw error;
      throw new UpstreamError((error as Error).message, { cause: error });
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#pool.close();
  }
}

/** One HTTP/2 connection to a peer, made on first use and anew when it broke. */
export class Http2Upstream {
  readonly #dial: Dial;
  #connection: Http2Connection | undefined;
  #connecting: Promise<Http2Connection> | undefined;
  onClosed: (() => void) | undefined;

  constructor(dial: Dial) {
    this.#dial = connecting(dial);
  }

  get connected(): boolean {
    return this.#connection?.isOpen === true;
  }

  connect(): Promise<Http2Connection> {
    if (this.connected) return Promise.resolve(this.#connection!);
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(): Promise<Http2Connection> {
    const socket = await this.#dial();
    const connection: Http2Connection = new Http2Connection(socket, false, {
      onClosed: () => {
        if (this.#connection === connection) this.#connection = undefined;
        this.onClosed?.();
      },
    });
    this.#connection = connection;
    return connection;
  }

  async send(out: Outgoing): Promise<Answer> {
    const connection = this.connected ? this.#connection! : await this.connect();
    return new Promise((resolve, reject) => {
      const { signal, whole: request } = out;
      const body = request ? undefined : out.body;
      let answered = false;
      const stream = new Http2Stream((head) => {
        answered = true;
        const { complete } = stream;
        const answer: Answer = { status: Number(head[':status']), headers: withoutHopByHop(head) };
        if (complete === undefined) answer.body = stream.body();
        else if (complete.length > 0) answer.whole = complete;
        if (complete === undefined || stream.trailers) answer.trailers = () => stream.trailers;
        resolve(answer);
      });
      const stop = () => stream.fail(CANCEL, new Error('aborted'));
      stream.onClosed = () => {
        signal?.removeEventListener('abort', stop);
        const { error } = stream;
        if (answered || !error) return;
        const Kind = signal?.aborted ? UpstreamError : HttpTwoError;
        reject(new Kind(error.message, { cause: error }));
      };
      if (signal?.aborted) return stop();
      signal?.addEventListener('abort', stop, { once: true });
      const first = { ':method': out.method, ':path': out.path, ':scheme': 'http', ':authority': out.authority };
      connection.request(first, out.headers, !body && !request, stream);
      if (request) stream.end(request);
      if (!body) return;
      stream.onDrain = pump(body, { write: (chunk) => stream.write(chunk), end: () => stream.end(), broken: stop });
    });
  }

  close(): void {
    this.#connection?.destroy();
  }
}
