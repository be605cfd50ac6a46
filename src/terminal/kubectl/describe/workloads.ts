import type { KubeObject } from '#kube/api/types.ts';
import { humanDuration } from '../age.ts';
import { rfc1123 } from '../instants.ts';
import { selectorText } from '../pods-of.ts';
import { formatLabels } from '../table.ts';
import type { Invocation } from '../verb.ts';
import type { Subject } from './kinds.ts';
import { podTemplateLines } from './pod-template.ts';
import { annotationLines, header, labelsAndAnnotations, mapLines, type Writer } from './write.ts';

interface Condition {
  type: string;
  status: string;
  reason?: string;
}

const controllerOf = ({ metadata }: KubeObject): string | undefined => {
  const owner = metadata.ownerReferences?.find((each) => each.controller);
  return owner && `${owner.kind}/${owner.name}`;
};

const created = (w: Writer, { metadata }: KubeObject): void =>
  w.line(0, `CreationTimestamp:\t${rfc1123(metadata.creationTimestamp)}`);

function conditions(w: Writer, list: Condition[] | undefined): void {
  if (!list || list.length === 0) return;
  w.line(0, 'Conditions:');
  w.line(1, 'Type\tStatus\tReason');
  w.line(1, '----\t------\t------');
  for (const { type, status, reason = '' } of list) w.line(1, `${type} \t${status}\t${reason}`);
}

async function owned(k: Invocation, resource: string, group: string, owner: KubeObject): Promise<KubeObject[]> {
  const target = { group, version: 'v1', resource, namespace: owner.metadata.namespace! };
  const selector = selectorText(owner['spec'].selector);
  const list = await k.client.list(target, selector ? { labelSelector: selector } : {});
  return list.items.filter((each) =>
    each.metadata.ownerReferences?.some((ref) => ref.controller && ref.uid === owner.metadata.uid),
  );
}

