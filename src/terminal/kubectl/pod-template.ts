import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '#kube/api/types.ts';
import { dryRunOf, printChanged, writeOptions } from './changed.ts';
import { CliError } from './errors.ts';
import { type Item, itemTarget } from './targets.ts';
import { twoWayStrategic } from './three-way.ts';
import type { Invocation } from './verb.ts';

export interface Container {
  name: string;
  image?: string;
  env?: EnvVar[];
  resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
  ports?: { containerPort: number; protocol?: string }[];
}
export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: Record<
    string,
    { name?: string; key?: string; fieldPath?: string; resource?: string; containerName?: string }
  >;
}

/** The pod specification in an object: its own, or that of its template. Refuses for other kinds. */
export function podSpecOf({ object, resource }: Item): KubeObject['spec'] {
  if (object.kind === 'Pod') return object['spec'];
  if (object.kind === 'CronJob') return object['spec'].jobTemplate.spec.template.spec;
  const spec = object['spec']?.template?.spec;
  if (!spec || !/^(Deployment|DaemonSet|ReplicaSet|StatefulSet|Job|ReplicationController)$/.test(object.kind)) {
    throw new CliError(
      `${resource.resource}/${object.metadata.name} the object is not a pod or does not have a pod template: *v1.${object.kind}`,
    );
  }
  return spec;
}

export const containersOf = (spec: KubeObject['spec'], init = true): Container[] => [
  ...((spec.containers ?? []) as Container[]),
  ...(init ? ((spec.initContainers ?? []) as Container[]) : []),
];

/** Whether a container's name is meant by a pattern with `*` for any letters. */
export const isMeant = (pattern: string, name: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(name);

/**
 * Writes what `change` made of a copy of the object, as a strategic merge patch, and says so. An object that is the same
 * afterwards is left alone without a word, unless `always`.
 */
export async function patchItem(
  k: Invocation,
  item: Item,
  operation: string,
  change: (copy: Item) => void | Promise<void>,
  always = false,
): Promise<void> {
  const object = structuredClone(item.object);
  await change({ ...item, object });
  if (!always && isDeepStrictEqual(object, item.object)) return;
  if (k.flags.bool('local') || dryRunOf(k) === 'client') return printChanged(k, object, operation);
  const body = twoWayStrategic(item.object, object);
  const name = item.object.metadata.name!;
  const result = await k.client.patch(itemTarget(item), name, 'strategic', body, writeOptions(k, 'kubectl-set'));
  await printChanged(k, result, operation);
}
