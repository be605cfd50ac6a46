import * as http from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { Http2Connection } from '#mesh/http2/connection.ts';
import type { Headers } from '#mesh/http2/headers.ts';
import { INTERNAL_ERROR } from '#mesh/http2/numbers.ts';
import type { Http2Stream } from '#mesh/http2/stream.ts';
import { pump } from './body-pump.ts';
import { PlainServer } from './http1-server.ts';
import { MOST_HEAD_BYTES, reasonIn, refusalOf } from './http1-wire.ts';

/** What comes back for a request, from an application, from another proxy, or from this one. */
export interface Answer {
  status: number;
  /** What stood behind the status in HTTP/1; it goes on in HTTP/1 only. */
  reason?: string;
  headers: Headers;
  body?: Readable;
  /** The body instead, where all of it came at once. */
  whole?: Buffer;
  /** Known once the body has ended. */
  trailers?(): Headers | undefined;
}

/** One HTTP request on its way through the proxy, whichever version it came in. */
export interface Exchange {
  version: 'HTTP/1.1' | 'HTTP/2.0';
  /** The client speaks HTTP/1.0, and the application hears so. */
  readonly isOld?: boolean;
  method: string;
  path: string;
  authority: string;
  /** Lower case, without hop-by-hop headers and `host`. */
  headers: Headers;
  /** Absent when the request has no body. */
  readonly body?: Readable | undefined;
  /** The same where all of it came at once; whoever passes it on needs no stream then. */
  readonly whole?: Buffer;
  isGrpc: boolean;
  /** False when another proxy lifted the request from HTTP/1 to HTTP/2 for the way between the two. */
  isNative: boolean;
  respond(answer: Answer): void;
  /** Breaks the request off without an answer; only HTTP/2 can without ending its connection. */
  reset?(code?: number): void;
  /** Called once when the exchange is over; `true` when it went through to its end. */
  onDone(listener: (complete: boolean) => void): void;
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
]);

/** Also without what `connection` names. `ends` keeps a `connection: close` in its place. */
export function withoutHopByHop(headers: Headers, ends = false): Headers {
  const out: Headers = {};
  const { connection } = headers;
  const named =
    connection === undefined || connection === 'close' || connection === 'keep-alive'
      ? undefined
      : String(connection)
          .split(',')
          .map((each) => each.trim().toLowerCase());
  for (const name in headers) {
    if (ends && name === 'connection') out[name] = 'close';
    if (HOP_BY_HOP.has(name) || name.charCodeAt(0) === 58 || named?.includes(name)) continue;
    const value = headers[name];
    if (name === 'te' && value !== 'trailers') continue;
    out[name] = value;
  }
  return out;
}

/** The last header takes the place of each that is taken away, as in the proxy's own map of them. */
export function without(headers: Headers, isTaken: (name: string) => boolean): Headers {
  const entries = Object.entries(headers);
  for (let i = 0; i < entries.length; ) {
    if (!isTaken(entries[i]![0])) {
      i++;
      continue;
    }
    const last = entries.pop()!;
    if (i < entries.length) entries[i] = last;
  }
  return entries.length === Object.keys(headers).length ? headers : Object.fromEntries(entries);
}

/** What an answer says of its connection only is taken away in that order (linkerd/http/upgrade). */
export function withoutConnection(headers: Headers): Headers {
  const named = String(headers['connection'] ?? '')
    .toLowerCase()
    .split(',');
  const taken = ['connection', ...named.map((each) => each.trim()), 'upgrade', 'proxy-connection', 'keep-alive'];
  return taken.reduce(
    (left, name) => (left[name] === undefined ? left : without(left, (each) => each === name)),
    headers,
  );
}

export const isGrpc = (headers: Headers): boolean =>
  typeof headers['content-type'] === 'string' && headers['content-type'].startsWith('application/grpc');

/** An answer of the proxy itself: an empty body, or for gRPC a status in the only frame there is. */
export function plainAnswer(exchange: Exchange, status: number, grpc: { code: number; message: string }): Answer {
  if (!exchange.isGrpc) return { status, headers: { 'content-length': '0' } };
  return {
    status: 200,
    headers: {
      'content-type': 'application/grpc',
      'grpc-status': String(grpc.code),
      'grpc-message': encodeURIComponent(grpc.message),
      'content-length': '0',
    },
  };
}

