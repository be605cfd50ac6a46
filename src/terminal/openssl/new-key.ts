import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { OpensslError } from './options.ts';

const generate = promisify(generateKeyPair) as (type: string, options: object) => Promise<{ privateKey: KeyObject }>;

/** Names of curves that OpenSSL and people use. */
export const CURVES: Record<string, string> = {
  prime256v1: 'prime256v1',
  'P-256': 'prime256v1',
  secp256r1: 'prime256v1',
  secp384r1: 'secp384r1',
  'P-384': 'secp384r1',
  secp521r1: 'secp521r1',
  'P-521': 'secp521r1',
};
const LARGEST_RSA = 4096;

export async function newEc(command: string, curve: string): Promise<KeyObject> {
  const namedCurve = CURVES[curve];
  if (!namedCurve) throw new OpensslError(`${command}: Invalid curve name ${curve}`);
  return (await generate('ec', { namedCurve })).privateKey;
}

export async function newRsa(command: string, bits: number): Promise<KeyObject> {
  if (!Number.isInteger(bits) || bits < 512) throw new OpensslError(`${command}: Modulus too small`);
  if (bits > LARGEST_RSA)
    throw new OpensslError(`${command}: ${bits} bits are not available here: ${LARGEST_RSA} are the most`);
  return (await generate('rsa', { modulusLength: bits })).privateKey;
}

/** `rsa`, `rsa:2048`, `ec`, `ed25519` with the -pkeyopt values given. */
export async function newOfKind(command: string, kind: string, pkeyopt: readonly string[]): Promise<KeyObject> {
  const settings = Object.fromEntries(pkeyopt.map((each) => each.split(':') as [string, string]));
  const [algorithm = '', size] = kind.toLowerCase().split(':');
  if (algorithm === 'rsa') return newRsa(command, Number(size ?? settings['rsa_keygen_bits'] ?? 2048));
  if (algorithm === 'ec') {
    const curve = settings['ec_paramgen_curve'];
    if (!curve)
      throw new OpensslError(
        `${command}: Error generating EC key: no parameters set (-pkeyopt ec_paramgen_curve:P-256)`,
      );
    return newEc(command, curve);
  }
  if (algorithm === 'ed25519') return (await generate('ed25519', {})).privateKey;
  throw new OpensslError(`${command}: Algorithm ${kind} not found`);
}
