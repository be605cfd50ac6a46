import type { KubeObject } from '#kube/api/types.ts';

const INDEX = 'batch.kubernetes.io/job-completion-index';

const indexOf = (pod: KubeObject): number => Number(pod.metadata.annotations?.[INDEX] ?? -1);

/** Numbers out of `0,2-4`. */
function parseRanges(text: string | undefined): Set<number> {
  const out = new Set<number>();
  for (const part of (text ?? '').split(',').filter(Boolean)) {
    const [from = 0, to = from] = part.split('-').map(Number);
    for (let i = from; i <= to; i++) out.add(i);
  }
  return out;
}

function completed(job: KubeObject, pods: KubeObject[]): Set<number> {
  const done = parseRanges(job.status?.completedIndexes);
  for (const pod of pods) if (pod.status?.phase === 'Succeeded' && indexOf(pod) >= 0) done.add(indexOf(pod));
  return done;
}

/** The indexes that are done, as `0,2-4`. */
export function completedIndexes(job: KubeObject, pods: KubeObject[]): string {
  const sorted = [...completed(job, pods)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; i++) {
    const first = sorted[i]!;
    while (sorted[i + 1] === sorted[i]! + 1) i++;
    const last = sorted[i]!;
    if (last === first) parts.push(String(first));
    else parts.push(last === first + 1 ? `${first},${last}` : `${first}-${last}`);
  }
  return parts.join(',');
}

/** The lowest indexes that nobody works on. */
export function nextIndexes(job: KubeObject, pods: KubeObject[], count: number): number[] {
  const taken = completed(job, pods);
  for (const pod of pods)
    if (!['Succeeded', 'Failed'].includes(pod.status?.phase) && !pod.metadata.deletionTimestamp)
      taken.add(indexOf(pod));
  const out: number[] = [];
  for (let i = 0; i < (job.spec.completions ?? 0) && out.length < count; i++) if (!taken.has(i)) out.push(i);
  return out;
}
