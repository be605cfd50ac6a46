import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { altNames, OID, parseCertificates } from '#pki/certificate.ts';
import * as der from '#pki/der.ts';
import { extend, isSignedBy, issueCertificate, issueRequest, nameFrom, type Usage } from '#pki/issue.ts';
import { keysMatch } from '#pki/keys.ts';
import { readPem, writePem } from '#pki/pem.ts';
import { EXTENSION_OIDS, readCertificate, readRequest, subjectKeyIdOf } from '#pki/structure.ts';

/** Key usages by their names in a Certificate; those absent here are extended usages. */
const KEY_USAGES: Record<string, Usage> = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'nonRepudiation',
  'key encipherment': 'keyEncipherment',
  'key agreement': 'keyAgreement',
  'data encipherment': 'dataEncipherment',
  'cert sign': 'certSign',
  'crl sign': 'crlSign',
};
const EXTENDED_USAGES: Record<string, string> = {
  any: '2.5.29.37.0',
  'server auth': OID.serverAuth,
  'client auth': OID.clientAuth,
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
};
export const USAGES = [...Object.keys(KEY_USAGES), ...Object.keys(EXTENDED_USAGES)];
const DEFAULT_USAGES = ['digital signature', 'key encipherment'];

/** The names that a Certificate asks for. */
export interface Names {
  commonName?: string;
  organizations?: string[];
  dnsNames?: string[];
  ipAddresses?: string[];
  uris?: string[];
}

/** A request (PKCS#10) as PEM. */
export function makeRequest(names: Names, key: KeyObject): string {
  const alternatives = altNames(names);
  const subject = nameFrom([
    ...(names.organizations ?? []).map((each) => ['2.5.4.10', each] as const),
    ...(names.commonName ? [['2.5.4.3', names.commonName] as const] : []),
  ]);
  const extensions = alternatives.length > 0 ? [extend.subjectAltName(alternatives)] : [];
  return writePem('CERTIFICATE REQUEST', issueRequest({ subject, extensions, key }));
}

export interface Order {
  /** PEM of the request. */
  request: string;
  isCa: boolean;
  usages: string[] | undefined;
  /** ms since the epoch. */
  notBefore: number;
  notAfter: number;
}

/** A CA that signs: its certificates, its own first, and its key. */
export interface Authority {
  chain: X509Certificate[];
  key: KeyObject;
}

/** What an issuer answers: `tls.crt`, and what stands above it. Both PEM. */
export interface Signed {
  certificate: string;
  ca: string;
}

/** The CA of an issuer's Secret. Throws Error with what is wrong with it. */
export function readAuthority(certificate: string, key: KeyObject): Authority {
  const chain = parseCertificates(certificate);
  if (!keysMatch(chain[0]!.publicKey, key)) throw new Error('tls: private key does not match public key');
  return { chain, key };
}

/** Signs by a CA: what it answers ends below the root, which is given apart. */
export function signByCa(order: Order, authority: Authority): Signed {
  const [issuer] = authority.chain;
  const parts = readCertificate(issuer!.raw);
  const keyId = subjectKeyIdOf(parts.extensions);
  const leaf = sign(order, parts.subjectRaw, authority.key, keyId);
  const above = authority.chain.map((each) => each.raw as Uint8Array);
  const top = authority.chain.at(-1)!;
  const between = top.subject === top.issuer ? above.slice(0, -1) : above;
  return { certificate: [leaf, ...between].map(pemOf).join(''), ca: pemOf(top.raw) };
}

/** Signs a request with the very key that it is for. */
export function signBySelf(order: Order, key: KeyObject): Signed {
  const parts = readRequest(requestOf(order.request));
  const own = createPublicKey(key as never).export({ type: 'spki', format: 'der' }) as Buffer;
  if (!own.equals(parts.publicKey.raw)) throw new Error('CSR not signed by referenced private key');
  const certificate = pemOf(sign(order, parts.subjectRaw, key, undefined));
  return { certificate, ca: certificate };
}

function sign(order: Order, issuer: Uint8Array, key: KeyObject, issuerKeyId: Uint8Array | undefined): Uint8Array {
  const parts = readRequest(requestOf(order.request));
  const subjectKey = parts.publicKey.key;
  if (!subjectKey || !isSignedBy(parts.info, parts.signature, subjectKey))
    throw new Error('error decoding certificate request');
  const usages = order.usages?.length ? order.usages : DEFAULT_USAGES;
  const unknown = usages.filter((each) => !USAGES.includes(each));
  if (unknown.length > 0) throw new Error(`unknown key usages: ${unknown.join(', ')}`);
  const bits = [
    ...new Set([...usages.flatMap((each) => KEY_USAGES[each] ?? []), ...(order.isCa ? (['certSign'] as const) : [])]),
  ];
  const extended = usages.flatMap((each) => EXTENDED_USAGES[each] ?? []);
  const alternatives = parts.extensions.find(({ oid }) => oid === EXTENSION_OIDS.subjectAltName);
  const hasSubject = parts.subject.length > 0;
  return issueCertificate({
    issuer,
    subject: parts.subjectRaw,
    notBefore: order.notBefore,
    notAfter: order.notAfter,
    publicKey: parts.publicKey.raw,
    key,
    extensions: [
      ...(bits.length > 0 ? [extend.keyUsage(bits)] : []),
      ...(extended.length > 0 ? [extend.extendedKeyUsage(extended)] : []),
      extend.basicConstraints(order.isCa),
      ...(order.isCa ? [extend.subjectKeyId(subjectKey)] : []),
      ...(issuerKeyId ? [extend.authorityKeyId(issuerKeyId)] : []),
      ...(alternatives
        ? [
            extend.subjectAltName(
              der.read(der.read(alternatives.value)[0]!.content).map((each) => each.raw),
              !hasSubject,
            ),
          ]
        : []),
    ],
  });
}

/** DER of a request's PEM. Throws Error when there is none. */
export function requestOf(pem: string): Uint8Array {
  const block = readPem(pem).find(({ label }) => label.endsWith('CERTIFICATE REQUEST'));
  if (!block) throw new Error('error decoding certificate request PEM block');
  return block.der;
}

const pemOf = (bytes: Uint8Array): string => writePem('CERTIFICATE', bytes);

/** The first certificate of a PEM text; undefined when there is none to read. */
export function firstCertificate(pem: string | undefined): X509Certificate | undefined {
  try {
    return pem ? parseCertificates(pem)[0] : undefined;
  } catch {
    return undefined;
  }
}
