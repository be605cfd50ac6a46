import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** `spec.privateKey` of a Certificate. */
export interface PrivateKeySpec {
  algorithm?: 'RSA' | 'ECDSA' | 'Ed25519';
  size?: number;
  encoding?: 'PKCS1' | 'PKCS8';
  rotationPolicy?: 'Always' | 'Never';
}

const generate = promisify(generateKeyPair) as (type: string, options: object) => Promise<{ privateKey: KeyObject }>;

const CURVES: Record<number, string> = { 256: 'prime256v1', 384: 'secp384r1', 521: 'secp521r1' };
const RSA_SIZES = [2048, 3072, 4096];

const algorithmOf = (spec: PrivateKeySpec): string => spec.algorithm ?? 'RSA';
const sizeOf = (spec: PrivateKeySpec): number => spec.size || (algorithmOf(spec) === 'ECDSA' ? 256 : 2048);

/** Makes a key as a Certificate asks for it. Throws Error for a size that its algorithm does not have here. */
export async function makeKey(spec: PrivateKeySpec): Promise<KeyObject> {
  const size = sizeOf(spec);
  if (algorithmOf(spec) === 'Ed25519') return (await generate('ed25519', {})).privateKey;
  if (algorithmOf(spec) === 'ECDSA') {
    const namedCurve = CURVES[size];
    if (!namedCurve) throw new Error(`unsupported ecdsa key size specified: ${size}`);
    return (await generate('ec', { namedCurve })).privateKey;
  }
  if (!RSA_SIZES.includes(size)) throw new Error(`unsupported rsa key size specified: ${size}`);
  return (await generate('rsa', { modulusLength: size })).privateKey;
}

/** PEM in the encoding asked for; what PKCS#1 is to RSA, SEC 1 is to ECDSA. */
export function encodeKey(key: KeyObject, spec: PrivateKeySpec): string {
  const type =
    spec.encoding === 'PKCS8' || key.asymmetricKeyType === 'ed25519'
      ? 'pkcs8'
      : key.asymmetricKeyType === 'ec'
        ? 'sec1'
        : 'pkcs1';
  return key.export({ type, format: 'pem' }) as string;
}

export function readKey(pem: string | undefined): KeyObject | undefined {
  try {
    return pem ? createPrivateKey(pem) : undefined;
  } catch {
    return undefined;
  }
}

/** Fields of `spec.privateKey` that a key does not answer to. */
export function mismatches(key: KeyObject, spec: PrivateKeySpec): string[] {
  const type = { RSA: 'rsa', ECDSA: 'ec', Ed25519: 'ed25519' }[algorithmOf(spec)];
  if (key.asymmetricKeyType !== type) return ['spec.privateKey.algorithm'];
  const details = key.asymmetricKeyDetails;
  const wrongSize =
    (type === 'ec' && details?.namedCurve !== CURVES[sizeOf(spec)]) ||
    (type === 'rsa' && details?.modulusLength !== sizeOf(spec));
  return wrongSize ? ['spec.privateKey.size'] : [];
}
