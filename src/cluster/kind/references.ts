import type { Engine } from './engine.ts';

/** `name:tag@sha256:…` without its digest. */
export const withoutDigest = (reference: string): string => reference.replace(/@sha256:[0-9a-f]{64}$/, '');

/** `docker.io/library/nginx:1.29@sha256:…` as `nginx`, `ghcr.io/a/b:v1` as `ghcr.io/a/b`. */
export const repositoryOf = (reference: string): string =>
  reference
    .replace(/@.*$/, '')
    .replace(/:[^/:]*$/, '')
    .replace(/^docker\.io\//, '')
    .replace(/^library\//, '');

/** Whether pods may have an image out of the Engine: its repository, at any tag, is lent to everybody or named by their lab. */
export function lends(lent: readonly string[] | undefined, ofLab: readonly string[]): (reference: string) => boolean {
  if (!lent) return () => true;
  const repositories = new Set([...lent, ...ofLab].map(repositoryOf));
  return (reference) => repositories.has(repositoryOf(reference));
}

/**
 * What an image is called in this Engine: as it is pinned, or by its tag where it came out of a file, which keeps no digests.
 * Undefined when it is not here.
 */
export async function localName(engine: Engine, reference: string): Promise<string | undefined> {
  if (await engine.hasImage(reference)) return reference;
  const plain = withoutDigest(reference);
  return plain !== reference && (await engine.hasImage(plain)) ? plain : undefined;
}
