import type { KubeObject } from '#kube/api/types.ts';
import { ageSince, durationText } from './age.ts';
import type { Cells } from './cells.ts';
import { selectorText } from './workloads.ts';

const containersOf = (spec: KubeObject['spec'], field: 'name' | 'image'): string =>
  (spec?.containers ?? []).map((container: Record<string, string>) => container[field]).join(',');

const has = (object: KubeObject, type: string): boolean =>
  (object.status?.conditions ?? []).some(
    (c: { type: string; status: string }) => c.type === type && c.status === 'True',
  );

function jobStatus(job: KubeObject): string {
  if (has(job, 'Complete')) return 'Complete';
  if (has(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp) return 'Terminating';
  if (has(job, 'Suspended')) return 'Suspended';
  if (has(job, 'FailureTarget')) return 'FailureTarget';
  if (has(job, 'SuccessCriteriaMet')) return 'SuccessCriteriaMet';
  return 'Running';
}

/** Rows of the batch group. */
export const batchCells: Record<string, Cells> = {
  'batch/jobs': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    const { parallelism = 1 } = spec;
    const done = status.succeeded ?? 0;
    const completions =
      spec.completions !== undefined
        ? `${done}/${spec.completions}`
        : parallelism > 1
          ? `${done}/1 of ${parallelism}`
          : `${done}/1`;
    const end = status.completionTime ? Date.parse(status.completionTime) : now;
    const duration = status.startTime ? durationText(end - Date.parse(status.startTime)) : '';
    const pod = spec.template?.spec;
    return [
      metadata.name,
      jobStatus(object),
      completions,
      duration,
      ageSince(metadata.creationTimestamp, now),
      containersOf(pod, 'name'),
      containersOf(pod, 'image'),
      selectorText(spec.selector),
    ];
  },
  'batch/cronjobs': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    const pod = spec.jobTemplate?.spec?.template?.spec;
    const last = status.lastScheduleTime ? durationText(now - Date.parse(status.lastScheduleTime)) : '<none>';
    return [
      metadata.name,
      spec.schedule,
      spec.timeZone ?? '<none>',
      spec.suspend ? 'True' : 'False',
      (status.active ?? []).length,
      last,
      ageSince(metadata.creationTimestamp, now),
      containersOf(pod, 'name'),
      containersOf(pod, 'image'),
      spec.jobTemplate?.spec?.selector ? selectorText(spec.jobTemplate.spec.selector) : '<none>',
    ];
  },
};
