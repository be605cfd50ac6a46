import type { Authority } from '#cluster/linkerd/authority.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';

const YEAR_MS = 365 * 86_400_000;

/** The cluster's own CA, as kubeadm makes it. */
export async function clusterAuthority(now: number): Promise<Authority> {
  const keys = await generateKeyPair('ec-p256');
  const certificate = createCertificate({
    subject: 'CN=kubernetes',
    publicKey: keys.publicKey,
    privateKey: keys.privateKey,
    notBefore: now - 60_000,
    notAfter: now + 10 * YEAR_MS,
    isCa: true,
    dnsNames: ['kubernetes'],
    keyUsage: ['digitalSignature', 'keyEncipherment', 'certSign'],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** What the API server shows to Services that serve APIs of their own. */
async function frontProxyCertificate(ca: Authority, now: number): Promise<Authority> {
  const keys = await generateKeyPair('ec-p256');
  const certificate = createCertificate({
    subject: 'CN=front-proxy-client',
    publicKey: keys.publicKey,
    signer: ca,
    notBefore: now - 60_000,
    notAfter: now + YEAR_MS,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extendedKeyUsage: ['clientAuth'],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** What the API server shows to callers inside the cluster. */
export async function apiServerCertificate(ca: Authority, addresses: string[], now: number): Promise<Authority> {
  const keys = await generateKeyPair('ec-p256');
  const certificate = createCertificate({
    subject: 'CN=kube-apiserver',
    publicKey: keys.publicKey,
    signer: ca,
    notBefore: now - 60_000,
    notAfter: now + YEAR_MS,
    dnsNames: [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'localhost',
    ],
    ipAddresses: addresses,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extendedKeyUsage: ['serverAuth'],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** Half of the certificate's year. */
const RENEW_MS = YEAR_MS / 2;

/** The front proxy's pair: made when first needed, and anew long before it ends. */
export function frontProxy(ca: Authority, now: () => number): () => Promise<Authority> {
  let made: Promise<Authority> | undefined;
  let renewAt = 0;
  return () => {
    if (!made || now() >= renewAt) {
      made = frontProxyCertificate(ca, now());
      renewAt = now() + RENEW_MS;
    }
    return made;
  };
}
