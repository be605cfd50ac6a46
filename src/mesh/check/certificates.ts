import { X509Certificate } from 'node:crypto';
import { rfc3339 } from '#base/rfc3339.ts';

/** Certificates of a PEM bundle in their order. Throws as the CLI words it when there is none or one is broken. */
export function readBundle(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('not a PEM certificate');
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new Error('x509: malformed certificate');
    }
  });
}

/** The common name of a subject or issuer as node prints it (one attribute a line). */
export const commonName = (name: string): string => /^CN=(.*)$/m.exec(name)?.[1] ?? name;

export const SIXTY_DAYS_MS = 60 * 24 * 3_600_000;

/** `* <serial> <CN> …` of an anchor. */
export const described = (certificate: X509Certificate): string =>
  `* ${BigInt(`0x${certificate.serialNumber}`)} ${commonName(certificate.subject)}`;

/** What is wrong with a certificate's dates at an instant; undefined when nothing is. */
export function dateProblem(certificate: X509Certificate, now: number): string | undefined {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (now < from) return `not valid before: ${rfc3339(from)}`;
  if (now > to) return `not valid anymore. Expired on ${rfc3339(to)}`;
  return undefined;
}

const CURVE_BITS: Record<string, number> = { secp224r1: 224, secp384r1: 384, secp521r1: 521 };
const ALGORITHMS: Record<string, string> = { rsa: 'RSA', 'rsa-pss': 'RSA', ed25519: 'Ed25519', dsa: 'DSA' };

/** A key that Linkerd takes for an anchor (`ec-p256`, RSA 2048 or 4096) or only P-256 for an issuer. */
export function keyProblem(certificate: X509Certificate, role: 'anchor' | 'issuer'): string | undefined {
  const key = certificate.publicKey;
  if (key.asymmetricKeyType === 'ec') {
    const curve = key.asymmetricKeyDetails?.namedCurve ?? '';
    return curve === 'prime256v1'
      ? undefined
      : `must use P-256 curve for public key, instead P-${CURVE_BITS[curve] ?? curve} was used`;
  }
  if (role === 'anchor' && key.asymmetricKeyType === 'rsa') {
    const bits = key.asymmetricKeyDetails?.modulusLength;
    return bits === 2048 || bits === 4096
      ? undefined
      : `RSA must use a 2048 or 4096 bit public key, instead ${bits} bit public key was used`;
  }
  const [who, what] = role === 'anchor' ? ['trust anchor', 'ECDSA or RSA'] : ['issuer certificate', 'ECDSA'];
  const used = ALGORITHMS[key.asymmetricKeyType ?? ''] ?? 'unknown';
  return `${who} must use ${what} for public key algorithm, instead ${used} was used`;
}

/** Whether `certificate` was issued by one of the anchors (or is one) and all dates hold; Go's wording otherwise. */
export function chainProblem(
  certificate: X509Certificate,
  anchors: X509Certificate[],
  now: number,
): string | undefined {
  const expired = goDateProblem(certificate, now);
  if (expired) return expired;
  for (const anchor of anchors) {
    const same = anchor.raw.equals(certificate.raw);
    if (same || (anchor.ca && certificate.checkIssued(anchor) && certificate.verify(anchor.publicKey))) {
      return same ? undefined : goDateProblem(anchor, now);
    }
  }
  const named = anchors.find((anchor) => anchor.subject === certificate.issuer);
  return named
    ? `x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "${commonName(named.subject)}")`
    : 'x509: certificate signed by unknown authority';
}

export function goDateProblem(certificate: X509Certificate, now: number): string | undefined {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const why = now < from ? `is before ${rfc3339(from)}` : now > to ? `is after ${rfc3339(to)}` : undefined;
  return why && `x509: certificate has expired or is not yet valid: current time ${rfc3339(now)} ${why}`;
}
