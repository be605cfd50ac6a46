import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { failure } from '#kube/api/status.ts';
import type { ClusterRoute } from './sessions/registry.ts';

export interface KubeListenerOptions {
  certificate: string;
  privateKey: string;
  /** By the id in `/clusters/<id>/…`. */
  route(id: string): ClusterRoute | undefined;
  /** For clients that drop the path: by bearer token. */
  routeByToken(token: string): ClusterRoute | undefined;
}

/**
 * The one TLS listener for the Kubernetes APIs of all sessions. A request is passed to its session's own socket as it
 * is; who the caller is, and what that caller may do, is decided by that cluster's API server.
 */
export function createKubeListener(options: KubeListenerOptions): Server {
  const find = (req: IncomingMessage): { route: ClusterRoute; path: string } | undefined => {
    const match = /^\/clusters\/([a-z0-9]{1,32})(\/.*)?$/.exec(req.url ?? '');
    if (match) {
      const route = options.route(match[1]!);
      return route && { route, path: match[2] ?? '/' };
    }
    const token = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1];
    const route = token ? options.routeByToken(token) : undefined;
    return route && { route, path: req.url ?? '/' };
  };

  const server = createServer({ cert: options.certificate, key: options.privateKey }, (req, res) => {
    const found = find(req);
    if (found) forward(req, res, found.route, found.path);
    else refuse(res);
  });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    const found = find(req);
    if (found) forwardUpgrade(req, socket, head, found.route, found.path);
    else socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.headersTimeout = 20_000;
  // A watch may stay open for hours; its own server decides.
  server.requestTimeout = 0;
  return server;
}

function forward(req: IncomingMessage, res: ServerResponse, route: ClusterRoute, path: string): void {
  const upstream = httpRequest(
    { socketPath: route.socketPath, method: req.method, path, headers: req.headers },
    (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      res.flushHeaders();
      answer.pipe(res);
    },
  );
  upstream.on('error', () => {
    if (res.headersSent) res.destroy();
    else gone(res);
  });
  res.on('close', () => upstream.destroy());
  req.pipe(upstream);
}

function forwardUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer, route: ClusterRoute, path: string): void {
  const upstream = connect(route.socketPath, () => {
    const lines = [`${req.method} ${path} HTTP/1.1`];
    for (let i = 0; i < req.rawHeaders.length; i += 2) lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`);
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) upstream.write(head);
    socket.pipe(upstream).pipe(socket);
  });
  const drop = () => {
    socket.destroy();
    upstream.destroy();
  };
  for (const end of [socket, upstream]) {
    end.on('error', drop);
    end.on('close', drop);
  }
}

function refuse(res: ServerResponse): void {
  const { status } = failure('Unauthorized', 'Unauthorized');
  res.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}

function gone(res: ServerResponse): void {
  const { status } = failure('ServiceUnavailable', 'the cluster of this session is not running');
  res.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}
