import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import type { CertificateInfo } from '#schema/evidence.ts';
import * as der from './der.ts';
import { encodeName } from './name.ts';
import { readPem, writePem } from './pem.ts';
import type { CertificateRequestOptions } from './types.ts';

export const OID = {
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectKeyId: '2.5.29.14',
  authorityKeyId: '2.5.29.35',
  subjectAltName: '2.5.29.17',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Bit positions of KeyUsage, RFC 5280 4.2.1.3. */
const KEY_USAGE_BITS = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  certSign: 5,
  crlSign: 6,
} as const;

/** Digest and signature algorithm by curve; every other EC curve takes P-256's. */
const BY_CURVE: Record<string, [digest: string, oid: string]> = {
  prime256v1: ['sha256', '1.2.840.10045.4.3.2'],
  secp384r1: ['sha384', '1.2.840.10045.4.3.3'],
  secp521r1: ['sha512', '1.2.840.10045.4.3.4'],
};

export function signatureAlgorithm(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType === 'ed25519') return der.sequence(der.oid('1.3.101.112'));
  if (key.asymmetricKeyType !== 'ec') return der.sequence(der.oid('1.2.840.113549.1.1.11'), der.NULL);
  return der.sequence(der.oid((BY_CURVE[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? BY_CURVE['prime256v1']!)[1]));
}

/** Null where the algorithm brings its own (Ed25519). */
export const digestFor = (key: KeyObject): string | null =>
  key.asymmetricKeyType === 'ed25519' ? null : (BY_CURVE[key.asymmetricKeyDetails?.namedCurve ?? '']?.[0] ?? 'sha256');

/** The GeneralNames of a SubjectAltName extension. */
export function altNames(options: Pick<CertificateRequestOptions, 'dnsNames' | 'uris' | 'ipAddresses'>): Uint8Array[] {
  return [
    ...(options.dnsNames ?? []).map((name) => der.implicit(2, Buffer.from(name, 'latin1'))),
    ...(options.uris ?? []).map((uri) => der.implicit(6, Buffer.from(uri, 'latin1'))),
    ...(options.ipAddresses ?? []).map((ip) => der.implicit(7, addressBytes(ip))),
  ];
}

export const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  der.sequence(der.oid(id), ...(critical ? [der.TRUE] : []), der.octets(value));

interface Signer {
  key: KeyObject;
  name: Uint8Array;
  keyId: Uint8Array;
}

const signers = new Map<string, Signer>();

/** Signing the thousandth leaf need not parse its issuer again. */
function signerOf(certificate: string, privateKey: string): Signer {
  const cacheKey = certificate + privateKey;
  const known = signers.get(cacheKey);
  if (known) return known;
  const parsed = parseCertificates(certificate)[0]!;
  const made = { key: createPrivateKey(privateKey), name: subjectOf(parsed), keyId: keyIdOf(parsed.publicKey) };
  if (signers.size > 16) signers.clear();
  signers.set(cacheKey, made);
  return made;
}

interface Subject {
  key: KeyObject;
  spki: Uint8Array;
}

const subjects = new Map<string, Subject>();

/** Nor need a key be read again that is certified day after day. */
function subjectKeyOf(publicKey: string): Subject {
  const known = subjects.get(publicKey);
  if (known) return known;
  const key = createPublicKey(publicKey);
  const made = { key, spki: key.export({ type: 'spki', format: 'der' }) as Buffer };
  if (subjects.size > 256) subjects.clear();
  subjects.set(publicKey, made);
  return made;
}

/** Makes a certificate (X.509 v3) and returns it as PEM. Synchronous: a P-256 leaf takes a fraction of a millisecond. */
export function createCertificate(o: CertificateRequestOptions): string {
  const serial = o.serial === undefined ? BigInt(`0x${randomBytes(16).toString('hex')}`) >> 1n : BigInt(o.serial);
  return writePem('CERTIFICATE', certificateMaker(o)({ serial, notBefore: o.notBefore, notAfter: o.notAfter }));
}

type Unchanging = Omit<CertificateRequestOptions, 'serial' | 'notBefore' | 'notAfter'>;
/** `serial` is a number or bigint, the others ms since the epoch. The certificate is DER. */
export type CertificateMaker = (o: { serial: number | bigint; notBefore: number; notAfter: number }) => Uint8Array;

/** Makes certificates that differ in their serial and dates only: what they share is encoded once. */
export function certificateMaker(o: Unchanging): CertificateMaker {
  const { key: subjectKey, spki } = subjectKeyOf(o.publicKey);
  const subject = encodeName(o.subject);
  const signer: Signer = o.signer
    ? signerOf(o.signer.certificate, o.signer.privateKey)
    : { key: createPrivateKey(o.privateKey ?? o.publicKey), name: subject, keyId: keyIdOf(subjectKey) };
  const algorithm = signatureAlgorithm(signer.key);
  const digest = digestFor(signer.key);
  const version = der.explicit(0, der.integer(2));
  const issued = Buffer.concat([algorithm, signer.name]);
  const extensions = der.explicit(3, der.sequence(...extensionsOf(o, subjectKey, signer)));
  const rest = Buffer.concat([subject, spki, extensions]);
  return ({ serial, notBefore, notAfter }) => {
    const validity = der.sequence(der.time(notBefore), der.time(notAfter));
    const tbs = der.sequence(version, der.integer(serial), issued, validity, rest);
    return der.sequence(tbs, algorithm, der.bits(sign(digest, tbs, signer.key)));
  };
}

