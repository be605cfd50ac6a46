import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { messageOf } from '#base/errors.ts';
import type { Listener, NetNs } from '#kube/network/network.ts';
import { decodeFields, type Fields } from './protobuf.ts';
import { Deframer, frame, GrpcFailure } from './status.ts';

export interface GrpcCall {
  request: Fields;
  headers: IncomingHttpHeaders;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  /** Sends a message of a streaming answer. */
  send(message: Uint8Array): void;
}

/** Answers one message, or sends several and returns nothing. */
export type GrpcHandler = (call: GrpcCall) => Promise<Uint8Array | undefined> | Uint8Array | undefined;

export interface GrpcService {
  drain(): Promise<void>;
  close(): void;
}

/** Serves gRPC on a port of a pod. Methods are named `/package.Service/Method`. */
export function serveGrpc(net: NetNs, port: number, methods: Record<string, GrpcHandler>): GrpcService {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  let emptied: (() => void) | undefined;
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => {
      sessions.delete(session);
      if (sessions.size === 0) emptied?.();
    });
    session.on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => void serve(stream, headers, methods));
  const listener: Listener = net.listen(port, (connection) => server.emit('connection', connection));
  return {
    async drain() {
      listener.close();
      for (const session of sessions) session.close();
      if (sessions.size > 0) await new Promise<void>((resolve) => (emptied = resolve));
    },
    close() {
      listener.close();
      for (const session of sessions) session.destroy();
    },
  };
}

async function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  methods: Record<string, GrpcHandler>,
): Promise<void> {
  const abort = new AbortController();
  stream.on('error', () => {});
  stream.once('close', () => abort.abort(new DOMException('the client has gone', 'AbortError')));
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  const path = String(headers[':path'] ?? '');
  const handler = methods[path];
  let failure: GrpcFailure | undefined;
  const begin = () => {
    if (stream.headersSent || stream.destroyed) return;
    stream.respond(head, { waitForTrailers: true });
    stream.on('wantTrailers', () =>
      stream.sendTrailers({
        'grpc-status': String(failure?.code ?? 0),
        'grpc-message': failure ? encodeURIComponent(failure.detail) : '',
      }),
    );
  };
  const send = (message: Uint8Array) => {
    begin();
    if (!stream.destroyed && !stream.writableEnded) stream.write(frame(message));
  };
  try {
    if (!String(headers['content-type'] ?? '').startsWith('application/grpc')) {
      stream.respond({ ':status': 415 }, { endStream: true });
      return;
    }
    if (!handler) {
      const [, service = '', method = ''] = /^\/(.*)\/([^/]*)$/.exec(path) ?? [];
      const known = Object.keys(methods).some((name) => name.startsWith(`/${service}/`));
      throw new GrpcFailure(
        12,
        known ? `unknown method ${method} for service ${service}` : `unknown service ${service}`,
      );
    }
    const deframer = new Deframer();
    let first: Buffer | undefined;
    for await (const chunk of stream) {
      [first] = deframer.push(chunk as Buffer);
      if (first) break;
    }
    const answer = await handler({
      request: decodeFields(first ?? new Uint8Array()),
      headers,
      signal: abort.signal,
      send,
    });
    if (answer) send(answer);
  } catch (error) {
    // A plain error of a handler becomes UNKNOWN, as in Go.
    failure = error instanceof GrpcFailure ? error : new GrpcFailure(2, messageOf(error));
  }
  if (stream.destroyed) return;
  if (failure && !stream.headersSent) {
    const trailers = { 'grpc-status': String(failure.code), 'grpc-message': encodeURIComponent(failure.detail) };
    stream.respond({ ...head, ...trailers }, { endStream: true });
    return;
  }
  begin();
  stream.end();
}

const SERVING = Uint8Array.from([8, 1]);
const NOT_SERVING = Uint8Array.from([8, 2]);

/** `grpc.health.v1.Health` for the services that `isServing` knows; undefined is a service that it does not know. */
export function healthMethods(isServing: (service: string) => boolean | undefined): Record<string, GrpcHandler> {
  const check: GrpcHandler = ({ request }) => {
    const name = request.get(1)?.at(-1);
    const serving = isServing(name instanceof Uint8Array ? Buffer.from(name).toString() : '');
    if (serving === undefined) throw new GrpcFailure(5, 'unknown service');
    return serving ? SERVING : NOT_SERVING;
  };
  return { '/grpc.health.v1.Health/Check': check };
}
