import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';

const YEAR_MS = 365 * 86_400_000;

/** A certificate with its key, both PEM. */
export interface Authority {
  certificate: string;
  privateKey: string;
}

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

/** The mesh's trust anchor, whose key stays with whoever made the cluster. */
export async function trustAnchor(now: number): Promise<Authority> {
  const keys = await generateKeyPair('ec-p256');
  const certificate = createCertificate({
    subject: 'CN=root.linkerd.cluster.local',
    publicKey: keys.publicKey,
    privateKey: keys.privateKey,
    notBefore: now - 60_000,
    notAfter: now + 10 * YEAR_MS,
    isCa: true,
    pathLength: 1,
    keyUsage: ['certSign', 'crlSign'],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** The issuer between the anchor and the workloads. */
export async function meshIssuer(anchor: Authority, now: number, lifetimeMs: number): Promise<Authority> {
  const keys = await generateKeyPair('ec-p256');
  const certificate = createCertificate({
    subject: 'CN=identity.linkerd.cluster.local',
    publicKey: keys.publicKey,
    signer: anchor,
    notBefore: now - 60_000,
    notAfter: now + lifetimeMs,
    isCa: true,
    pathLength: 0,
    dnsNames: ['identity.linkerd.cluster.local'],
    keyUsage: ['certSign', 'crlSign'],
  });
  return { certificate, privateKey: keys.privateKey };
}
