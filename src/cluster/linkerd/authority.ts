import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';

const YEAR_MS = 365 * 86_400_000;
const ANCHOR_LIFE_MS = 10 * YEAR_MS;
/** Certificates begin a little in the past, for clocks that disagree. */
const SKEW_MS = 60_000;

/** A certificate with its key, both PEM. */
export interface Authority {
  certificate: string;
  privateKey: string;
}

/** A trust anchor as Linkerd's documentation makes it with `step`. Its key stays with whoever made the cluster. */
export async function trustAnchor(now: number): Promise<Authority> {
  const keys = await generateKeyPair('ec-p256');
  const certificate = createCertificate({
    subject: 'CN=root.linkerd.cluster.local',
    publicKey: keys.publicKey,
    privateKey: keys.privateKey,
    notBefore: now - SKEW_MS,
    notAfter: now + ANCHOR_LIFE_MS,
    isCa: true,
    pathLength: 1,
    keyUsage: ['certSign', 'crlSign'],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** The issuer between the anchor and the workloads: a CA without CAs below it. */
export async function meshIssuer(anchor: Authority, now: number, lifetimeMs: number): Promise<Authority> {
  const keys = await generateKeyPair('ec-p256');
  const certificate = createCertificate({
    subject: 'CN=identity.linkerd.cluster.local',
    publicKey: keys.publicKey,
    signer: anchor,
    notBefore: now - SKEW_MS,
    notAfter: now + lifetimeMs,
    isCa: true,
    pathLength: 0,
    dnsNames: ['identity.linkerd.cluster.local'],
    keyUsage: ['certSign', 'crlSign'],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** What a learner finds at home: the anchor and its key, with which issuers are signed. */
export const homeFilesOf = (anchor: Authority): Record<string, string> => ({
  'ca.crt': anchor.certificate,
  'ca.key': anchor.privateKey,
});
