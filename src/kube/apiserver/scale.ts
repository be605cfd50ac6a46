import { failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { ResourceKind } from './kinds.ts';

const DEFAULT_PATHS = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };

const pathsOf = (kind: ResourceKind) => kind.custom?.version.subresources?.scale ?? DEFAULT_PATHS;

/** The Scale of a scalable object. */
export function scaleOf(kind: ResourceKind, object: KubeObject): KubeObject {
  const { specReplicasPath, statusReplicasPath } = pathsOf(kind);
  const selector = Object.entries(object.spec?.selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as KubeObject['metadata'],
    spec: { replicas: at(object, specReplicasPath) ?? 0 },
    status: {
      replicas: at(object, statusReplicasPath) ?? 0,
      ...(selector.length > 0 ? { selector: selector.join(',') } : {}),
    },
  };
}

/** The object with the replicas that a Scale asks for. */
export function withScale(kind: ResourceKind, object: KubeObject, scale: KubeObject): KubeObject {
  const replicas = scale.spec?.replicas ?? 0;
  if (!Number.isInteger(replicas) || replicas < 0)
    throw failure(
      'Invalid',
      `Scale "${object.metadata.name}" is invalid: spec.replicas: Invalid value: ${replicas}: must be greater than or equal to 0`,
    );
  const copy = structuredClone(object);
  const keys = pathsOf(kind).specReplicasPath.split('.').filter(Boolean);
  let parent = copy as Record<string, unknown>;
  for (const key of keys.slice(0, -1)) {
    parent[key] ??= {};
    parent = parent[key] as Record<string, unknown>;
  }
  parent[keys.at(-1)!] = replicas;
  if (scale.metadata?.resourceVersion) copy.metadata.resourceVersion = scale.metadata.resourceVersion;
  return copy;
}

function at(object: KubeObject, path: string): number | undefined {
  let value: unknown = object;
  for (const key of path.split('.').filter(Boolean)) value = (value as Record<string, unknown> | undefined)?.[key];
  return value as number | undefined;
}
