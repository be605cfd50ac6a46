import { z } from 'zod';
import { defineCheck, failed, passed } from '../check.ts';
import { PODS } from '../probes/mesh.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  namespace: z.string().min(1).describe('Namespace of the pods.'),
  deployment: z.string().min(1).describe('Its pods are selected by the label `app`.'),
  atLeast: z.number().int().min(1).default(1).describe('How many ready pods there must be at any moment.'),
  maxRestarts: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Container restarts that are accepted, such as by failing probes.'),
});

/** Whether enough pods of a Deployment are Ready: the kubelet's probes get through, nobody was locked out. */
export const podsReady = defineCheck<z.infer<typeof params>>({
  name: 'pods-ready',
  summary: 'Whether at least so many pods of a Deployment are Ready, and none was restarted by a failing probe.',
  params,
  triggers: ({ namespace }) => [{ ...PODS, namespace }],
  async run({ namespace, deployment, atLeast, maxRestarts }, { client }) {
    const { items } = await client.list({ ...PODS, namespace }, { labelSelector: `app=${deployment}` });
    const pods = items.filter((pod) => !pod.metadata.deletionTimestamp);
    const notReady = pods.filter(
      (pod) =>
        !pod.status?.conditions?.some(
          (c: { type: string; status: string }) => c.type === 'Ready' && c.status === 'True',
        ),
    );
    const restarts = pods.reduce(
      (sum, pod) =>
        sum +
        (pod.status?.containerStatuses ?? []).reduce((n: number, c: { restartCount: number }) => n + c.restartCount, 0),
      0,
    );
    if (maxRestarts !== undefined && restarts > maxRestarts) {
      return failed(
        `A container of ${deployment} was restarted ${count(restarts, 'time')}: its liveness probe no longer gets through.`,
        [],
        ['restarted'],
      );
    }
    const ready = pods.length - notReady.length;
    if (ready < atLeast)
      return failed(`${ready} of ${count(pods.length, 'pod')} of ${deployment} ready.`, [], ['not ready']);
    if (notReady.length > 0)
      return failed(
        `${notReady[0]!.metadata.name} is not ready: its readiness probe does not get through.`,
        [],
        ['not ready'],
      );
    return passed(`${count(ready, 'pod')} of ${deployment} ready, the kubelet’s probes answered.`);
  },
});
