import type { KubeObject } from '#kube/api/types.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
export const DESIRED = 'deployment.kubernetes.io/desired-replicas';
export const MAX = 'deployment.kubernetes.io/max-replicas';
export const HASH = 'pod-template-hash';
export const COMPONENT = 'deployment-controller';

/** How many pods a ReplicaSet asks for. */
export const sizeOf = (set: KubeObject): number => set.spec.replicas ?? 0;
export const total = (sets: KubeObject[]): number => sets.reduce((sum, set) => sum + sizeOf(set), 0);
export const revisionOf = (set: KubeObject): number => Number(set.metadata.annotations?.[REVISION] ?? 0);
export const byAge = (a: KubeObject, b: KubeObject): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  a.metadata.name!.localeCompare(b.metadata.name!);

/** A template as its Deployment wrote it, to compare. */
export function withoutHash(template: KubeObject['spec']): unknown {
  const { [HASH]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** maxSurge rounds up, maxUnavailable down; both zero becomes one unavailable. */
function portion(value: number | string | undefined, replicas: number, up: boolean): number {
  if (typeof value === 'number') return value;
  const share = (Number.parseInt(value ?? '0', 10) / 100) * replicas;
  return up ? Math.ceil(share) : Math.floor(share);
}

export const surgeOf = ({ spec }: KubeObject): number =>
  spec.strategy.type === 'Recreate' ? 0 : portion(spec.strategy.rollingUpdate?.maxSurge, spec.replicas, true);

export function unavailableOf(deployment: KubeObject): number {
  const { spec } = deployment;
  if (spec.strategy.type === 'Recreate' || spec.replicas === 0) return 0;
  const asked = portion(spec.strategy.rollingUpdate?.maxUnavailable, spec.replicas, false);
  return Math.min(spec.replicas, asked === 0 && surgeOf(deployment) === 0 ? 1 : asked);
}
