import type { KeyObject } from 'node:crypto';
import type { PublicKeyInfo } from '#pki/structure.ts';
import { hexRows } from './hex.ts';

const ALGORITHMS: Record<string, string> = {
  '1.2.840.10045.2.1': 'id-ecPublicKey',
  '1.2.840.113549.1.1.1': 'rsaEncryption',
  '1.3.101.112': 'ED25519',
  '1.3.101.113': 'ED448',
};
export const keyAlgorithmName = (oid: string): string => ALGORITHMS[oid] ?? oid;

const CURVES: Record<string, [bits: number, nist: string]> = {
  prime256v1: [256, 'P-256'],
  secp384r1: [384, 'P-384'],
  secp521r1: [521, 'P-521'],
};

const big = (value: string | undefined): Buffer => {
  const bytes = Buffer.from(value ?? '', 'base64url');
  // An ASN.1 integer: a leading zero keeps it positive.
  return bytes[0]! & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
};
const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex') || '0'}`);

export const bitsOf = (key: KeyObject): number =>
  key.asymmetricKeyDetails?.modulusLength ?? CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']?.[0] ?? 256;

/** The public key as it stands in a certificate's text, behind `indent` blanks. */
export function publicKeyText({ key, bits }: PublicKeyInfo, indent: number): string {
  const pad = ' '.repeat(indent);
  if (!key) return `${pad}Unable to load Public Key\n`;
  if (key.asymmetricKeyType === 'rsa') {
    const jwk = key.export({ format: 'jwk' });
    const exponent = numberOf(big(jwk.e));
    return (
      `${pad}Public-Key: (${bitsOf(key)} bit)\n${pad}Modulus:\n${hexRows(big(jwk.n), 15, indent + 4)}` +
      `${pad}Exponent: ${exponent} (0x${exponent.toString(16)})\n`
    );
  }
  if (key.asymmetricKeyType === 'ec')
    return `${pad}Public-Key: (${bitsOf(key)} bit)\n${pad}pub:\n${hexRows(bits, 15, indent + 4)}${curveLines(key, pad)}`;
  if (key.asymmetricKeyType === 'ed25519')
    return `${pad}ED25519 Public-Key:\n${pad}pub:\n${hexRows(bits, 15, indent + 4)}`;
  return `${pad}Unable to load Public Key\n`;
}

function curveLines(key: KeyObject, pad: string): string {
  const name = key.asymmetricKeyDetails?.namedCurve ?? '';
  const nist = CURVES[name]?.[1];
  return `${pad}ASN1 OID: ${name}\n${nist ? `${pad}NIST CURVE: ${nist}\n` : ''}`;
}

/** `openssl pkey -text` of a private key. */
export function privateKeyText(key: KeyObject): string {
  const jwk = key.export({ format: 'jwk' });
  if (key.asymmetricKeyType === 'rsa') {
    const exponent = numberOf(big(jwk.e));
    const part = (label: string, value: string | undefined) => `${label}:\n${hexRows(big(value), 15, 4)}`;
    return (
      `Private-Key: (${bitsOf(key)} bit, 2 primes)\n${part('modulus', jwk.n)}` +
      `publicExponent: ${exponent} (0x${exponent.toString(16)})\n` +
      part('privateExponent', jwk.d) +
      part('prime1', jwk.p) +
      part('prime2', jwk.q) +
      part('exponent1', jwk.dp) +
      part('exponent2', jwk.dq) +
      part('coefficient', jwk.qi)
    );
  }
  const plain = (value: string | undefined) => hexRows(Buffer.from(value ?? '', 'base64url'), 15, 4);
  if (key.asymmetricKeyType === 'ec') {
    const point = Buffer.concat([
      Buffer.of(4),
      Buffer.from(jwk.x ?? '', 'base64url'),
      Buffer.from(jwk.y ?? '', 'base64url'),
    ]);
    return `Private-Key: (${bitsOf(key)} bit)\npriv:\n${plain(jwk.d)}pub:\n${hexRows(point, 15, 4)}${curveLines(key, '')}`;
  }
  return `ED25519 Private-Key:\npriv:\n${plain(jwk.d)}pub:\n${plain(jwk.x)}`;
}
