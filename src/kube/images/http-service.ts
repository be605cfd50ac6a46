import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import type { Connection, Listener, ListenOptions, NetNs } from '#kube/network/network.ts';

export interface HttpService {
  readonly port: number;
  /** Takes no more connections, ends idle ones, and resolves when the last request is answered. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  close(): void;
}

export interface ServeOptions extends ListenOptions {
  /** Also takes HTTP/2 without TLS from clients that begin with its preface. */
  http2?: boolean;
}

/** The first bytes of an HTTP/2 connection. */
const PREFACE = Buffer.from('PRI * HTTP/2.0');

/** Closes a connection once what was written is out, whether or not the other side does the same. */
function finish(connection: Duplex): void {
  connection.end(() => connection.destroy());
}

/** Serves HTTP/1.1 on a port of a pod. Throws an Error with code EADDRINUSE when the port is taken. */
export function serveHttp(
  net: NetNs,
  port: number,
  listener: RequestListener,
  options: ServeOptions = {},
): HttpService {
  const open = new Map<Connection, { requests: number }>();
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  let draining = false;
  let emptied: (() => void) | undefined;
  const check = () => {
    if (draining && open.size === 0) emptied?.();
  };
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const entry = open.get(request.socket as unknown as Connection);
    if (entry) entry.requests++;
    response.once('close', () => {
      if (entry) entry.requests--;
      if (draining) finish(request.socket);
    });
    listener(request, response);
  };
  server.on('request', serve);
  // Expect: 100-continue is answered by Node; a malformed request gets 400 and the end of the connection.
  server.on('clientError', (_error, socket) => {
    if (socket.writable)
      socket.end(
        'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request',
      );
  });
  const h2 = options.http2 ? createHttp2Server() : undefined;
  h2?.on('request', listener as never);
  h2?.on('sessionError', () => {});

  const accept = (connection: Connection) => {
    open.set(connection, { requests: 0 });
    connection.once('close', () => {
      open.delete(connection);
      check();
    });
    if (!h2) {
      server.emit('connection', connection);
      return;
    }
    connection.once('readable', () => {
      const first = connection.read() as Buffer | null;
      if (!first) return;
      connection.unshift(first);
      const isHttp2 = first.subarray(0, PREFACE.length).equals(PREFACE.subarray(0, first.length));
      (isHttp2 ? h2 : server).emit('connection', connection);
    });
  };
  const bound: Listener = net.listen(port, accept, options);
  return {
    port: bound.port,
    async drain() {
      bound.close();
      draining = true;
      for (const [connection, { requests }] of open) if (requests === 0) finish(connection);
      if (open.size > 0) await new Promise<void>((resolve) => (emptied = resolve));
    },
    close() {
      bound.close();
      for (const connection of [...open.keys()]) connection.reset();
    },
  };
}

/** Drains a service; false when that took longer than `ms`. */
export async function drained(service: HttpService, clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  const done = new AbortController();
  const late = clock.sleep(ms, AbortSignal.any([signal, done.signal])).then(
    () => false,
    () => true,
  );
  const inTime = await Promise.race([service.drain().then(() => true), late]);
  done.abort();
  return inTime;
}

/** Why Go's net/http could not listen. */
export function goListenError(error: unknown, address: string): string {
  const taken = (error as { code?: string }).code === 'EADDRINUSE';
  return `listen tcp ${address}: bind: ${taken ? 'address already in use' : messageOf(error)}`;
}

/**
 * Answers in one piece with the headers in the order in which Go's net/http sends them: the program's own, sorted, then
 * Date, Content-Length and Content-Type. The date is the cluster's.
 */
export function goReply(
  clock: Clock,
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): void {
  const { 'Content-Type': type, ...own } = headers;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.sendDate = false;
  if (response.shouldKeepAlive) response.removeHeader('Connection');
  const sorted: [string, string][] = Object.entries(own).sort(([a], [b]) => (a < b ? -1 : 1));
  if (type !== undefined) {
    sorted.push(['Content-Type', type]);
    sorted.sort(([a], [b]) => (a < b ? -1 : 1));
  }
  for (const [name, value] of sorted) response.setHeader(name, value);
  response.setHeader('Date', new Date(clock.now()).toUTCString());
  if (status !== 204 && status !== 304) {
    response.setHeader('Content-Length', String(bytes.length));
    if (type === undefined && bytes.length > 0) response.setHeader('Content-Type', sniff(bytes));
  }
  response.statusCode = status;
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

/** The little of Go's content sniffing that text needs. */
function sniff(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 512)).toString().trimStart().toLowerCase();
  if (start.startsWith('<!doctype html') || start.startsWith('<html')) return 'text/html; charset=utf-8';
  return 'text/plain; charset=utf-8';
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** `address:port` of the client, as Go's RemoteAddr. */
export function remoteAddress(request: IncomingMessage): string {
  const { remoteAddress: address, remotePort } = request.socket;
  return `${address}:${remotePort}`;
}

/** Path and query of a request target, whatever form it has. */
export function targetOf(request: IncomingMessage): URL {
  const target = request.url ?? '/';
  try {
    return new URL(target, 'http://localhost');
  } catch {
    return new URL('http://localhost/');
  }
}
