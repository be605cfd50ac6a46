import * as http from 'node:http';
import * as http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import { type Answer, type Exchange, type Headers, withoutHopByHop } from './exchange.ts';

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

/** Sockets of one worker's proxies towards applications, kept alive by their pool's name. */
class PoolAgent extends http.Agent {
  constructor() {
    super({ keepAlive: true, maxFreeSockets: 64, scheduling: 'lifo' });
  }
  override getName(options?: object): string {
    return (options as { pool?: string } | undefined)?.pool ?? '';
  }
  override createConnection(
    options: http.ClientRequestArgs,
    done: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    (options as unknown as { dial: Dial }).dial().then(
      (socket) => done(null, socket),
      (error: Error) => done(error, undefined as never),
    );
    return undefined;
  }
}

let agent: PoolAgent | undefined;

/** An HTTP/1 peer; its connections are pooled under `pool`, which must be unique to proxy and destination. */
export class Http1Upstream {
  readonly #pool: string;
  readonly #dial: Dial;

  constructor(pool: string, dial: Dial) {
    this.#pool = pool;
    this.#dial = dial;
  }

  send(out: Outgoing): Promise<Answer> {
    agent ??= new PoolAgent();
    return new Promise((resolve, reject) => {
      const options = {
        agent,
        pool: this.#pool,
        dial: this.#dial,
        method: out.method,
        path: out.path,
        headers: { ...out.headers, ...(out.authority ? { host: out.authority } : {}) } as http.OutgoingHttpHeaders,
        setHost: false,
        ...(out.signal ? { signal: out.signal } : {}),
      };
      const request = http.request(options as http.RequestOptions);
      let answered = false;
      request.on('response', (response) => {
        answered = true;
        response.on('error', () => {});
        resolve({
          status: response.statusCode ?? 502,
          headers: withoutHopByHop(response.headers),
          body: response,
          ...(response.headers['trailer'] ? { trailers: () => response.trailers } : {}),
        });
      });
      request.on('error', (error) => {
        if (!answered) reject(new UpstreamError(error.message, { cause: error }));
      });
      if (out.body) {
        out.body.on('error', () => request.destroy());
        out.body.on('aborted', () => request.destroy());
        out.body.pipe(request);
      } else request.end();
    });
  }

  /** Closes idle sockets of this pool. */
  close(): void {
    for (const socket of agent?.freeSockets[this.#pool] ?? []) socket.destroy();
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