async function podCounts(k: Invocation, owner: KubeObject): Promise<string> {
  const pods = await owned(k, 'pods', '', owner);
  const count = (phase: string) => pods.filter((pod) => pod['status']?.phase === phase).length;
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`;
}

const replicaSetText = (list: KubeObject[]): string =>
  list
    .map(
      ({ metadata, spec, status }) =>
        `${metadata.name} (${status?.replicas ?? 0}/${spec.replicas ?? 1} replicas created)`,
    )
    .join(', ') || '<none>';

export async function describeDeployment({ w, object, k }: Subject): Promise<void> {
  const { spec, status = {} } = object;
  header(w, object);
  created(w, object);
  labelsAndAnnotations(w, object);
  w.line(0, `Selector:\t${selectorText(spec.selector)}`);
  w.line(
    0,
    `Replicas:\t${spec.replicas ?? 1} desired | ${status.updatedReplicas ?? 0} updated | ${status.replicas ?? 0} total | ${status.availableReplicas ?? 0} available | ${status.unavailableReplicas ?? 0} unavailable`,
  );
  w.line(0, `StrategyType:\t${spec.strategy?.type ?? ''}`);
  w.line(0, `MinReadySeconds:\t${spec.minReadySeconds ?? 0}`);
  const rolling = spec.strategy?.rollingUpdate;
  if (rolling)
    w.line(0, `RollingUpdateStrategy:\t${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`);
  podTemplateLines(w, spec.template);
  conditions(w, status.conditions);
  const sets = await owned(k, 'replicasets', 'apps', object);
  const revision = 'deployment.kubernetes.io/revision';
  const current = sets.find(
    (each) => each.metadata.annotations?.[revision] === object.metadata.annotations?.[revision],
  );
  const old = sets
    .filter((each) => each !== current)
    .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''));
  if (sets.length > 0) {
    w.line(0, `OldReplicaSets:\t${replicaSetText(old)}`);
    w.line(0, `NewReplicaSet:\t${replicaSetText(current ? [current] : [])}`);
  }
}

export async function describeReplicaSet({ w, object, k }: Subject): Promise<void> {
  const { spec, status = {} } = object;
  header(w, object);
  w.line(0, `Selector:\t${selectorText(spec.selector)}`);
  labelsAndAnnotations(w, object);
  const controller = controllerOf(object);
  if (controller) w.line(0, `Controlled By:\t${controller}`);
  w.line(0, `Replicas:\t${status.replicas ?? 0} current / ${spec.replicas ?? 1} desired`);
  w.line(0, `Pods Status:\t${await podCounts(k, object)}`);
  podTemplateLines(w, spec.template);
  conditions(w, status.conditions);
}

export async function describeStatefulSet({ w, object, k }: Subject): Promise<void> {
  const { spec, status = {} } = object;
  header(w, object);
  created(w, object);
  w.line(0, `Selector:\t${selectorText(spec.selector)}`);
  labelsAndAnnotations(w, object);
  w.line(0, `Replicas:\t${spec.replicas ?? 1} desired | ${status.replicas ?? 0} total`);
  w.line(0, `Update Strategy:\t${spec.updateStrategy?.type ?? ''}`);
  const partition = spec.updateStrategy?.rollingUpdate?.partition;
  if (partition !== undefined) w.line(1, `Partition:\t${partition}`);
  w.line(0, `Pods Status:\t${await podCounts(k, object)}`);
  podTemplateLines(w, spec.template);
  claims(w, spec.volumeClaimTemplates ?? []);
}

function claims(w: Writer, templates: KubeObject[]): void {
  if (templates.length === 0) {
    w.line(0, 'Volume Claims:\t<none>');
    return;
  }
  w.line(0, 'Volume Claims:');
  for (const { metadata, spec } of templates) {
    w.line(1, `Name:\t${metadata.name}`);
    w.line(1, `StorageClass:\t${spec.storageClassName ?? ''}`);
    mapLines(w, 1, 'Labels', metadata.labels);
    annotationLines(w, 1, metadata.annotations);
    w.line(1, `Capacity:\t${spec.resources?.requests?.storage ?? '<default>'}`);
    w.line(1, `Access Modes:\t[${(spec.accessModes ?? []).join(' ')}]`);
  }
}

export async function describeDaemonSet({ w, object, k }: Subject): Promise<void> {
  const { spec, status = {} } = object;
  header(w, object);
  w.line(0, `Selector:\t${selectorText(spec.selector)}`);
  w.line(0, `Node-Selector:\t${formatLabels(spec.template.spec.nodeSelector)}`);
  labelsAndAnnotations(w, object);
  w.line(0, `Desired Number of Nodes Scheduled: ${status.desiredNumberScheduled ?? 0}`);
  w.line(0, `Current Number of Nodes Scheduled: ${status.currentNumberScheduled ?? 0}`);
  w.line(0, `Number of Nodes Scheduled with Up-to-date Pods: ${status.updatedNumberScheduled ?? 0}`);
  w.line(0, `Number of Nodes Scheduled with Available Pods: ${status.numberAvailable ?? 0}`);
  w.line(0, `Number of Nodes Misscheduled: ${status.numberMisscheduled ?? 0}`);
  w.line(0, `Pods Status:\t${await podCounts(k, object)}`);
  podTemplateLines(w, spec.template);
}

function jobSettings(w: Writer, spec: KubeObject['spec']): void {
  if (spec.parallelism !== undefined) w.line(0, `Parallelism:\t${spec.parallelism}`);
  w.line(0, `Completions:\t${spec.completions ?? '<unset>'}`);
  if (spec.completionMode) w.line(0, `Completion Mode:\t${spec.completionMode}`);
  if (spec.suspend !== undefined) w.line(0, `Suspend:\t${spec.suspend}`);
  if (spec.backoffLimit !== undefined) w.line(0, `Backoff Limit:\t${spec.backoffLimit}`);
  if (spec.ttlSecondsAfterFinished !== undefined)
    w.line(0, `TTL Seconds After Finished:\t${spec.ttlSecondsAfterFinished}`);
}

export function describeJob({ w, object }: Subject): void {
  const { spec, status = {} } = object;
  header(w, object);
  w.line(0, `Selector:\t${selectorText(spec.selector)}`);
  labelsAndAnnotations(w, object);
  const controller = controllerOf(object);
  if (controller) w.line(0, `Controlled By:\t${controller}`);
  jobSettings(w, spec);
  if (status.startTime) w.line(0, `Start Time:\t${rfc1123(status.startTime)}`);
  if (status.completionTime) w.line(0, `Completed At:\t${rfc1123(status.completionTime)}`);
  if (status.startTime && status.completionTime) {
    w.line(0, `Duration:\t${humanDuration(Date.parse(status.completionTime) - Date.parse(status.startTime))}`);
  }
  if (spec.activeDeadlineSeconds !== undefined) w.line(0, `Active Deadline Seconds:\t${spec.activeDeadlineSeconds}s`);
  const ready = status.ready === undefined ? '' : ` (${status.ready} Ready)`;
  w.line(
    0,
    `Pods Statuses:\t${status.active ?? 0} Active${ready} / ${status.succeeded ?? 0} Succeeded / ${status.failed ?? 0} Failed`,
  );
  podTemplateLines(w, spec.template);
}

export function describeCronJob({ w, object }: Subject): void {
  const { spec, status = {} } = object;
  header(w, object);
  labelsAndAnnotations(w, object);
  w.line(0, `Schedule:\t${spec.schedule}`);
  w.line(0, `Concurrency Policy:\t${spec.concurrencyPolicy ?? ''}`);
  w.line(0, `Suspend:\t${spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'}`);
  w.line(0, `Successful Job History Limit:\t${spec.successfulJobsHistoryLimit ?? '<unset>'}`);
  w.line(0, `Failed Job History Limit:\t${spec.failedJobsHistoryLimit ?? '<unset>'}`);
  w.line(
    0,
    `Starting Deadline Seconds:\t${spec.startingDeadlineSeconds === undefined ? '<unset>' : `${spec.startingDeadlineSeconds}s`}`,
  );
  const job = spec.jobTemplate.spec;
  w.line(0, `Selector:\t${job.selector ? selectorText(job.selector) : '<unset>'}`);
  w.line(0, `Parallelism:\t${job.parallelism ?? '<unset>'}`);
  w.line(0, `Completions:\t${job.completions ?? '<unset>'}`);
  if (job.activeDeadlineSeconds !== undefined) w.line(0, `Active Deadline Seconds:\t${job.activeDeadlineSeconds}s`);
  podTemplateLines(w, job.template);
  w.line(0, `Last Schedule Time:\t${status.lastScheduleTime ? rfc1123(status.lastScheduleTime) : '<unset>'}`);
  const active = (status.active ?? []).map((each: { name: string }) => each.name);
  w.line(0, `Active Jobs:\t${active.join(', ') || '<none>'}`);
}
