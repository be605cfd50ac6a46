import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import { clientPod, manifest } from './manifests.ts';
import type { Room } from './room.ts';
import { NotRunnable } from './verdict.ts';

const HOUR_MS = 3_600_000;

/**
 * A pod without a proxy that can show a certificate of the mesh's issuer for any identity: what another proxy would
 * show. Needs to read the issuer's Secret.
 */
export async function certifiedClient(room: Room, pod: string, identity: string): Promise<void> {
  const secrets = { group: '', version: 'v1', resource: 'secrets', namespace: 'linkerd' };
  const secret = await room.lab.client.get(secrets, 'linkerd-identity-issuer').catch(() => undefined);
  const read = (name: string): string => Buffer.from(secret?.['data']?.[name] ?? '', 'base64').toString();
  const issuer = { certificate: read('crt.pem') || read('tls.crt'), privateKey: read('key.pem') || read('tls.key') };
  if (!issuer.privateKey) throw new NotRunnable("the issuer's key cannot be read here, so no certificate can be made");
  const pair = await generateKeyPair();
  const uri = identity.startsWith('spiffe://');
  const now = Date.now();
  const certificate = createCertificate({
    subject: uri ? '' : `CN=${identity}`,
    publicKey: pair.publicKey,
    signer: issuer,
    notBefore: now - HOUR_MS,
    notAfter: now + 24 * HOUR_MS,
    ...(uri ? { uris: [identity] } : { dnsNames: [identity] }),
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
  });
  const data = { 'tls.crt': `${certificate}${issuer.certificate}`, 'tls.key': pair.privateKey };
  await room.apply({ ...manifest('Secret', pod, undefined), stringData: data });
  await room.apply(clientPod(pod, { mesh: false, secret: pod }));
  await room.ready(pod);
}

/** How curl shows that certificate. */
export const SHOWN = ['--cert', '/certs/tls.crt', '--key', '/certs/tls.key'];
