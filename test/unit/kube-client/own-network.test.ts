import { createServer } from 'node:https';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WallClock } from '#base/clock.ts';
import { createHttpTransport } from '#kube/client/http.ts';
import type { OwnNetwork } from '#kube/client/own-network.ts';
import { Fabric } from '#kube/network/fabric.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';

/** A cluster whose clock was moved far ahead. */
const LATER = Date.now() + 900 * 86_400_000;
const DAY = 86_400_000;
let ca: string;
let network: OwnNetwork;
let now: number;
let close: () => void;

beforeEach(async () => {
  const dates = { notBefore: LATER - DAY, notAfter: LATER + DAY };
  const root = await generateKeyPair();
  ca = createCertificate({ subject: 'CN=kubernetes', ...root, ...dates, isCa: true });
  const pair = await generateKeyPair();
  const cert = createCertificate({
    subject: 'CN=kube-apiserver',
    publicKey: pair.publicKey,
    signer: { certificate: ca, privateKey: root.privateKey },
    ...dates,
    ipAddresses: ['172.18.0.3'],
  });
  const fabric = new Fabric({ clock: new WallClock(), nodeIp: '172.18.0.3' });
  const pod = fabric.createNamespace({ ip: '10.244.0.9', name: 'pod' });
  const server = createServer({ cert, key: pair.privateKey }, (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ path: request.url, token: request.headers.authorization }));
  });
  const listener = fabric.node.listen(6443, (connection) => server.emit('connection', connection));
  close = () => {
    listener.close();
    server.closeAllConnections();
  };
  now = LATER;
  network = { dial: (host, port) => pod.dial(host, port, { timeoutMs: 2_000 }), now: () => now };
});
afterEach(() => close());

const ask = async (server: string, more: object = {}) => {
  const transport = createHttpTransport({ server, ca, token: 'secret', network, ...more });
  try {
    const { body } = await transport.request({
      method: 'GET',
      path: '/version',
      query: new URLSearchParams(),
      headers: {},
    });
    return body.type === 'object' ? body.value : undefined;
  } finally {
    transport.close();
  }
};

describe('a client inside a cluster', () => {
  it('connects in the cluster’s network and judges the server by the cluster’s clock', async () => {
    expect(await ask('https://172.18.0.3:6443')).toEqual({ path: '/version', token: 'Bearer secret' });
    now = LATER + 2 * DAY;
    await expect(ask('https://172.18.0.3:6443')).rejects.toThrow('certificate has expired or is not yet valid');
  });

  it('refuses a server of another name or under another authority', async () => {
    await expect(ask('https://172.18.0.3:6443', { tlsServerName: 'elsewhere' })).rejects.toThrow(
      'does not match certificate',
    );
    const root = await generateKeyPair();
    const other = createCertificate({
      subject: 'CN=other',
      ...root,
      notBefore: LATER - DAY,
      notAfter: LATER + DAY,
      isCa: true,
    });
    await expect(ask('https://172.18.0.3:6443', { ca: other })).rejects.toThrow('unknown authority');
  });

  it('says that nobody is there', async () => {
    await expect(ask('https://172.18.0.3:6444')).rejects.toThrow('The cluster at 172.18.0.3:6444 cannot be reached');
  });
});
