import { randomBytes, randomInt, randomUUID } from 'node:crypto';

/** A random 128-bit identifier, 22 characters of base64url. */
export function secretId(): string {
  return randomBytes(16).toString('base64url');
}

export const uuid = (): string => randomUUID();

/** The alphabet Kubernetes uses for generated name suffixes: no vowels, no look-alikes. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A name suffix as Kubernetes' generateName makes it (apiserver/pkg/storage/names). */
export function nameSuffix(length = 5): string {
  let out = '';
  for (let i = 0; i < length; i++) out += SUFFIX_ALPHABET[randomInt(SUFFIX_ALPHABET.length)];
  return out;
}

let latestNanos = 0n;

/** The time in nanoseconds, in hex, later with every call: names that end in it are in the order of time, as events' are. */
export function timeSuffix(nowMs: number): string {
  const now = BigInt(Math.round(nowMs)) * 1_000_000n;
  latestNanos = now > latestNanos ? now : latestNanos + 1n;
  return latestNanos.toString(16);
}