/** An answer that the proxy makes itself. */
export interface Synthesis {
  status: number;
  /** The gRPC status, for those who speak gRPC. */
  grpc: number;
  message: string;
  /** The connection ends with it. */
  closes?: boolean;
  /** Says in headers what went wrong: to programs of the pod itself, and to other proxies. */
  tells?: boolean;
  location?: string;
}

/**
 * An answer of the proxy itself, its headers in the order in which its HTTP library writes them (linkerd/app/core
 * errors/respond.rs).
 */
export function synthesized(exchange: Exchange, given: Synthesis, now: number): Answer {
  const { message, closes, location } = given;
  const date = new Date(now).toUTCString();
  const tells: Headers = given.tells ? { 'l5d-proxy-error': printable(message) } : {};
  const ends: Headers = closes && given.tells ? { 'l5d-proxy-connection': 'close' } : {};
  if (exchange.isGrpc) {
    const status: Headers = { 'content-type': 'application/grpc', 'grpc-status': String(given.grpc) };
    const said: Headers = given.tells ? { 'grpc-message': printable(message) } : {};
    return { status: 200, headers: { 'content-length': '0', ...status, ...said, ...tells, ...ends, date } };
  }
  const place: Headers = location === undefined ? {} : { location };
  const { status } = given;
  if (exchange.version === 'HTTP/2.0')
    return { status, headers: { 'content-length': '0', ...tells, ...ends, ...place, date } };
  const connection: Headers = closes && exchange.version === 'HTTP/1.1' ? { connection: 'close' } : {};
  return { status, headers: { ...tells, ...connection, ...ends, ...place, 'content-length': '0', date } };
}

/** What cannot be in a header is not told. */
const printable = (message: string): string => (/^[\t\u0020-\u007e]*$/.test(message) ? message : 'unexpected error');

/** Where there is no body, its length is written after all else (hyper, proto/h1/role.rs). */
export function lengthLast(answer: Answer): void {
  const { 'content-length': length, ...others } = answer.headers;
  if (length === '0') answer.headers = { ...others, 'content-length': length };
}

/** Adds the date that the proxy's HTTP library puts on answers of its own: first in HTTP/2, last in HTTP/1. */
export function dated(exchange: Exchange, answer: Answer, now: number): Answer {
  if (answer.headers['date'] !== undefined) return answer;
  const date = new Date(now).toUTCString();
  const headers = exchange.version === 'HTTP/2.0' ? { date, ...answer.headers } : { ...answer.headers, date };
  return { ...answer, headers };
}

export function http1Exchange(request: http.IncomingMessage, response: http.ServerResponse): Exchange {
  const { headers } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  const path = request.url ?? '/';
  // A proxy-style request line names the authority itself.
  const absolute = /^https?:\/\/([^/]+)(\/.*)?$/.exec(path);
  return {
    version: 'HTTP/1.1',
    method: request.method ?? 'GET',
    path: absolute ? (absolute[2] ?? '/') : path,
    authority: absolute ? absolute[1]! : (headers.host ?? ''),
    headers: withoutHopByHop(headers),
    ...(hasBody ? { body: request } : {}),
    // gRPC is HTTP/2; what calls itself so over HTTP/1 is answered as HTTP.
    isGrpc: false,
    isNative: true,
    ...(request.httpVersion === '1.0' ? { isOld: true } : {}),
    respond(answer) {
      if (response.destroyed || response.headersSent) {
        answer.body?.destroy();
        return;
      }
      response.sendDate = false;
      const close = answer.headers['connection'] === 'close';
      const sent = withoutHopByHop(answer.headers, close) as http.OutgoingHttpHeaders;
      // A connection that stays open needs no header to say so, and the real proxy sends none.
      if (!close && response.shouldKeepAlive) response.removeHeader('connection');
      response.writeHead(answer.status, reasonIn(answer), sent);
      const { body } = answer;
      if (!body) return void response.end(answer.whole);
      body.on('error', () => response.destroy());
      body.on('aborted', () => response.destroy());
      response.once('close', () => body.readableEnded || body.destroy());
      body.pipe(response);
    },
    onDone(listener) {
      response.once('close', () => listener(response.writableFinished));
    },
  };
}

