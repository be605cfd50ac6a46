import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Clock } from '#base/clock.ts';
import type { Fabric } from '#kube/network/fabric.ts';
import type { Connection } from '#kube/network/network.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';

/**
 * A few hosts outside the cluster, so that egress can be learnt without a way out: names that examples like to use, at
 * addresses that the standards keep for documentation (RFC 5737). They answer on 80 and 443 and nowhere else.
 */
const HOSTS: Record<string, string> = {
  'example.com': '203.0.113.10',
  'example.org': '203.0.113.11',
  'postman-echo.com': '203.0.113.20',
  'httpbin.org': '203.0.113.21',
  'google.com': '203.0.113.30',
  'www.google.com': '203.0.113.31',
};
const YEAR_MS = 365 * 86_400_000;

/** Says back what was asked, as echo services do. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const host = request.headers.host ?? '';
  const url = new URL(request.url ?? '/', `http://${host || 'outside'}`);
  const body = `${JSON.stringify({ args: Object.fromEntries(url.searchParams), headers: request.headers, url: url.href }, null, 2)}\n`;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Adds them to a cluster's network. Their certificates are made at the first connection that needs one. */
export function addOutsideHosts(network: Fabric, clock: Clock): () => void {
  const server = createServer(answer);
  const certificates = new Map<string, Promise<{ cert: string; key: string }>>();
  const certificateOf = (name: string) => {
    let made = certificates.get(name);
    if (!made) {
      made = generateKeyPair().then(({ publicKey, privateKey }) => ({
        cert: createCertificate({
          subject: `CN=${name}`,
          publicKey,
          privateKey,
          notBefore: clock.now() - YEAR_MS,
          notAfter: clock.now() + 10 * YEAR_MS,
          dnsNames: [name],
        }),
        key: privateKey,
      }));
      certificates.set(name, made);
    }
    return made;
  };
  const secure = async (name: string, connection: Connection) => {
    const socket = new TLSSocket(connection, { isServer: true, ...(await certificateOf(name)) });
    socket.on('error', () => connection.destroy());
    server.emit('connection', socket);
  };
  for (const [name, ip] of Object.entries(HOSTS)) {
    network.addExternalHost({
      name,
      ip,
      onConnection: (connection, port) => {
        if (port === 80) server.emit('connection', connection);
        else if (port === 443) void secure(name, connection).catch(() => connection.reset());
        else connection.reset();
      },
    });
  }
  return () => server.closeAllConnections();
}
