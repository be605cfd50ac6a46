import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { DetailedPeerCertificate } from 'node:tls';

/** Why a certificate is not accepted: OpenSSL's number and words. */
export interface CertificateProblem {
  about: string;
  number: number;
  text: string;
}

const problem = (number: number, text: string): CertificateProblem => ({
  about: 'SSL certificate problem',
  number,
  text,
});
const LONGEST_CHAIN = 10;

/** The certificates that a server sent, leaf first. */
export function sentCertificates(peer: DetailedPeerCertificate): X509Certificate[] {
  const sent: X509Certificate[] = [];
  const seen = new Set<string>();
  for (
    let each: DetailedPeerCertificate | undefined = peer;
    each?.raw && !seen.has(each.fingerprint256);
    each = each.issuerCertificate
  ) {
    seen.add(each.fingerprint256);
    sent.push(new X509Certificate(each.raw));
  }
  return sent;
}

/** All certificates of a PEM text. */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * Judges a server's certificates against trusted ones at an instant of the lab's clock, in OpenSSL's order: the chain, then
 * its dates, then the name. OpenSSL itself would judge by the machine's time.
 */
export function judge(
  sent: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  host: string,
  nowMs: number,
): CertificateProblem | undefined {
  const leaf = sent[0];
  if (!leaf) return problem(20, 'unable to get local issuer certificate');
  const chain = [leaf];
  for (let current = leaf; ; ) {
    if (trusted.some((each) => each.fingerprint256 === current.fingerprint256)) break;
    const isIssuer = (each: X509Certificate) => each.ca && current.checkIssued(each) && current.verify(each.publicKey);
    const root = trusted.find(isIssuer);
    if (root) {
      chain.push(root);
      break;
    }
    if (current.checkIssued(current))
      return current === leaf
        ? problem(18, 'self-signed certificate')
        : problem(19, 'self-signed certificate in certificate chain');
    const next = sent.find((each) => !chain.includes(each) && isIssuer(each));
    if (!next || chain.length >= LONGEST_CHAIN) return problem(20, 'unable to get local issuer certificate');
    chain.push(next);
    current = next;
  }
  for (const each of chain.toReversed()) {
    if (nowMs < Date.parse(each.validFrom)) return problem(9, 'certificate is not yet valid');
    if (nowMs > Date.parse(each.validTo)) return problem(10, 'certificate has expired');
  }
  const isAddress = isIP(host) !== 0;
  if ((isAddress ? leaf.checkIP(host) : leaf.checkHost(host)) === undefined) {
    const kind = isAddress ? `ipv${isIP(host)} address` : 'host name';
    return {
      about: 'SSL',
      number: 62,
      text: `no alternative certificate subject name matches target ${kind} '${host}'`,
    };
  }
  return undefined;
}
