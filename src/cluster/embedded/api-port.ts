import { createServer } from 'node:https';
import type { Authority } from '#cluster/linkerd/authority.ts';
import type { ApiHandler } from '#kube/api/http.ts';
import { createFront } from '#kube/apiserver/front/front.ts';
import { createUpgrades } from '#kube/apiserver/front/upgrades.ts';
import type { NetNs } from '#kube/network/network.ts';
import { apiServerCertificate } from './authority.ts';
import { API_PORTS } from './bootstrap.ts';

/** The API server's port on the node, for programs of pods that call it with their tokens. Its certificate is made when first needed. */
export function listenInside(
  handler: ApiHandler,
  node: NetNs,
  serviceIp: string,
  ca: Authority,
  now: () => number,
): { close(): void } {
  let server: Promise<ReturnType<typeof createServer>> | undefined;
  const make = async () => {
    const { certificate, privateKey } = await apiServerCertificate(ca, [serviceIp, node.ip, '127.0.0.1'], now());
    const made = createServer({ cert: certificate, key: privateKey }, createFront(handler));
    made.on('upgrade', createUpgrades(handler));
    made.on('tlsClientError', (_error, socket) => socket.destroy());
    made.requestTimeout = 0;
    return made;
  };
  const listener = node.listen(API_PORTS.node, (connection) => {
    server ??= make();
    void server.then(
      (ready) => ready.emit('connection', connection),
      () => connection.reset(),
    );
  });
  return { close: () => listener.close() };
}
