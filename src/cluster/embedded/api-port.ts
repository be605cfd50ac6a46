import { createServer } from 'node:https';
import type { Authority } from '#cluster/linkerd/authority.ts';
import type { ApiHandler } from '#kube/api/http.ts';
import { createFront } from '#kube/apiserver/front/front.ts';
import { createUpgrades } from '#kube/apiserver/front/upgrades.ts';
import type { NetNs } from '#kube/network/network.ts';
import { apiServerCertificate } from './authority.ts';
import { API_PORTS } from './bootstrap.ts';

/** Half of the certificate's year. */
const RENEW_MS = 182 * 86_400_000;

/** The API server's port on the node, for programs of pods that call it with their tokens. Its certificate is made when first needed, and anew long before it ends. */
export function listenInside(
  handler: ApiHandler,
  node: NetNs,
  serviceIp: string,
  ca: Authority,
  now: () => number,
): { close(): void } {
  let server: Promise<ReturnType<typeof createServer>> | undefined;
  let renewAt = 0;
  const make = async () => {
    const { certificate, privateKey } = await apiServerCertificate(ca, [serviceIp, node.ip, '127.0.0.1'], now());
    const made = createServer({ cert: certificate, key: privateKey }, createFront(handler));
    made.on('upgrade', createUpgrades(handler));
    made.on('tlsClientError', (_error, socket) => socket.destroy());
    made.requestTimeout = 0;
    return made;
  };
  const listener = node.listen(API_PORTS.node, (connection) => {
    if (!server || now() >= renewAt) {
      server = make();
      renewAt = now() + RENEW_MS;
    }
    void server.then(
      (ready) => ready.emit('connection', connection),
      () => connection.reset(),
    );
  });
  return { close: () => listener.close() };
}
