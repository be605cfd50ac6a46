import { z } from 'zod';
import type { KubeObject } from '#kube/api/types.ts';
import { defineCheck, failed, passed, waiting } from '../check.ts';
import { PODS } from '../probes/mesh.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  namespace: z.string().min(1).describe('Namespace of the pods.'),
  except: z.array(z.string()).default([]).describe('Values of the label `app` of pods that may do without a proxy.'),
});

/** Whether every pod of a namespace carries a proxy that is ready. */
export const proxyInjected = defineCheck<z.infer<typeof params>>({
  name: 'proxy-injected',
  summary: 'Whether every pod of a namespace has a proxy, and is ready with it.',
  params,
  triggers: ({ namespace }) => [{ ...PODS, namespace }],
  async run({ namespace, except }, { client }) {
    const { items } = await client.list({ ...PODS, namespace });
    const pods = items.filter(
      (pod) => !pod.metadata.deletionTimestamp && !except.includes(pod.metadata.labels?.['app'] ?? ''),
    );
    if (pods.length === 0) return failed(`There is no pod in ${namespace}.`, [], ['no pods']);
    const bare = pods.filter((pod) => !hasProxy(pod));
    if (bare.length > 0) {
      const saw = bare.map((pod) => `no proxy: ${pod.metadata.labels?.['app'] ?? pod.metadata.name}`);
      return failed(
        `${count(bare.length, 'pod')} of ${pods.length} ${bare.length === 1 ? 'has' : 'have'} no proxy: ${names(bare)}.`,
        [],
        ['no proxy', ...saw],
      );
    }
    const unready = pods.filter((pod) => !isReady(pod));
    if (unready.length > 0) return waiting(`All have a proxy; not ready yet: ${names(unready)}.`, [], ['not ready']);
    return passed(`${count(pods.length, 'pod')} in ${namespace}, each with a proxy and ready.`);
  },
});

const hasProxy = (pod: KubeObject): boolean =>
  [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(
    (container: { name: string }) => container.name === 'linkerd-proxy',
  );

const isReady = (pod: KubeObject): boolean =>
  pod.status?.conditions?.some((c: { type: string; status: string }) => c.type === 'Ready' && c.status === 'True') ??
  false;

function names(pods: KubeObject[]): string {
  const shown = pods.slice(0, 3).map((pod) => pod.metadata.name);
  return pods.length > 3 ? `${shown.join(', ')} and ${pods.length - 3} more` : shown.join(', ');
}
