import { AcademyError } from '#base/errors.ts';
import { parseGoDuration } from '#base/go-duration.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';

const YEAR_MS = 365 * 86_400_000;
const ANCHOR_LIFE_MS = 10 * YEAR_MS;
/** Certificates begin a little in the past, for clocks that disagree. */
const SKEW_MS = 60_000;

export interface Authority {
  anchor: { certificate: string; privateKey: string };
  issuer: { certificate: string; privateKey: string };
  /** What a learner finds at home: the anchor and its key, with which issuers are signed. */
  homeFiles: Record<string, string>;
}

/**
 * A trust anchor and an issuer under it, as Linkerd's documentation makes them with `step`: two P-256 CAs, the issuer
 * without CAs below it. Throws `lab/invalid` when the issuer's lifetime is no duration.
 */
export async function makeAuthority(options: { now: number; issuerLifetime: string }): Promise<Authority> {
  const { now, issuerLifetime } = options;
  const issuerLifeMs = parseGoDuration(issuerLifetime);
  if (!issuerLifeMs)
    throw new AcademyError('lab/invalid', `issuerLifetime: "${issuerLifetime}" is no duration such as 8760h.`);
  const [anchorKeys, issuerKeys] = await Promise.all([generateKeyPair(), generateKeyPair()]);
  const anchorCertificate = createCertificate({
    subject: 'CN=root.linkerd.cluster.local',
    publicKey: anchorKeys.publicKey,
    privateKey: anchorKeys.privateKey,
    notBefore: now - SKEW_MS,
    notAfter: now + ANCHOR_LIFE_MS,
    isCa: true,
    pathLength: 1,
    keyUsage: ['certSign', 'crlSign'],
  });
  const anchor = { certificate: anchorCertificate, privateKey: anchorKeys.privateKey };
  const issuer = createCertificate({
    subject: 'CN=identity.linkerd.cluster.local',
    publicKey: issuerKeys.publicKey,
    signer: anchor,
    notBefore: now - SKEW_MS,
    notAfter: now + issuerLifeMs,
    isCa: true,
    pathLength: 0,
    keyUsage: ['certSign', 'crlSign'],
  });
  return {
    anchor,
    issuer: { certificate: issuer, privateKey: issuerKeys.privateKey },
    homeFiles: { 'ca.crt': anchor.certificate, 'ca.key': anchor.privateKey },
  };
}
