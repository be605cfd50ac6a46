import type { KubeObject } from '#kube/api/types.ts';
import {
  type ControllerContext,
  conditionOf,
  controllerOf,
  ignoreGone,
  isReady,
  keyOf,
  MANAGER,
  splitKey,
} from './context.ts';
import { completedIndexes, nextIndexes } from './job-indexes.ts';
import { WorkQueue } from './queue.ts';
import { claimPods, createPod } from './replicaset.ts';

const COMPONENT = 'job-controller';
/** Keeps a pod until the controller has counted it. */
const TRACKING = 'batch.kubernetes.io/job-tracking';
const INDEX = 'batch.kubernetes.io/job-completion-index';
const FIRST_BACKOFF_MS = 10_000;
const LONGEST_BACKOFF_MS = 600_000;
const EXPECTATION_MS = 5_000;

interface Condition {
  type: string;
  status: string;
  lastProbeTime: string;
  lastTransitionTime: string;
  reason?: string;
  message?: string;
}

/** Runs pods to their end, as often as a Job asks for. Source: pkg/controller/job. */
export function startJobs(context: ControllerContext): WorkQueue {
  const jobs = context.informer('jobs');
  const pods = context.informer('pods');
  const expected = new Map<string, { names: Set<string>; until: number }>();
  const queue = new WorkQueue(context.clock, (key) => reconcile(key));
  jobs.onChange(({ type, object }) => {
    queue.add(keyOf(object));
    if (type === 'delete') for (const pod of pods.byIndex('controller', object.metadata.uid!)) letGo(pod);
  });
  pods.onChange(({ object }) => {
    const owner = controllerOf(object.metadata.ownerReferences);
    if (owner?.kind === 'Job') {
      const key = `${object.metadata.namespace}/${owner.name}`;
      expected.get(key)?.names.delete(`+${object.metadata.name}`);
      queue.add(key);
      const job = jobs.get(object.metadata.namespace!, owner.name);
      if (job?.metadata.uid !== owner.uid) letGo(object);
    } else letGo(object);
  });
  /** Nobody counts a pod without a Job any more. */
  function letGo(pod: KubeObject): void {
    if (pod.metadata.finalizers?.includes(TRACKING)) void release(pod).catch(() => {});
  }

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const job = jobs.get(namespace, name);
    if (!job) {
      expected.delete(key);
      return;
    }
    if (isFinished(job)) return afterwards(job);
    const own = await claimPods(context, job);
    const state = new JobState(job, own);
    const waiting = expected.get(key);
    const settled = !waiting || waiting.names.size === 0 || waiting.until < context.clock.now();
    const verdict = judge(state);
    let active = state.active.length;
    if (job.metadata.deletionTimestamp) active = state.active.length;
    else if (verdict || job.spec.suspend) active = await stopAll(job, state);
    else if (settled) active = await scale(job, state);
    await writeStatus(job, state, active, verdict);
  }

  /** Whether the Job is over, and how. */
  function judge(state: JobState): { type: 'Complete' | 'Failed'; reason: string; message: string } | undefined {
    const { job } = state;
    const { completions, backoffLimit = 6, activeDeadlineSeconds } = job.spec;
    if (state.failed > backoffLimit) {
      return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
    }
    const startedAt = Date.parse(job.status?.startTime ?? '');
    if (activeDeadlineSeconds !== undefined && !job.spec.suspend && Number.isFinite(startedAt)) {
      const leftMs = startedAt + activeDeadlineSeconds * 1_000 - context.clock.now();
      if (leftMs <= 0) {
        const message = 'Job was active longer than specified deadline';
        return { type: 'Failed', reason: 'DeadlineExceeded', message };
      }
      queue.addAfter(keyOf(job), leftMs);
    }
    const enough =
      completions === undefined
        ? // Work queue: one success ends it, once the others have ended.
          state.succeeded > 0 && state.active.length === 0
        : state.succeeded >= completions;
    return enough
      ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
      : undefined;
  }

  async function stopAll(job: KubeObject, state: JobState): Promise<number> {
    await Promise.all(state.active.map((pod) => removePod(job, pod)));
    return 0;
  }

  async function scale(job: KubeObject, state: JobState): Promise<number> {
    const { parallelism = 1, completions } = job.spec;
    const left =
      completions === undefined
        ? state.succeeded > 0
          ? state.active.length
          : parallelism
        : completions - state.succeeded;
    const wanted = Math.max(0, Math.min(parallelism, left));
    const { active } = state;
    if (active.length > wanted) {
      const spare = [...active]
        .sort((a, b) => Number(isReady(a)) - Number(isReady(b)))
        .slice(0, active.length - wanted);
      await Promise.all(spare.map((pod) => removePod(job, pod)));
      return wanted;
    }
    // A pod that is still going holds its place until it is gone, or failed at the latest.
    const terminating = job.spec.podReplacementPolicy === 'Failed' ? state.terminating.length : 0;
    const missing = wanted - active.length - terminating;
    if (missing <= 0) return active.length;
    const waitMs = state.backoffLeftMs(context.clock.now());
    if (waitMs > 0) {
      queue.addAfter(keyOf(job), waitMs);
      return active.length;
    }
    const names = new Set<string>();
    expected.set(keyOf(job), { names, until: context.clock.now() + EXPECTATION_MS });
    const isIndexed = job.spec.completionMode === 'Indexed';
    const indexes = isIndexed
      ? nextIndexes(job, state.pods, missing)
      : Array.from({ length: missing }, () => undefined);
    await Promise.all(indexes.map((index) => createPod(context, job, 'Job', names, (pod) => shape(job, pod, index))));
    return active.length + indexes.length;
  }

  async function removePod(job: KubeObject, pod: KubeObject): Promise<void> {
    await context.remove('pods', pod);
    context.event(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`, COMPONENT);
  }

  /** Counts what ended, writes it, then lets the counted pods go: in this order nothing is counted twice. */
  async function writeStatus(
    job: KubeObject,
    state: JobState,
    active: number,
    verdict: ReturnType<typeof judge>,
  ): Promise<void> {
    const at = context.now();
    const before = (job.status?.conditions ?? []) as Condition[];
    const conditions = [...before];
    const set = (type: string, status: 'True' | 'False', reason: string, message: string) => {
      const index = conditions.findIndex((condition) => condition.type === type);
      const old = conditions[index];
      if (old?.status === status && old.reason === reason) return false;
      const made = { type, status, lastProbeTime: at, lastTransitionTime: at, reason, message };
      if (index >= 0) conditions[index] = made;
      else conditions.push(made);
      return true;
    };
    const { spec } = job;
    if (spec.suspend && !verdict) {
      if (set('Suspended', 'True', 'JobSuspended', 'Job suspended'))
        context.event(job, 'Normal', 'Suspended', 'Job suspended', COMPONENT);
    } else if (before.some(({ type, status }) => type === 'Suspended' && status === 'True')) {
      set('Suspended', 'False', 'JobResumed', 'Job resumed');
      context.event(job, 'Normal', 'Resumed', 'Job resumed', COMPONENT);
    }
    // The end is told when the last pod has stopped and was counted.
    const isOver =
      verdict !== undefined && [state.active, state.terminating, state.uncounted].every(({ length }) => length === 0);
    if (verdict) {
      set(
        verdict.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget',
        'True',
        verdict.reason,
        verdict.message,
      );
      if (isOver) set(verdict.type, 'True', verdict.reason, verdict.message);
    }
    const startTime = spec.suspend && !verdict ? undefined : (job.status?.startTime ?? at);
    const ready = state.active.filter(isReady).length;
    const status = {
      ...(active ? { active } : {}),
      ...(conditions.length > 0 ? { conditions } : {}),
      ...(isOver && verdict?.type === 'Complete' ? { completionTime: at } : {}),
      ...(spec.completionMode === 'Indexed' ? { completedIndexes: completedIndexes(job, state.pods) } : {}),
      ...(state.failed ? { failed: state.failed } : {}),
      ready: isOver ? 0 : ready,
      ...(startTime ? { startTime } : {}),
      ...(state.succeeded ? { succeeded: state.succeeded } : {}),
      terminating: state.terminating.length,
      uncountedTerminatedPods: state.uncountedUids(),
    };
    const written = await context.putStatus('jobs', job, withoutEmpty(status));
    if (written !== job && isOver && verdict) {
      const isGood = verdict.type === 'Complete';
      context.event(
        job,
        isGood ? 'Normal' : 'Warning',
        isGood ? 'Completed' : verdict.reason,
        isGood ? 'Job completed' : verdict.message,
        COMPONENT,
      );
    }
    await Promise.all(state.uncounted.map((pod) => release(pod)));
  }

  async function release(pod: KubeObject): Promise<void> {
    const left = (pod.metadata.finalizers ?? []).filter((finalizer) => finalizer !== TRACKING);
    await context.client
      .patch(
        context.target('pods', pod.metadata.namespace),
        pod.metadata.name!,
        'merge',
        { metadata: { finalizers: left.length > 0 ? left : null } },
        { fieldManager: MANAGER },
      )
      .catch(ignoreGone);
  }

  /** A finished Job goes by itself when it has a time to live. */
  async function afterwards(job: KubeObject): Promise<void> {
    for (const pod of pods.byIndex('controller', job.metadata.uid!))
      if (pod.metadata.finalizers?.includes(TRACKING) && isTerminal(pod)) await release(pod);
    const { ttlSecondsAfterFinished } = job.spec;
    if (ttlSecondsAfterFinished === undefined || job.metadata.deletionTimestamp) return;
    const end = conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed');
    const leftMs = Date.parse(end?.lastTransitionTime ?? '') + ttlSecondsAfterFinished * 1_000 - context.clock.now();
    if (leftMs > 0) queue.addAfter(keyOf(job), leftMs);
    else
      await context.client
        .delete(context.target('jobs', job.metadata.namespace), job.metadata.name!, {
          propagationPolicy: 'Foreground',
          preconditions: { uid: job.metadata.uid! },
        })
        .catch(ignoreGone);
  }
  return queue;
}

export const isFinished = (job: KubeObject): boolean =>
  conditionOf(job, 'Complete')?.status === 'True' || conditionOf(job, 'Failed')?.status === 'True';

const isTerminal = (pod: KubeObject): boolean => ['Succeeded', 'Failed'].includes(pod.status?.phase);

/** What a Job's pods amount to, with what was counted before. */
class JobState {
  readonly job: KubeObject;
  readonly pods: KubeObject[];
  readonly active: KubeObject[];
  readonly terminating: KubeObject[];
  readonly succeeded: number;
  readonly failed: number;
  /** Ended pods that still carry the finalizer: in the status with their uid until it is off. */
  readonly uncounted: KubeObject[];

  constructor(job: KubeObject, pods: KubeObject[]) {
    this.job = job;
    this.pods = pods;
    const tracked = pods.filter((pod) => pod.metadata.finalizers?.includes(TRACKING));
    const counted = (job.status?.uncountedTerminatedPods ?? {}) as { succeeded?: string[]; failed?: string[] };
    const known = new Set([...(counted.succeeded ?? []), ...(counted.failed ?? [])]);
    this.uncounted = tracked.filter(isTerminal);
    const fresh = this.uncounted.filter((pod) => !known.has(pod.metadata.uid!));
    const good = fresh.filter((pod) => pod.status.phase === 'Succeeded').length;
    this.succeeded = (job.status?.succeeded ?? 0) + good;
    this.failed = (job.status?.failed ?? 0) + fresh.length - good;
    this.active = pods.filter((pod) => !isTerminal(pod) && !pod.metadata.deletionTimestamp);
    this.terminating = pods.filter((pod) => !isTerminal(pod) && pod.metadata.deletionTimestamp);
  }

  uncountedUids(): { succeeded?: string[]; failed?: string[] } {
    const uids = (isGood: boolean) =>
      this.uncounted.filter((pod) => (pod.status.phase === 'Succeeded') === isGood).map((pod) => pod.metadata.uid!);
    const [succeeded, failed] = [uids(true), uids(false)];
    return {
      ...(succeeded.length > 0 ? { succeeded } : {}),
      ...(failed.length > 0 ? { failed } : {}),
    };
  }

  /** How long to wait before the next pod: doubling with every failure in a row. */
  backoffLeftMs(now: number): number {
    const ends = this.pods
      .filter(isTerminal)
      .map((pod) => ({ failed: pod.status.phase === 'Failed', at: finishedAt(pod) }))
      .sort((a, b) => b.at - a.at);
    const firstGood = ends.findIndex(({ failed }) => !failed);
    const inARow = firstGood < 0 ? ends.length : firstGood;
    if (inARow === 0) return 0;
    return ends[0]!.at + Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (inARow - 1)) - now;
  }
}

function finishedAt(pod: KubeObject): number {
  const times = ((pod.status?.containerStatuses ?? []) as KubeObject['status'][])
    .map((status) => Date.parse(status.state?.terminated?.finishedAt ?? ''))
    .filter(Number.isFinite);
  return times.length > 0 ? Math.max(...times) : Date.parse(pod.metadata.creationTimestamp ?? '');
}

const withoutEmpty = (status: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined));

/** A pod of a Job: kept until counted, with its index where the Job numbers its pods. */
function shape(job: KubeObject, pod: KubeObject, index: number | undefined): void {
  pod.metadata.finalizers = [TRACKING];
  if (index === undefined) return;
  const value = String(index);
  pod.metadata.generateName = `${job.metadata.name}-${index}-`;
  pod.metadata.annotations = { ...pod.metadata.annotations, [INDEX]: value };
  pod.metadata.labels = { ...pod.metadata.labels, [INDEX]: value };
  pod.spec.hostname = `${job.metadata.name}-${index}`;
  const variable = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${INDEX}']` } },
  };
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers])
    container.env = [...(container.env ?? []), variable];
}
