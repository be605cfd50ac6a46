import type { Engine } from './engine.ts';

/** `name:tag@sha256:…` without its digest. */
export const withoutDigest = (reference: string): string => reference.replace(/@sha256:[0-9a-f]{64}$/, '');

/**
 * What an image is called in this Engine: as it is pinned, or by its tag where it came out of a file, which keeps no digests.
 * Undefined when it is not here.
 */
export async function localName(engine: Engine, reference: string): Promise<string | undefined> {
  if (await engine.hasImage(reference)) return reference;
  const plain = withoutDigest(reference);
  return plain !== reference && (await engine.hasImage(plain)) ? plain : undefined;
}
