import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, conditionOf } from './context.ts';
import { total, unavailableOf } from './deployment-sets.ts';

interface Condition {
  type: string;
  status: string;
  lastUpdateTime: string;
  lastTransitionTime: string;
  reason: string;
  message: string;
}

/** What happened in this round that the status tells of. */
export type NewSet = 'created' | 'found' | undefined;

type Counts = Record<string, number>;

/** The status of a Deployment, and when to look again because a deadline may pass. Source: pkg/controller/deployment. */
export function deploymentStatus(
  context: ControllerContext,
  deployment: KubeObject,
  current: KubeObject | undefined,
  own: KubeObject[],
  newSet: NewSet,
): { status: object; lookAgainMs?: number } {
  const sum = (field: string) => own.reduce((n, set) => n + (set.status?.[field] ?? 0), 0);
  const { spec } = deployment;
  const [replicas, ready, available] = [sum('replicas'), sum('readyReplicas'), sum('availableReplicas')];
  const updated: number = current?.status?.replicas ?? 0;
  const unavailable = Math.max(0, total(own) - available);
  const counts: Counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(replicas ? { replicas } : {}),
    ...(updated ? { updatedReplicas: updated } : {}),
    ...(ready ? { readyReplicas: ready } : {}),
    ...(available ? { availableReplicas: available } : {}),
    ...(unavailable ? { unavailableReplicas: unavailable } : {}),
    terminatingReplicas: sum('terminatingReplicas'),
  };
  const collisions = deployment.status?.collisionCount;
  const enough = available >= spec.replicas - unavailableOf(deployment);
  const make = conditionMaker(context, deployment);
  const availability = make(
    'Available',
    enough ? 'True' : 'False',
    enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
  );
  const failed = own.map((set) => conditionOf(set, 'ReplicaFailure')).find((one) => one?.status === 'True');
  const failure = failed && make('ReplicaFailure', 'True', failed.reason ?? '', failed.message ?? '');
  const { condition: progress, lookAgainMs } = progressing(context, deployment, current, counts, newSet);
  const status = {
    ...counts,
    ...(collisions ? { collisionCount: collisions } : {}),
    conditions: [availability, ...(failure ? [failure] : []), ...(progress ? [progress] : [])],
  };
  return { status, ...(lookAgainMs === undefined ? {} : { lookAgainMs }) };
}

function progressing(
  context: ControllerContext,
  deployment: KubeObject,
  current: KubeObject | undefined,
  counts: Counts,
  newSet: NewSet,
): { condition: Condition | undefined; lookAgainMs?: number } {
  const before = conditionOf(deployment, 'Progressing') as Condition | undefined;
  const { spec, metadata } = deployment;
  const make = conditionMaker(context, deployment);
  const set = (status: string, reason: string, message: string, moved = false) => ({
    condition: make('Progressing', status, reason, message, moved),
  });
  const isTimedOut = before?.reason === 'ProgressDeadlineExceeded';
  if (spec.paused && !isTimedOut) return set('Unknown', 'DeploymentPaused', 'Deployment is paused');
  const quoted = JSON.stringify(current?.metadata.name);
  if (newSet === 'created') return set('True', 'NewReplicaSetCreated', `Created new replica set ${quoted}`, true);
  if (newSet === 'found' && !before) return set('True', 'FoundNewReplicaSet', `Found new replica set ${quoted}`, true);
  const replicas = counts['replicas'] ?? 0;
  const updated = counts['updatedReplicas'] ?? 0;
  // What has come to its end is not judged anew when a pod fails later.
  if (before?.reason === 'NewReplicaSetAvailable' && replicas === updated) return { condition: before };
  const name = current ? `ReplicaSet ${quoted}` : `Deployment ${JSON.stringify(metadata.name)}`;
  const isComplete =
    updated === spec.replicas && replicas === spec.replicas && (counts['availableReplicas'] ?? 0) === spec.replicas;
  if (isComplete) return set('True', 'NewReplicaSetAvailable', `${name} has successfully progressed.`);
  const was = (field: string): number => deployment.status?.[field] ?? 0;
  const now = (field: string): number => counts[field] ?? 0;
  const hasMoved =
    updated > was('updatedReplicas') ||
    replicas - updated < was('replicas') - was('updatedReplicas') ||
    now('readyReplicas') > was('readyReplicas') ||
    now('availableReplicas') > was('availableReplicas');
  if (hasMoved) return set('True', 'ReplicaSetUpdated', `${name} is progressing.`, true);
  if (before?.reason === 'DeploymentPaused') return set('Unknown', 'DeploymentResumed', 'Deployment is resumed');
  if (!before || isTimedOut) return { condition: before };
  const deadline = Date.parse(before.lastUpdateTime) + (spec.progressDeadlineSeconds ?? 600) * 1_000;
  const leftMs = deadline - context.clock.now();
  if (leftMs > 0) return { condition: before, lookAgainMs: leftMs + 1_000 };
  return set('False', 'ProgressDeadlineExceeded', `${name} has timed out progressing.`);
}

/** Makes conditions that keep their times as long as they say the same, unless something has `moved`. */
function conditionMaker(context: ControllerContext, deployment: KubeObject) {
  return (type: string, status: string, reason: string, message: string, moved = false): Condition => {
    const before = conditionOf(deployment, type) as Condition | undefined;
    if (!moved && before?.status === status && before.reason === reason && before.message === message) return before;
    const at = context.now();
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : at;
    return { type, status, lastUpdateTime: at, lastTransitionTime, reason, message };
  };
}
