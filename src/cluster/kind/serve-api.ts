import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { failure } from '#kube/api/status.ts';
import type { HttpAccess } from '#kube/client/http.ts';

/**
 * The cluster's API on a local socket. A caller with the session's token is passed on as the administrator; any other
 * bearer token is passed on as it is, for the cluster itself to judge.
 */
export async function serveClusterApi(access: HttpAccess, socketPath: string, token: string): Promise<Server> {
  const { hostname, port } = new URL(access.server);
  const where = access.socketPath ? { socketPath: access.socketPath } : { host: hostname, port: Number(port) };
  const target = (headers: IncomingMessage['headers']) => {
    const isOwner = headers.authorization === `Bearer ${token}`;
    return {
      tls: {
        ca: access.ca,
        servername: access.tlsServerName,
        ...(isOwner ? { cert: access.clientCert, key: access.clientKey } : {}),
      },
      isOwner,
    };
  };
  const server = createServer((req, res) => forward(req, res));
  server.requestTimeout = 0;
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => upgrade(req, socket, head));

  function forward(req: IncomingMessage, res: ServerResponse): void {
    const { tls, isOwner } = target(req.headers);
    const { authorization: _session, ...rest } = req.headers;
    const upstream = httpsRequest(
      {
        ...where,
        ...tls,
        agent: false,
        method: req.method,
        path: req.url,
        headers: isOwner ? rest : req.headers,
      },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        res.flushHeaders();
        answer.pipe(res);
      },
    );
    upstream.on('error', () => {
      if (res.headersSent) return res.destroy();
      const { status } = failure('ServiceUnavailable', 'the cluster of this session does not answer');
      res.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(status));
    });
    res.on('close', () => upstream.destroy());
    req.pipe(upstream);
  }

  function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { tls, isOwner } = target(req.headers);
    const upstream = tlsConnect(
      { ...tls, ...('socketPath' in where ? { path: where.socketPath } : where), ALPNProtocols: ['http/1.1'] },
      () => {
        const lines = [`${req.method} ${req.url} HTTP/1.1`];
        for (let i = 0; i < req.rawHeaders.length; i += 2) {
          if (isOwner && req.rawHeaders[i]!.toLowerCase() === 'authorization') continue;
          lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`);
        }
        upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
        if (head.length > 0) upstream.write(head);
        socket.pipe(upstream).pipe(socket);
      },
    );
    const drop = () => {
      socket.destroy();
      upstream.destroy();
    };
    for (const end of [socket, upstream]) {
      end.on('error', drop);
      end.on('close', drop);
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  server.unref();
  return server;
}
