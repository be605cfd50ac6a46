import { createPrivateKey, createPublicKey, generateKeyPair as generate, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyAlgorithm, KeyPair } from './types.ts';

const make = promisify(generate) as (
  type: string,
  options: object,
) => Promise<{ privateKey: KeyObject; publicKey: KeyObject }>;

/** A new key pair as PEM: PKCS#8 and SubjectPublicKeyInfo. */
export async function generateKeyPair(algorithm: KeyAlgorithm = 'ec-p256'): Promise<KeyPair> {
  const { privateKey, publicKey } = algorithm.startsWith('ec')
    ? await make('ec', { namedCurve: algorithm === 'ec-p256' ? 'P-256' : 'P-384' })
    : await make('rsa', { modulusLength: algorithm === 'rsa-2048' ? 2048 : 4096 });
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
  };
}

/** Reads PKCS#8, SEC 1 and PKCS#1 PEM. Throws with OpenSSL's words when it is none of them. */
export function parsePrivateKey(pem: string): KeyObject {
  return createPrivateKey(pem);
}

/** The public half of a public or private key. */
export function parsePublicKey(pem: string): KeyObject {
  return createPublicKey(pem);
}

/** `ec-p256`, `rsa-2048` and so on; `other` for what the mesh does not use. */
export function algorithmOf(key: KeyObject): KeyAlgorithm | 'other' {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'ec-p256';
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'secp384r1') return 'ec-p384';
  if (key.asymmetricKeyType === 'rsa' && details?.modulusLength === 2048) return 'rsa-2048';
  if (key.asymmetricKeyType === 'rsa' && details?.modulusLength === 4096) return 'rsa-4096';
  return 'other';
}

/** Whether a certificate's or public key belongs to a private key. */
export function keysMatch(publicKey: KeyObject, privateKey: KeyObject): boolean {
  const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }) as Buffer;
  return spki(publicKey).equals(spki(createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))));
}