function extensionsOf(o: Unchanging, subjectKey: KeyObject, signer: Signer): Uint8Array[] {
  const usages = o.keyUsage ?? (o.isCa ? ['certSign', 'crlSign'] : ['digitalSignature', 'keyEncipherment']);
  const extensions = [extension(OID.keyUsage, true, keyUsageBits(usages))];
  if (o.extendedKeyUsage?.length) {
    extensions.push(
      extension(OID.extendedKeyUsage, false, der.sequence(...o.extendedKeyUsage.map((usage) => der.oid(OID[usage])))),
    );
  }
  if (o.isCa) {
    const pathLength = o.pathLength === undefined ? [] : [der.integer(o.pathLength)];
    extensions.push(extension(OID.basicConstraints, true, der.sequence(der.TRUE, ...pathLength)));
    extensions.push(extension(OID.subjectKeyId, false, der.octets(keyIdOf(subjectKey))));
  }
  if (o.signer) extensions.push(extension(OID.authorityKeyId, false, der.sequence(der.implicit(0, signer.keyId))));
  const names = altNames(o);
  if (names.length > 0) extensions.push(extension(OID.subjectAltName, false, der.sequence(...names)));
  return extensions;
}

export function keyUsageBits(usages: (keyof typeof KEY_USAGE_BITS)[]): Uint8Array {
  let byte = 0;
  for (const usage of usages) byte |= 0x80 >> KEY_USAGE_BITS[usage];
  let unused = 0;
  while (unused < 8 && !((byte >> unused) & 1)) unused++;
  return der.bits(Uint8Array.of(byte), unused);
}

/** SHA-1 of the public key's bits, RFC 5280 4.2.1.2 (1). */
export function keyIdOf(key: KeyObject): Uint8Array {
  const [spki] = der.read(key.export({ type: 'spki', format: 'der' }) as Buffer);
  const [, bitString] = der.read(spki!.content);
  return createHash('sha1').update(bitString!.content.subarray(1)).digest();
}

/** The encoded subject of a certificate, to be copied as an issuer's name byte by byte. */
function subjectOf(certificate: X509Certificate): Uint8Array {
  const [outer] = der.read(certificate.raw);
  const [tbs] = der.read(outer!.content);
  const fields = der.read(tbs!.content);
  return fields[fields[0]!.tag === 0xa0 ? 5 : 4]!.raw;
}

function addressBytes(ip: string): Uint8Array {
  if (isIPv4(ip)) return Uint8Array.from(ip.split('.').map(Number));
  if (!isIPv6(ip)) throw new TypeError(`${ip} is not an address`);
  const [head = '', tail] = ip.split('::') as [string, string?];
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  const words = tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
  return Uint8Array.from(words.flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 0xff]));
}

/**
 * The certificates of a PEM bundle, in order. Throws SyntaxError: `not a PEM certificate` when there is no block, and
 * saying which block when one does not hold a certificate.
 */
export function parseCertificates(pem: string): X509Certificate[] {
  const blocks = readPem(pem);
  if (blocks.length === 0) throw new SyntaxError('not a PEM certificate');
  return blocks.map(({ label, der: bytes }, index) => {
    if (label !== 'CERTIFICATE') throw new SyntaxError(`block ${index + 1} is a ${label}, not a certificate`);
    try {
      return new X509Certificate(bytes);
    } catch {
      throw new SyntaxError(`block ${index + 1} is not a certificate`);
    }
  });
}

/** PEM (its first certificate), DER, or parsed. */
export function asCertificate(from: string | Uint8Array | X509Certificate): X509Certificate {
  if (from instanceof X509Certificate) return from;
  return typeof from === 'string' ? parseCertificates(from)[0]! : new X509Certificate(from);
}

/** SHA-256 of the DER, lower-case hex. */
export const fingerprintOf = (certificate: X509Certificate): string =>
  createHash('sha256').update(certificate.raw).digest('hex');

/** What evidence and views show of a certificate. */
export function describeCertificate(from: string | Uint8Array | X509Certificate): CertificateInfo {
  const certificate = asCertificate(from);
  return {
    fingerprint: fingerprintOf(certificate),
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: BigInt(`0x${certificate.serialNumber}`).toString(),
    dnsNames: dnsNamesOf(certificate),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    isCa: certificate.ca,
  };
}

export function dnsNamesOf(certificate: X509Certificate): string[] {
  return altNameList(certificate, 'DNS:');
}

export function urisOf(certificate: X509Certificate): string[] {
  return altNameList(certificate, 'URI:');
}

function altNameList(certificate: X509Certificate, prefix: string): string[] {
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => entry.slice(prefix.length));
}

/** Node prints a name with one attribute a line. */
const oneLine = (name: string | undefined): string => (name ?? '').split('\n').filter(Boolean).join(', ');
