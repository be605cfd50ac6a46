import type { X509Certificate } from 'node:crypto';
import { rfc3339 } from '#base/rfc3339.ts';
import { asCertificate, dnsNamesOf } from './certificate.ts';
import { constraintsOf, readCertificate } from './structure.ts';
import type { ChainFailure, VerifyOptions, VerifyResult } from './types.ts';

const MAX_DEPTH = 8;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * Builds a path from the leaf to an anchor and judges it at a given instant. Whether the anchor's own dates count is the
 * caller's choice, because the proxy (rustls) does not look at them and identity (Go) does. Messages are worded as Go's
 * crypto/x509 words them, which is what Linkerd's tools print.
 */
export function verifyChain(o: VerifyOptions): VerifyResult {
  const chain = o.chain.map(asCertificate);
  const [leaf] = chain;
  if (!leaf) return fault('empty', 'x509: no certificate was presented');
  if (o.dnsName !== undefined && !dnsNamesOf(leaf).includes(o.dnsName)) {
    const names = dnsNamesOf(leaf).join(', ');
    return fault('name-mismatch', `x509: certificate is valid for ${names || 'no name'}, not ${o.dnsName}`, leaf);
  }
  if (o.usage && o.usage !== 'any' && !allows(leaf, o.usage === 'serverAuth' ? SERVER_AUTH : CLIENT_AUTH)) {
    return fault('wrong-usage', 'x509: certificate specifies an incompatible key usage', leaf);
  }
  const outOfDate = datesFault(leaf, o.at);
  if (outOfDate) return outOfDate;
  return climb(leaf, [leaf.raw], chain.slice(1), o.anchors.map(asCertificate), o);
}

function climb(
  child: X509Certificate,
  path: Uint8Array[],
  pool: X509Certificate[],
  anchors: X509Certificate[],
  o: VerifyOptions,
): VerifyResult {
  let worst: VerifyResult | undefined;
  for (const anchor of anchors) {
    // An anchor that is presented itself, such as an issuer that is its own root, ends the path.
    if (anchor.raw.equals(child.raw)) return { ok: true, path };
    if (!nameFits(child, anchor)) continue;
    if (!child.verify(anchor.publicKey)) {
      worst ??= fault('bad-signature', 'x509: certificate signed by unknown authority', child);
      continue;
    }
    // Go holds an anchor to its dates and path length; webpki takes its name and key and nothing else.
    const unfit = o.anchorDates === 'check' ? (datesFault(anchor, o.at) ?? lengthFault(anchor, path)) : undefined;
    if (unfit) {
      worst = unfit;
      continue;
    }
    return { ok: true, path: [...path, anchor.raw] };
  }
  if (path.length >= MAX_DEPTH)
    return fault('path-too-long', 'x509: too many intermediates for path length constraint', child);
  for (const issuer of pool) {
    if (!nameFits(child, issuer) || !child.verify(issuer.publicKey)) continue;
    const rest = pool.filter((other) => other !== issuer);
    const result = issuer.ca
      ? (datesFault(issuer, o.at) ??
        lengthFault(issuer, path) ??
        climb(issuer, [...path, issuer.raw], rest, anchors, o))
      : fault('not-a-ca', 'x509: invalid signature: parent certificate cannot sign this kind of certificate', issuer);
    if (result.ok) return result;
    if (!worst || worst.ok || worst.failure === 'unknown-authority') worst = result;
  }
  return worst ?? fault('unknown-authority', 'x509: certificate signed by unknown authority', child);
}

const nameFits = (child: X509Certificate, parent: X509Certificate): boolean => child.issuer === parent.subject;

/** `below`: the leaf and the CAs between it and this one. */
function lengthFault(issuer: X509Certificate, below: Uint8Array[]): VerifyResult | undefined {
  const { pathLength } = constraintsOf(readCertificate(issuer.raw).extensions);
  if (pathLength === undefined || below.length - 1 <= pathLength) return undefined;
  return fault('path-too-long', 'x509: too many intermediates for path length constraint', issuer);
}

function datesFault(certificate: X509Certificate, at: number): VerifyResult | undefined {
  const from = Date.parse(certificate.validFrom);
  const until = Date.parse(certificate.validTo);
  const prefix = 'x509: certificate has expired or is not yet valid: current time';
  if (at < from) return fault('not-yet-valid', `${prefix} ${rfc3339(at)} is before ${rfc3339(from)}`, certificate);
  // A certificate is good through the whole of its last second.
  if (at >= until + 1_000) return fault('expired', `${prefix} ${rfc3339(at)} is after ${rfc3339(until)}`, certificate);
  return undefined;
}

/** No extended usage at all allows every use (RFC 5280 4.2.1.12). Node calls the extension `keyUsage`. */
const allows = (certificate: X509Certificate, usage: string): boolean =>
  !certificate.keyUsage || certificate.keyUsage.includes(usage);

function fault(failure: ChainFailure, message: string, certificate?: X509Certificate): VerifyResult {
  return { ok: false, failure, message, ...(certificate ? { subject: certificate.subject } : {}) };
}
