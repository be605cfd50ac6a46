import type { X509Certificate } from 'node:crypto';
import { rfc3339 } from '#base/rfc3339.ts';
import { chainFault, readCertificates, readCredentials, readPool } from '#mesh/identity/credentials.ts';
import { readCertificate } from '#pki/structure.ts';
import { verifyChain } from '#pki/verify.ts';

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const RSA_SHA256 = '1.2.840.113549.1.1.11';
const SIGNATURES: Record<string, string> = {
  '1.2.840.10045.4.3.3': 'ECDSA-SHA384',
  '1.2.840.10045.4.3.4': 'ECDSA-SHA512',
  '1.2.840.113549.1.1.5': 'SHA1-RSA',
  '1.2.840.113549.1.1.12': 'SHA384-RSA',
  '1.2.840.113549.1.1.13': 'SHA512-RSA',
  '1.3.101.112': 'Ed25519',
};
const ALGORITHMS: Record<string, string> = { rsa: 'RSA', ed25519: 'Ed25519', dsa: 'DSA' };
const CURVES: Record<string, number> = { secp224r1: 224, prime256v1: 256, secp384r1: 384, secp521r1: 521 };

/**
 * What is wrong with an issuer for these anchors, in the words of install and upgrade (pkg/issuercerts); undefined when
 * nothing is. Only an issuer that has expired, or does not fit, is refused: a short life is fine.
 */
export function issuerProblem(
  issuer: { crtPEM: string; keyPEM?: string },
  anchors: string,
  now: number,
): string | undefined {
  let chain: X509Certificate[];
  try {
    chain = readCredentials(issuer.crtPEM, issuer.keyPEM ?? '').chain;
  } catch (error) {
    return `failed to read CA: ${(error as Error).message}`;
  }
  const [certificate] = chain as [X509Certificate];
  // The CLI writes every key down as one of an elliptic curve before it reads it again.
  if (certificate.publicKey.asymmetricKeyType === 'rsa')
    return 'failed to read CA: x509: failed to parse private key (use ParsePKCS1PrivateKey instead for this key format)';
  const [from, until] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (from > now) return `not valid before: ${rfc3339(from)}`;
  if (until < now) return `not valid anymore. Expired on ${rfc3339(until)}`;
  const algorithm = algorithmProblem(certificate);
  if (algorithm) return algorithm;
  if (!certificate.ca) return 'issuer cert is not a CA';
  return verifyProblem(issuer.crtPEM, anchors, now);
}

/** Whether a certificate chains to one of the anchors at an instant, as Go judges it. */
export function verifyProblem(certificates: string, anchors: string, now: number): string | undefined {
  try {
    const [chain, pool] = [readCertificates(certificates), readPool(anchors)];
    const result = verifyChain({
      chain: chain.map((each) => each.raw),
      anchors: pool.map((each) => each.raw),
      at: now,
      anchorDates: 'check',
    });
    return result.ok ? undefined : chainFault(result, chain, pool, now, 0);
  } catch (error) {
    return (error as Error).message;
  }
}

function algorithmProblem(certificate: X509Certificate): string | undefined {
  const { asymmetricKeyType = '', asymmetricKeyDetails } = certificate.publicKey;
  if (asymmetricKeyType !== 'ec')
    return `issuer certificate must use ECDSA for public key algorithm, instead ${ALGORITHMS[asymmetricKeyType] ?? '0'} was used`;
  const size = CURVES[asymmetricKeyDetails?.namedCurve ?? ''] ?? 0;
  if (size !== 256) return `must use P-256 curve for public key, instead P-${size} was used`;
  const { oid } = readCertificate(certificate.raw).signatureAlgorithm;
  if (oid !== ECDSA_SHA256 && oid !== RSA_SHA256)
    return `must be signed by an ECDSA P-256 key, instead ${SIGNATURES[oid] ?? oid} was used`;
  return undefined;
}
