import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpAccess } from '#kube/client/http.ts';
import { type KubeconfigUser, parseKubeconfig } from '#kube/client/kubeconfig.ts';
import type { Engine } from './engine.ts';

const API_PORT = 6443;
const REACHED_WITHIN_MS = 1_500;

/** How this process reaches the API server of a node: straight at its address, or through a relay of exec streams. */
export interface ApiAccess {
  access: HttpAccess;
  close(): void;
}

/** `kubeconfig`: the node's own `/etc/kubernetes/admin.conf`. */
export async function reachApi(engine: Engine, node: string, address: string, kubeconfig: string): Promise<ApiAccess> {
  const { clusters, users } = parseKubeconfig(kubeconfig);
  const decode = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString('utf8');
  const user: KubeconfigUser = users[0]?.user ?? {};
  const base: HttpAccess = {
    server: `https://${address}:${API_PORT}`,
    ca: decode(clusters[0]?.cluster['certificate-authority-data']),
    clientCert: decode(user['client-certificate-data']),
    clientKey: decode(user['client-key-data']),
    tlsServerName: 'localhost',
  };
  if (await answers(address)) return { access: base, close() {} };
  const relay = await startRelay(engine, node);
  return { access: { ...base, socketPath: relay.socketPath }, close: relay.close };
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: API_PORT });
    const finish = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.setTimeout(REACHED_WITHIN_MS, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

/**
 * A socket of this host whose connections become exec streams in the node. For Engines in a virtual machine or on another
 * host, where container addresses lead nowhere. Nothing listens beyond this machine.
 */
async function startRelay(engine: Engine, node: string): Promise<{ socketPath: string; close(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'academy-relay-'));
  const socketPath = join(folder, 'api.sock');
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    engine.stream(node, ['socat', '-', `TCP:127.0.0.1:${API_PORT}`]).then(
      (stream) => {
        const drop = () => {
          socket.destroy();
          stream.destroy();
        };
        socket.on('error', drop).on('close', drop);
        stream.on('error', drop).on('close', drop);
        socket.pipe(stream).pipe(socket);
      },
      () => socket.destroy(),
    );
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  server.unref();
  return {
    socketPath,
    close() {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
