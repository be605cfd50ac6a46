import { createHash } from 'node:crypto';
import { rfc3339 } from '#base/rfc3339.ts';
import { isSignedBy } from '#pki/issue.ts';
import {
  altNamesOf,
  type CertificateParts,
  constraintsOf,
  extendedKeyUsageOf,
  keyUsageOf,
  type NameAttribute,
  type RequestParts,
  subjectKeyIdOf,
} from '#pki/structure.ts';
import { altNameText, curveOf, nameText, signatureName } from './text.ts';

const NAMES: Record<string, string> = {
  '2.5.4.3': 'common_name',
  '2.5.4.5': 'serial_number',
  '2.5.4.6': 'country',
  '2.5.4.7': 'locality',
  '2.5.4.8': 'province',
  '2.5.4.10': 'organization',
  '2.5.4.11': 'organizational_unit',
};
const USAGES = [
  'digital_signature',
  'content_commitment',
  'key_encipherment',
  'data_encipherment',
  'key_agreement',
  'certificate_sign',
  'crl_sign',
  'encipher_only',
  'decipher_only',
];
const hash = (name: string, bytes: Uint8Array): string => createHash(name).update(bytes).digest('hex');

/** The main fields of `step certificate inspect --format json`, named as there. */
export function certificateJson(c: CertificateParts): object {
  const serial = BigInt(`0x${Buffer.from(c.serial).toString('hex')}`);
  const isSelfSigned = c.publicKey.key !== undefined && isSignedBy(c.tbs, c.signature, c.publicKey.key);
  return {
    version: c.version,
    serial_number: serial.toString(),
    signature_algorithm: { name: signatureName(c.signatureAlgorithm.oid), oid: c.signatureAlgorithm.oid },
    issuer: nameJson(c.issuer),
    issuer_dn: dn(c.issuer),
    validity: {
      start: rfc3339(c.notBefore),
      end: rfc3339(c.notAfter),
      length: Math.round((c.notAfter - c.notBefore) / 1000),
    },
    subject: nameJson(c.subject),
    subject_dn: dn(c.subject),
    subject_key_info: keyJson(c),
    extensions: extensionsJson(c),
    signature: {
      signature_algorithm: { name: signatureName(c.signatureAlgorithm.oid), oid: c.signatureAlgorithm.oid },
      value: Buffer.from(c.signature).toString('base64'),
      valid: isSelfSigned,
      self_signed: isSelfSigned,
    },
    fingerprint_md5: hash('md5', c.raw),
    fingerprint_sha1: hash('sha1', c.raw),
    fingerprint_sha256: hash('sha256', c.raw),
    tbs_fingerprint: hash('sha256', c.tbs),
    spki_subject_fingerprint: createHash('sha256').update(c.publicKey.raw).update(c.subjectRaw).digest('hex'),
    redacted: false,
  };
}

export function requestJson(c: RequestParts): object {
  return {
    subject: nameJson(c.subject),
    subject_dn: dn(c.subject),
    signature_algorithm: { name: signatureName(c.signatureAlgorithm.oid), oid: c.signatureAlgorithm.oid },
    public_key: keyJson(c),
    extensions: extensionsJson(c),
    signature: Buffer.from(c.signature).toString('base64'),
  };
}

const dn = (name: readonly NameAttribute[]): string => nameText(name).replaceAll(',', ', ');

function nameJson(name: readonly NameAttribute[]): Record<string, string[]> {
  const json: Record<string, string[]> = {};
  for (const { oid, value } of name) {
    const key = NAMES[oid] ?? oid;
    json[key] = [...(json[key] ?? []), value];
  }
  return json;
}

function keyJson({ publicKey }: Pick<CertificateParts, 'publicKey'>): object {
  const { key } = publicKey;
  const base64 = (value: string | undefined) => Buffer.from(value ?? '', 'base64url').toString('base64');
  const jwk = key?.export({ format: 'jwk' });
  const kind =
    key?.asymmetricKeyType === 'ec'
      ? {
          key_algorithm: { name: 'ECDSA' },
          ecdsa_public_key: {
            curve: curveOf(key),
            length: Number(curveOf(key).slice(2)),
            pub: Buffer.from(publicKey.bits).toString('base64'),
            x: base64(jwk?.x),
            y: base64(jwk?.y),
          },
        }
      : key?.asymmetricKeyType === 'rsa'
        ? {
            key_algorithm: { name: 'RSA' },
            rsa_public_key: {
              exponent: Number(BigInt(`0x${Buffer.from(jwk?.e ?? '', 'base64url').toString('hex')}`)),
              modulus: base64(jwk?.n),
              length: key.asymmetricKeyDetails?.modulusLength,
            },
          }
        : { key_algorithm: { name: key?.asymmetricKeyType === 'ed25519' ? 'Ed25519' : publicKey.algorithm.oid } };
  return { ...kind, fingerprint_sha256: hash('sha256', publicKey.raw) };
}

function extensionsJson({ extensions }: Pick<CertificateParts, 'extensions'>): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  const usage = keyUsageOf(extensions);
  if (usage)
    json['key_usage'] = {
      ...Object.fromEntries(usage.map((bit) => [USAGES[bit], true])),
      value: usage.reduce((value, bit) => value | (1 << bit), 0),
    };
  const constraints = constraintsOf(extensions);
  if (constraints.isCa)
    json['basic_constraints'] = {
      is_ca: true,
      ...(constraints.pathLength === undefined ? {} : { max_path_len: constraints.pathLength }),
    };
  const names = altNamesOf(extensions);
  const of = (type: number) => names.filter((name) => name.type === type).map(altNameText);
  const kinds = { dns_names: of(2), email_addresses: of(1), ip_addresses: of(7), uniform_resource_identifiers: of(6) };
  const present = Object.entries(kinds).filter(([, values]) => values.length > 0);
  if (present.length > 0) json['subject_alt_name'] = Object.fromEntries(present);
  const purposes = extendedKeyUsageOf(extensions);
  if (purposes)
    json['extended_key_usage'] = {
      ...(purposes.includes('1.3.6.1.5.5.7.3.1') ? { server_auth: true } : {}),
      ...(purposes.includes('1.3.6.1.5.5.7.3.2') ? { client_auth: true } : {}),
    };
  const id = subjectKeyIdOf(extensions);
  if (id) json['subject_key_id'] = Buffer.from(id).toString('hex');
  return json;
}
