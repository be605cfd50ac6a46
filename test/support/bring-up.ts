import type { StepEvent } from '#cluster/driver.ts';
import type { KubeClient } from '#kube/client/client.ts';

/** Where the time of a bring-up went, ms. */
export interface Breakdown {
  steps: [string, number][];
  total: number;
  /** Of kube-system, from the moment it (or its Deployment) was asked for until it was ready; Kubernetes keeps whole seconds. */
  slowestPod: { name: string; ms: number };
  /** Everything, against what can't be done without: kubeadm and the slowest pod's start. */
  ratio: number;
}

export async function breakdown(events: StepEvent[], admin: KubeClient): Promise<Breakdown> {
  const done = events.filter(({ state }) => state === 'done');
  const begun = (step: string) => events.find((event) => event.step === step && event.state === 'started')!.at;
  const steps = done.map(({ step, at }): [string, number] => [step, at - begun(step)]);
  const total = Math.max(...done.map(({ at }) => at)) - Math.min(...events.map(({ at }) => at));
  const lists = await Promise.all([
    admin.list({ group: '', version: 'v1', resource: 'pods', namespace: 'kube-system' }),
    admin.list({ group: 'apps', version: 'v1', resource: 'deployments', namespace: 'kube-system' }),
  ]);
  const pods = lists.flatMap(({ items }) =>
    items.map(({ metadata, status }) => {
      const conditions = (status?.['conditions'] ?? []) as {
        type: string;
        status: string;
        lastTransitionTime: string;
      }[];
      const ready = conditions.find(({ type, status: is }) => /^(Ready|Available)$/.test(type) && is === 'True');
      const ms = ready ? Date.parse(ready.lastTransitionTime) - Date.parse(metadata.creationTimestamp ?? '') : 0;
      return { name: metadata.name ?? '', ms };
    }),
  );
  const slowestPod = pods.sort((a, b) => b.ms - a.ms)[0] ?? { name: 'none', ms: 0 };
  const kubeadm = steps.find(([step]) => step === 'kubeadm')?.[1] ?? 0;
  return { steps, total, slowestPod, ratio: total / (kubeadm + slowestPod.ms) };
}

export const inWords = ({ steps, total, slowestPod, ratio }: Breakdown): string =>
  [
    ...steps.map(([step, ms]) => `${step} ${ms} ms`),
    `together ${total} ms`,
    `slowest pod ${slowestPod.name} ${slowestPod.ms} ms`,
    `${ratio.toFixed(2)} times kubeadm and that pod`,
  ].join(', ');
