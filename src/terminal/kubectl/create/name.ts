import type { ObjectMeta } from '#kube/api/types.ts';
import { CliError, usageError } from '../errors.ts';
import type { Invocation } from '../verb.ts';

/** The one NAME before `--`. */
export function nameArgument(k: Invocation): string {
  const count = k.flags.dash >= 0 ? k.flags.dash : k.args.length;
  if (count !== 1) throw usageError(k.path, `exactly one NAME is required, got ${count}`);
  return k.args[0]!;
}

/** Refuses as cobra does when flags that must be given are not. */
export function requireFlags(k: Invocation, ...names: string[]): void {
  const missing = names.filter((name) => !k.flags.has(name));
  if (missing.length > 0) {
    throw new CliError(`required flag(s) ${missing.map((name) => JSON.stringify(name)).join(', ')} not set`);
  }
}

/** Metadata of a namespaced object: the namespace is written down only when it was given. */
export const metaOf = (k: Invocation, name: string, labels?: Record<string, string>): ObjectMeta => ({
  name,
  ...(k.namespaceGiven ? { namespace: k.namespace } : {}),
  ...(labels ? { labels } : {}),
});

/** A container's name from its image: the last path element without tag and digest. */
export const containerNameOf = (image: string): string =>
  image
    .slice(image.lastIndexOf('/') + 1)
    .replace(/[:@].*$/, '')
    .replaceAll(/[^a-z0-9-]/gi, '-');
