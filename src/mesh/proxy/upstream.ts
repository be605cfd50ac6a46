import * as http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import { type Answer, type Exchange, type Headers, withoutHopByHop } from './exchange.ts';
import { Http1Pool } from './http1-client.ts';

export type Dial = () => Promise<Duplex>;

/** A connection could not be made, or broke before the answer began. */
export class UpstreamError extends Error {}

/** What is sent on: the request with the headers that the next hop shall see. */
export interface Outgoing {
  method: string;
  path: string;
  authority: string;
  headers: Headers;
  body?: Exchange['body'];
  /** Aborted when the client has gone or waited long enough. */
  signal?: AbortSignal;
}

/** An HTTP/1 peer. */
export class Http1Upstream {
  readonly #pool: Http1Pool;

  constructor(dial: Dial) {
    this.#pool = new Http1Pool(dial);
  }

  async send(out: Outgoing): Promise<Answer> {
    try {
      return await this.#pool.send(out);
    } catch (error) {
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
  #session: http2.ClientHttp2Session | undefined;
  #connecting: Promise<http2.ClientHttp2Session> | undefined;
  onClosed: (() => void) | undefined;

  constructor(dial: Dial) {
    this.#dial = dial;
  }

  get connected(): boolean {
    return this.#session !== undefined && !this.#session.closed && !this.#session.destroyed;
  }

  connect(): Promise<http2.ClientHttp2Session> {
    if (this.connected) return Promise.resolve(this.#session!);
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(): Promise<http2.ClientHttp2Session> {
    const socket = await this.#dial();
    const session = http2.connect('http://mesh', {
      createConnection: () => socket as never,
      settings: { enablePush: false, initialWindowSize: 1 << 20 },
    });
    session.on('error', () => {});
    session.once('close', () => {
      if (this.#session === session) this.#session = undefined;
      socket.destroy();
      this.onClosed?.();
    });
    this.#session = session;
    return session;
  }

  async send(out: Outgoing): Promise<Answer> {
    const session = await this.connect();
    return new Promise((resolve, reject) => {
      const headers = out.headers as http2.OutgoingHttpHeaders;
      headers[':method'] = out.method;
      headers[':path'] = out.path;
      headers[':scheme'] = 'http';
      headers[':authority'] = out.authority;
      let stream: http2.ClientHttp2Stream;
      try {
        stream = session.request(headers, { endStream: out.body === undefined });
      } catch (error) {
        return reject(new UpstreamError((error as Error).message, { cause: error }));
      }
      let answered = false;
      let trailers: Headers | undefined;
      stream.once('response', (got, flags) => {
        answered = true;
        const ended = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
        if (ended) stream.resume();
        resolve({
          status: Number(got[':status'] ?? 502),
          headers: withoutHopByHop(got as Headers),
          ...(ended ? {} : { body: stream, trailers: () => trailers }),
        });
      });
      stream.on('trailers', (got) => {
        trailers = got as Headers;
      });
      stream.on('error', (error) => {
        if (!answered) reject(new UpstreamError(error.message, { cause: error }));
      });
      stream.once('close', () => {
        out.signal?.removeEventListener('abort', stop);
        if (!answered) reject(new UpstreamError('connection closed before message completed'));
      });
      const stop = () => stream.close(http2.constants.NGHTTP2_CANCEL);
      out.signal?.addEventListener('abort', stop, { once: true });
      if (out.body) {
        out.body.on('error', stop);
        out.body.on('aborted', stop);
        out.body.pipe(stream);
      }
    });
  }

  close(): void {
    this.#session?.destroy();
  }
}
