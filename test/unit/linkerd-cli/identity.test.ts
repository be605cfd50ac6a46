import { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { WallClock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { generateIdentity } from '#mesh/install/certificates.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import { FakeCluster, fabric } from '../policy/fake-cluster.ts';
import { apply, clientOf } from './mesh.ts';
import { linkerd, recorded, recordingsMissing } from './run.ts';

const clock = new WallClock();
const NAME = 'default.fid.serviceaccount.identity.linkerd.cluster.local';

/** A pod whose admin port shows a leaf to whoever asks for its name. */
async function start(): Promise<{ client: KubeClient; asked: string[] }> {
  const issuer = await generateIdentity({ now: Date.parse('2026-11-23T21:11:47Z') });
  const keys = await generateKeyPair();
  const leaf = createCertificate({
    subject: `CN=${NAME}`,
    publicKey: keys.publicKey,
    signer: issuer,
    notBefore: Date.parse('2026-11-23T21:12:48Z'),
    notAfter: Date.parse('2026-11-24T21:13:28Z'),
    dnsNames: [NAME],
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    serial: '5',
  });
  const asked: string[] = [];
  const net = fabric().createNamespace({ ip: '10.244.0.7', name: 'web' });
  net.listen(4191, (connection) => {
    const socket = new TLSSocket(connection, {
      isServer: true,
      SNICallback: (name, done) => {
        asked.push(name);
        done(null);
      },
      cert: `${leaf}${issuer.certificate}`,
      key: keys.privateKey,
    });
    socket.on('error', () => {});
  });
  const cluster = new FakeCluster();
  const pod = (name: string, containers: unknown[]) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'fid' },
    spec: { containers },
  });
  apply(cluster, [
    pod('web', [{ name: 'linkerd-proxy', ports: [{ name: 'linkerd-admin', containerPort: 4191 }] }]),
    pod('curl-plain', [{ name: 'curl' }]),
  ]);
  const client = {
    ...clientOf(cluster),
    portForward: async (_n: string, _p: string, port: number) => net.dial('127.0.0.1', port),
  };
  return { client: client as KubeClient, asked };
}

/** Key, key ids and signature differ from run to run. */
const still = (text: string) =>
  text
    .replace(/(?:[0-9a-f]{2}:){5,}[0-9a-f]{2}:?|keyid:[0-9A-F:]+/gi, 'bytes')
    .replace(/(bytes\n\s+)+(bytes|[0-9a-f]{2}(:[0-9a-f]{2})*)/g, 'bytes')
    .replace(/bytes(\n\s+[0-9a-f]{2}(:[0-9a-f]{2})*)+/g, 'bytes');

describe('linkerd identity', () => {
  it.skipIf(recordingsMissing)('prints the leaf as the official CLI prints it', async () => {
    const { client, asked } = await start();
    const ran = await linkerd({ client, clock }, 'identity', '-n', 'fid', 'web');
    expect(still(ran.stdout)).toBe(still(recorded('linkerd-identity').stdout));
    expect(asked).toEqual([NAME]);
    const plain = await linkerd({ client, clock }, 'identity', '-n', 'fid', 'curl-plain');
    expect(plain).toEqual(recorded('linkerd-identity-unmeshed'));
  });
});
