import type { GroupVersionResource } from '#kube/api/types.ts';

/** `/api/v1` or `/apis/<group>/<version>`. */
export const groupPath = ({ group, version }: Omit<GroupVersionResource, 'resource'>): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

/** The path of a collection, of one object in it, or of a subresource of that. */
export function pathOf(
  target: GroupVersionResource & { namespace?: string },
  name?: string,
  subresource?: string,
): string {
  const parts = [groupPath(target)];
  if (target.namespace !== undefined) parts.push('namespaces', encodeURIComponent(target.namespace));
  parts.push(target.resource);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource) parts.push(subresource);
  return parts.join('/');
}

/** Splits `apps/v1` or `v1`. */
export function splitApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export const joinApiVersion = (group: string, version: string): string => (group ? `${group}/${version}` : version);
