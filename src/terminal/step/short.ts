import { rfc3339 } from '#base/rfc3339.ts';
import { isSignedBy } from '#pki/issue.ts';
import { altNamesOf, attributeOf, type CertificateParts, constraintsOf, type RequestParts } from '#pki/structure.ts';
import { altNameText, curveOf } from './text.ts';

const COMMON_NAME = '2.5.4.3';

/** `step certificate inspect --short`. */
export function certificateShort(c: CertificateParts): string {
  const { isCa } = constraintsOf(c.extensions);
  const isRoot = isCa && c.publicKey.key !== undefined && isSignedBy(c.tbs, c.signature, c.publicKey.key);
  const kind = isRoot ? 'Root CA' : isCa ? 'Intermediate CA' : 'TLS';
  const serial = BigInt(`0x${Buffer.from(c.serial).toString('hex')}`).toString();
  const short = serial.length <= 8 ? serial : `${serial.slice(0, 4)}...${serial.slice(-4)}`;
  return (
    `X.509v3 ${kind} Certificate (${algorithm(c)}) [Serial: ${short}]\n${subjects(c)}` +
    `  Issuer:      ${attributeOf(c.issuer, COMMON_NAME) ?? ''}\n` +
    `  Valid from:  ${rfc3339(c.notBefore)}\n          to:  ${rfc3339(c.notAfter)}\n`
  );
}

export function requestShort(c: RequestParts): string {
  return `X.509v3 Certificate Signing Request (${algorithm(c)})\n${subjects(c)}`;
}

function subjects(c: Pick<CertificateParts, 'subject' | 'extensions'>): string {
  const name = attributeOf(c.subject, COMMON_NAME) ?? '';
  const order = [2, 7, 1, 6];
  const others = altNamesOf(c.extensions)
    .filter(({ type }) => order.includes(type))
    .sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type))
    .map(altNameText)
    .filter((each) => each !== name);
  const all = [...(name ? [name] : []), ...others];
  if (all.length === 0) return '  Subject: \n';
  return all.map((each, i) => `${i === 0 ? '  Subject:     ' : '               '}${each}\n`).join('');
}

function algorithm({ publicKey: { key, algorithm: id } }: Pick<CertificateParts, 'publicKey'>): string {
  if (key?.asymmetricKeyType === 'ec') return `ECDSA ${curveOf(key)}`;
  if (key?.asymmetricKeyType === 'rsa') return `RSA ${key.asymmetricKeyDetails?.modulusLength}`;
  if (key?.asymmetricKeyType === 'ed25519') return 'Ed25519 256';
  return id.oid;
}