/** Counts as one of the mesh's own between proxies, or as a native one, by its headers. */
function http2Exchange(stream: Http2Stream, headers: Headers): Exchange {
  const whole = stream.whole;
  const body = whole === undefined ? stream.body() : undefined;
  let made: Readable | undefined;
  const listeners: ((complete: boolean) => void)[] = [];
  let answer: Answer | undefined;
  const lifted = headers['l5d-orig-proto'] as string | undefined;
  stream.onClosed = (complete) => {
    for (const listener of listeners) listener(complete);
    const body = answer?.body;
    if (!complete && body && !body.readableEnded) body.destroy();
  };
  return {
    version: 'HTTP/2.0',
    method: headers[':method'] as string,
    path: (headers[':path'] as string | undefined) ?? '/',
    authority: ((headers[':authority'] ?? headers['host']) as string | undefined) ?? '',
    headers: withoutHopByHop(headers),
    get body() {
      if (!whole) return body;
      if (whole.length > 0) made ??= Readable.from([whole], { objectMode: false });
      return made;
    },
    ...(whole && whole.length > 0 ? { whole } : {}),
    isGrpc: isGrpc(headers),
    isNative: lifted === undefined,
    ...(lifted?.startsWith('HTTP/1.0') ? { isOld: true } : {}),
    respond(given) {
      if (stream.isClosed || answer) {
        given.body?.destroy();
        return;
      }
      answer = given;
      const status = { ':status': String(given.status) };
      const sent = withoutHopByHop(given.headers);
      const { body } = given;
      const trailers = () => {
        const some = given.trailers?.();
        return some && Object.keys(some).length > 0 ? withoutHopByHop(some) : undefined;
      };
      if (!body || (sent['content-length'] === '0' && !given.trailers)) {
        body?.resume();
        const after = body ? undefined : trailers();
        const ended = given.whole === undefined && after === undefined;
        stream.writeHead(status, sent, ended);
        if (!ended) stream.end(given.whole, after);
        return;
      }
      stream.writeHead(status, sent);
      stream.onDrain = pump(body, {
        write: (chunk) => stream.write(chunk),
        end: () => stream.end(undefined, trailers()),
        broken: () => stream.fail(INTERNAL_ERROR),
      });
    },
    reset(code = INTERNAL_ERROR) {
      stream.fail(code);
    },
    onDone(listener) {
      if (stream.isClosed) listener(stream.error === undefined);
      else listeners.push(listener);
    },
  };
}

type OnExchange = (exchange: Exchange) => void;
const HANDLER = Symbol('exchange handler');
type Tagged = Duplex & { [HANDLER]?: { onExchange: OnExchange; onUpgrade?: OnUpgrade } };
type OnUpgrade = (request: http.IncomingMessage, socket: Duplex, head: Buffer) => void;

let shared: http.Server | undefined;

/** One HTTP/1 server for all proxies of this worker; whose a connection is, is written on it. */
function http1Server(): http.Server {
  if (shared) return shared;
  shared = http.createServer(
    { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, noDelay: false, maxHeaderSize: MOST_HEAD_BYTES },
    (req, res) => {
      (req.socket as Tagged)[HANDLER]?.onExchange(http1Exchange(req, res));
    },
  );
  shared.on('upgrade', (request, socket, head) => {
    const handler = (socket as Tagged)[HANDLER];
    if (handler?.onUpgrade) handler.onUpgrade(request, socket, head);
    else socket.destroy();
  });
  shared.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(refusalOf(400), () => socket.destroy());
    else socket.destroy();
  });
  return shared;
}

/** Speaks HTTP/1 on an accepted connection. */
export function serveHttp1(socket: Duplex, onExchange: OnExchange, onUpgrade?: OnUpgrade): void {
  // Most connections carry nothing but plain requests; Node's server takes the others.
  new PlainServer(socket, onExchange, () => {
    (socket as Tagged)[HANDLER] = { onExchange, ...(onUpgrade ? { onUpgrade } : {}) };
    http1Server().emit('connection', socket);
  });
}

/** Speaks HTTP/2 (prior knowledge) on an accepted connection. */
export function serveHttp2(socket: Duplex, onExchange: OnExchange): void {
  new Http2Connection(socket, true, { onStream: (stream, headers) => onExchange(http2Exchange(stream, headers)) });
}
