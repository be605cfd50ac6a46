import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import type { ApiHandler } from '#kube/api/http.ts';
import { createFront } from '#kube/apiserver/front/front.ts';
import { createUpgrades } from '#kube/apiserver/front/upgrades.ts';

/** Serves an API on a Unix socket. The socket is the owner's alone; who may do what is decided by the API server. */
export async function serveOnSocket(handler: ApiHandler, path: string): Promise<{ close(): Promise<void> }> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  const server = createServer(createFront(handler));
  server.on('upgrade', createUpgrades(handler));
  // Sockets that were upgraded are no longer the server's to close.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  // A watch may stay open for hours.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          rmSync(path, { force: true });
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}
