import { createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { isIP } from 'node:net';
import { altNames, digestFor, extension, keyIdOf, keyUsageBits, OID, signatureAlgorithm } from './certificate.ts';
import * as der from './der.ts';

/** What goes into a certificate, encoded; extensions in the order given. */
export interface Issue {
  /** Default: 128 random bits. */
  serial?: bigint;
  issuer: Uint8Array;
  subject: Uint8Array;
  /** ms since the epoch. */
  notBefore: number;
  notAfter: number;
  /** DER of SubjectPublicKeyInfo. */
  publicKey: Uint8Array;
  extensions: Uint8Array[];
  key: KeyObject;
  /** Default: what suits the key, SHA-256 or the size of its curve. */
  digest?: string;
}

/** Signs a certificate (X.509 v3, or v1 without extensions) and returns its DER. */
export function issueCertificate(o: Issue): Uint8Array {
  const algorithm = signatureAlgorithm(o.key);
  const serial = o.serial ?? BigInt(`0x${randomBytes(16).toString('hex')}`) >> 1n;
  const tbs = der.sequence(
    ...(o.extensions.length > 0 ? [der.explicit(0, der.integer(2))] : []),
    der.integer(serial),
    algorithm,
    o.issuer,
    der.sequence(der.time(o.notBefore), der.time(o.notAfter)),
    o.subject,
    o.publicKey,
    ...(o.extensions.length > 0 ? [der.explicit(3, der.sequence(...o.extensions))] : []),
  );
  return der.sequence(tbs, algorithm, der.bits(sign(digestFor(o.key), tbs, o.key)));
}

/** Signs a request (PKCS#10) with the key that it is for, and returns its DER. */
export function issueRequest(o: { subject: Uint8Array; extensions: Uint8Array[]; key: KeyObject }): Uint8Array {
  const wish = der.sequence(der.oid('1.2.840.113549.1.9.14'), der.set(der.sequence(...o.extensions)));
  const info = der.sequence(
    der.integer(0),
    o.subject,
    createPublicKey(o.key as never).export({ type: 'spki', format: 'der' }) as Buffer,
    der.explicit(0, ...(o.extensions.length > 0 ? [wish] : [])),
  );
  return der.sequence(info, signatureAlgorithm(o.key), der.bits(sign(digestFor(o.key), info, o.key)));
}

/** Whether `signature` over `data` was made with the private half of `key`. */
export function isSignedBy(data: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  try {
    return verify(digestFor(key), data, key, signature);
  } catch {
    return false;
  }
}

export type Usage = Parameters<typeof keyUsageBits>[0][number];

/** Builders of the usual extensions. */
export const extend = {
  keyUsage: (usages: Usage[], critical = true) => extension(OID.keyUsage, critical, keyUsageBits(usages)),
  extendedKeyUsage: (oids: string[], critical = false) =>
    extension(OID.extendedKeyUsage, critical, der.sequence(...oids.map(der.oid))),
  basicConstraints: (isCa: boolean, pathLength?: number, critical = true) =>
    extension(
      OID.basicConstraints,
      critical,
      der.sequence(...(isCa ? [der.TRUE] : []), ...(pathLength === undefined ? [] : [der.integer(pathLength)])),
    ),
  subjectKeyId: (key: KeyObject) => extension(OID.subjectKeyId, false, der.octets(keyIdOf(key))),
  authorityKeyId: (keyId: Uint8Array) => extension(OID.authorityKeyId, false, der.sequence(der.implicit(0, keyId))),
  subjectAltName: (names: Uint8Array[], critical = false) =>
    extension(OID.subjectAltName, critical, der.sequence(...names)),
};

/** Alternative names of any kind, each sorted by how it looks: an address, a URI, a mail address, or a DNS name. */
export function altNamesFrom(names: readonly string[]): Uint8Array[] {
  const ipAddresses = names.filter((name) => isIP(name) !== 0);
  const others = names.filter((name) => isIP(name) === 0);
  const uris = others.filter((name) => /^[a-z][a-z0-9+.-]*:\/\//i.test(name));
  const emails = others.filter((name) => !uris.includes(name) && /^[^@\s]+@[^@\s]+$/.test(name));
  const dnsNames = others.filter((name) => !uris.includes(name) && !emails.includes(name));
  return [
    ...altNames({ dnsNames }),
    ...emails.map((email) => der.implicit(1, Buffer.from(email, 'latin1'))),
    ...altNames({ ipAddresses, uris }),
  ];
}

/** A name of these attributes, in order: `[['2.5.4.3', 'web']]`. */
export function nameFrom(attributes: readonly (readonly [oid: string, value: string])[]): Uint8Array {
  return der.sequence(...attributes.map(([oid, value]) => der.set(der.sequence(der.oid(oid), stringOf(oid, value)))));
}

const COUNTRY = '2.5.4.6';
const IA5 = ['1.2.840.113549.1.9.1', '0.9.2342.19200300.100.1.25'];

function stringOf(oid: string, value: string): Uint8Array {
  if (oid === COUNTRY) return der.tlv(0x13, Buffer.from(value, 'latin1'));
  return IA5.includes(oid) ? der.tlv(0x16, Buffer.from(value, 'latin1')) : der.utf8(value);
}
