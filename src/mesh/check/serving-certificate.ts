import { createPrivateKey, createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { rfc3339 } from '#base/rfc3339.ts';
import { chainProblem, dateProblem, described, readBundle, SIXTY_DAYS_MS } from './certificates.ts';
import { CORE, type World } from './world.ts';

const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();

export function privateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error('not PEM-encoded');
  }
}

export const fits = (key: KeyObject, certificate: X509Certificate): boolean =>
  createPublicKey(key)
    .export({ type: 'spki', format: 'der' })
    .equals(certificate.publicKey.export({ type: 'spki', format: 'der' }));

/** The certificate of a Secret of type kubernetes.io/tls, with its key checked; undefined where there is no such Secret. */
export async function servingCertificate(
  world: World,
  namespace: string,
  secretName: string,
): Promise<X509Certificate | undefined> {
  const secret = await world.find(CORE('secrets', namespace), secretName);
  if (!secret) return undefined;
  for (const key of ['tls.crt', 'tls.key'])
    if (secret.data?.[key] === undefined) throw new Error(`key ${key} needs to exist in secret ${secretName}`);
  const key = privateKey(decode(secret.data?.['tls.key']));
  const certificate = readBundle(decode(secret.data?.['tls.crt']))[0]!;
  if (!fits(key, certificate)) throw new Error('tls: Public and private key do not match');
  return certificate;
}

/** What is wrong with a certificate that is served under a name to those who trust the bundle (base64); undefined when nothing is. */
export function servingProblem(
  certificate: X509Certificate,
  caBundle: string | undefined,
  dns: string,
  now: number,
): string | undefined {
  const text = decode(caBundle);
  const bundle = text === '' ? [] : readBundle(text);
  const expired = bundle.flatMap((anchor) => {
    const why = dateProblem(anchor, now);
    return why ? [`\n\t${described(anchor)} ${why}`] : [];
  });
  if (expired.length > 0) return `anchors not within their validity period:${expired.join('')}`;
  const date = dateProblem(certificate, now);
  if (date) return `certificate is ${date}`;
  const why = hostProblem(certificate, dns) ?? chainProblem(certificate, bundle, now);
  return why && `cert is not issued by the trust anchor: ${why}`;
}

const hostProblem = (certificate: X509Certificate, dns: string): string | undefined =>
  certificate.checkHost(dns)
    ? undefined
    : `x509: certificate is valid for ${certificate.subjectAltName?.replaceAll('DNS:', '')}, not ${dns}`;

export function soonProblem(certificate: X509Certificate, now: number): string | undefined {
  const at = Date.parse(certificate.validTo);
  return at - now < SIXTY_DAYS_MS ? `certificate will expire on ${rfc3339(at)}` : undefined;
}
