import { parse } from 'yaml';
import { StatusError } from '#kube/api/status.ts';
import type { Values } from '#mesh/install/values.ts';
import type { Invocation } from '../verb.ts';

/** The values that the cluster's control plane was installed with, or what is said where there is none. */
export async function linkerdValues(
  { client, controlPlane }: Invocation,
  missing: (why: string) => never,
): Promise<Values> {
  const target = { group: '', version: 'v1', resource: 'configmaps', namespace: controlPlane };
  try {
    const config = await client.get(target, 'linkerd-config');
    return parse(config['data']?.values ?? '') as Values;
  } catch (error) {
    if (error instanceof StatusError && error.code === 404) return missing(error.message);
    throw error;
  }
}
