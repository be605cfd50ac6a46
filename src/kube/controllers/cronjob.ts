import { rfc3339 } from '#base/rfc3339.ts';
import { parseSchedule, type Schedule } from '#kube/api/cron.ts';
import { ownedBy } from '#kube/api/owner.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, conditionOf, controllerOf, ignoreGone, keyOf, MANAGER, splitKey } from './context.ts';
import { isFinished } from './job.ts';
import { WorkQueue } from './queue.ts';

const COMPONENT = 'cronjob-controller';
const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
/** Timers are set a little late, so that a clock that is slightly behind does not run a job twice. */
const LATE_MS = 100;
/** More missed runs than this are taken for a wrong clock. */
const MOST_MISSED = 100;

/** Makes Jobs by the cluster's clock. Source: pkg/controller/cronjob. */
export function startCronJobs(context: ControllerContext): WorkQueue {
  const crons = context.informer('cronjobs');
  const jobs = context.informer('jobs');
  const queue = new WorkQueue(context.clock, (key) => reconcile(key));
  crons.onChange(({ object }) => queue.add(keyOf(object)));
  jobs.onChange(({ object }) => {
    const owner = controllerOf(object.metadata.ownerReferences);
    if (owner?.kind === 'CronJob') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const cron = crons.get(namespace, name);
    if (!cron || cron.metadata.deletionTimestamp) return;
    const own = jobs.byIndex('controller', cron.metadata.uid!);
    const status: Status = { ...cron.status };
    noteFinished(cron, own, status);
    await trim(cron, own, 'Complete', cron.spec.successfulJobsHistoryLimit ?? 3);
    await trim(cron, own, 'Failed', cron.spec.failedJobsHistoryLimit ?? 1);
    if (!cron.spec.suspend) await runDue(cron, own, status);
    await context.putStatus('cronjobs', cron, {
      ...(status.active?.length ? { active: status.active } : {}),
      ...(status.lastScheduleTime ? { lastScheduleTime: status.lastScheduleTime } : {}),
      ...(status.lastSuccessfulTime ? { lastSuccessfulTime: status.lastSuccessfulTime } : {}),
    });
  }

  /** Takes finished and vanished Jobs out of the list of active ones. */
  function noteFinished(cron: KubeObject, own: KubeObject[], status: Status): void {
    const active = (status.active ?? []).filter(({ uid }) => {
      const job = own.find(({ metadata }) => metadata.uid === uid);
      if (!job) {
        context.event(cron, 'Normal', 'MissingJob', `Active job went missing: ${uid}`, COMPONENT);
        return false;
      }
      if (!isFinished(job)) return true;
      const how = conditionOf(job, 'Complete')?.status === 'True' ? 'Complete' : 'Failed';
      const message = `Saw completed job: ${job.metadata.name}, condition: ${how}`;
      context.event(cron, 'Normal', 'SawCompletedJob', message, COMPONENT);
      return false;
    });
    status.active = active;
    for (const job of own) {
      const at = job.status?.completionTime;
      if (at && conditionOf(job, 'Complete') && (!status.lastSuccessfulTime || at > status.lastSuccessfulTime))
        status.lastSuccessfulTime = at;
    }
  }

  async function trim(cron: KubeObject, own: KubeObject[], how: 'Complete' | 'Failed', limit: number): Promise<void> {
    const done = own
      .filter((job) => conditionOf(job, how)?.status === 'True' && !job.metadata.deletionTimestamp)
      .sort((a, b) => String(a.status?.startTime ?? '').localeCompare(String(b.status?.startTime ?? '')));
    for (const job of done.slice(0, Math.max(0, done.length - limit))) await removeJob(cron, job);
  }

  async function removeJob(cron: KubeObject, job: KubeObject): Promise<void> {
    await context.client
      .delete(context.target('jobs', job.metadata.namespace), job.metadata.name!, {
        propagationPolicy: 'Background',
        preconditions: { uid: job.metadata.uid! },
      })
      .catch(ignoreGone);
    context.event(cron, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`, COMPONENT);
  }

  async function runDue(cron: KubeObject, own: KubeObject[], status: Status): Promise<void> {
    let schedule: Schedule;
    try {
      schedule = parseSchedule(cron.spec.schedule, cron.spec.timeZone ?? 'UTC');
    } catch (error) {
      context.event(
        cron,
        'Warning',
        'UnparseableSchedule',
        `unparseable schedule ${JSON.stringify(cron.spec.schedule)}: ${(error as Error).message}`,
        COMPONENT,
      );
      return;
    }
    const now = context.clock.now();
    const due = lastDue(cron, schedule, status.lastScheduleTime, now);
    const next = schedule.next(now);
    if (next !== undefined) queue.addAfter(keyOf(cron), next - now + LATE_MS);
    if (due === undefined) return;
    const { startingDeadlineSeconds, concurrencyPolicy } = cron.spec;
    if (startingDeadlineSeconds !== undefined && due + startingDeadlineSeconds * 1_000 < now) {
      context.event(
        cron,
        'Warning',
        'MissSchedule',
        `Missed scheduled time to start a job: ${new Date(due).toUTCString()}`,
        COMPONENT,
      );
      return;
    }
    const name = `${cron.metadata.name}-${Math.floor(due / 60_000)}`;
    if ((status.active ?? []).some((active) => active.name === name)) return;
    if (own.some(({ metadata }) => metadata.name === name)) {
      status.lastScheduleTime = rfc3339(due);
      return;
    }
    if (concurrencyPolicy === 'Forbid' && (status.active ?? []).length > 0) {
      context.event(
        cron,
        'Normal',
        'JobAlreadyActive',
        'Not starting job because prior execution is running and concurrency policy is Forbid',
        COMPONENT,
      );
      return;
    }
    if (concurrencyPolicy === 'Replace') {
      for (const { uid } of status.active ?? []) {
        const job = own.find(({ metadata }) => metadata.uid === uid);
        if (job) await removeJob(cron, job);
      }
      status.active = [];
    }
    const job = await createJob(cron, name, due);
    if (!job) return;
    status.active = [...(status.active ?? []), referenceTo(job)];
    status.lastScheduleTime = rfc3339(due);
  }

  async function createJob(cron: KubeObject, name: string, due: number): Promise<KubeObject | undefined> {
    const { namespace } = cron.metadata;
    const { jobTemplate } = cron.spec;
    const at = rfc3339(due);
    try {
      const made = await context.client.create(
        context.target('jobs', namespace),
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          metadata: {
            name,
            namespace: namespace!,
            ...(jobTemplate.metadata?.labels ? { labels: { ...jobTemplate.metadata.labels } } : {}),
            annotations: { ...jobTemplate.metadata?.annotations, [SCHEDULED_AT]: at },
            ownerReferences: [ownedBy(cron)],
          },
          spec: structuredClone(jobTemplate.spec),
        },
        { fieldManager: MANAGER },
      );
      context.event(cron, 'Normal', 'SuccessfulCreate', `Created job ${name}`, COMPONENT);
      return made;
    } catch (error) {
      if ((error as { reason?: string }).reason === 'AlreadyExists') return undefined;
      context.event(cron, 'Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`, COMPONENT);
      throw error;
    }
  }

  /** The latest scheduled instant that has passed and was not run; those between are skipped. */
  function lastDue(cron: KubeObject, schedule: Schedule, last: string | undefined, now: number): number | undefined {
    const { startingDeadlineSeconds } = cron.spec;
    let from = Date.parse(last ?? cron.metadata.creationTimestamp ?? '');
    if (startingDeadlineSeconds !== undefined) from = Math.max(from, now - startingDeadlineSeconds * 1_000);
    let due: number | undefined;
    let missed = 0;
    for (let at = schedule.next(from); at !== undefined && at <= now; at = schedule.next(at)) {
      due = at;
      missed++;
      if (missed > MOST_MISSED) {
        // Far behind: the last one before now is found from the near side.
        const near = schedule.next(Math.max(from, now - 24 * 3_600_000));
        for (let one = near; one !== undefined && one <= now; one = schedule.next(one)) due = one;
        context.event(
          cron,
          'Warning',
          'TooManyMissedTimes',
          `too many missed start times: ${missed}. Set or decrease .spec.startingDeadlineSeconds or check clock skew`,
          COMPONENT,
        );
        break;
      }
    }
    return due;
  }
  return queue;
}

interface Status {
  active?: { name: string; uid: string }[];
  lastScheduleTime?: string;
  lastSuccessfulTime?: string;
}

const referenceTo = (job: KubeObject) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  name: job.metadata.name!,
  namespace: job.metadata.namespace!,
  resourceVersion: job.metadata.resourceVersion,
  uid: job.metadata.uid!,
});
