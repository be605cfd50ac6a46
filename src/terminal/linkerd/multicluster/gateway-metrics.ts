import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { CLUSTER_NAME, EXTENSION, NAMESPACES } from '#mesh/multicluster/labels.ts';
import { fetchMetrics } from '../metrics-fetch.ts';
import type { Invocation } from '../verb.ts';
import { parseMetrics, type Series } from '../viz/samples.ts';

/** What the working replica of a link's controller counted. */
export interface GatewayMetrics {
  cluster: string;
  series?: Series[];
  error?: string;
}

export async function extensionNamespace(client: KubeClient): Promise<KubeObject | undefined> {
  const { items } = await client.list(NAMESPACES, { labelSelector: EXTENSION });
  return items.find(({ metadata }) => metadata.labels?.[EXTENSION] === 'multicluster');
}

export const NO_EXTENSION = `namespace with label "${EXTENSION}: multicluster" not found`;

/** Reads the controllers that hold their link's lease; the others don't probe. */
export async function gatewayMetrics(
  invocation: Pick<Invocation, 'client' | 'clock' | 'context'>,
  pods: KubeObject[],
  leaders: ReadonlySet<string>,
): Promise<GatewayMetrics[]> {
  const working = pods.filter(({ metadata }) => leaders.has(metadata.name ?? ''));
  return Promise.all(
    working.map(async (pod) => {
      const cluster = pod.metadata.labels?.[CLUSTER_NAME] ?? '';
      const port = adminPortOf(pod);
      if (typeof port === 'string') return { cluster, error: port };
      try {
        return { cluster, series: [...parseMetrics(await fetchMetrics(invocation, pod, port)).values()] };
      } catch (error) {
        return { cluster, error: (error as Error).message };
      }
    }),
  );
}

/** The port of the controller's metrics, or why there is none. */
function adminPortOf(pod: KubeObject): number | string {
  const { name } = pod.metadata;
  if (pod.status?.phase !== 'Running') return `pod not running: ${name}`;
  const container = (pod.spec?.containers ?? []).find((each: { name: string }) =>
    ['service-mirror', 'controller'].includes(each.name),
  );
  if (!container) return `pod ${name} did not have a 'service-mirror' nor a 'controller' container`;
  const port = (container.ports ?? []).find((each: { name?: string }) => each.name?.endsWith('admin'));
  return port?.containerPort ?? `no admin port found for container ${container.name}`;
}

/** The value of a gauge about a cluster. */
export const gauge = ({ series = [], cluster }: GatewayMetrics, name: string): number | undefined =>
  series.find((each) => each.name === name && each.labels['target_cluster_name'] === cluster)?.value;
