import type { KubeClient } from '#kube/client/client.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { type Ask, counted, LATENCY_FIELDS, quantiles } from './queries.ts';

const BY = ['target_cluster_name'];

/** Whether the gateways of other clusters live, as the service mirrors here see it (viz/metrics-api/gateways.go). */
export async function gateways(client: KubeClient, ask: Ask, request: Message): Promise<Message> {
  const { remote_cluster_name: cluster, gateway_namespace: namespace, time_window: window = '' } = request;
  const matchers = [
    ...(cluster ? [`target_cluster_name=${JSON.stringify(cluster)}`] : []),
    ...(namespace ? [`gateway_namespace=${JSON.stringify(namespace)}`] : []),
  ];
  const selector = `{${matchers.join(', ')}}`;
  const rows = new Map<string, Message>();
  for (const sample of await ask(`sum(gateway_alive${selector}) by (${BY.join(', ')})`)) {
    const name = sample.labels['target_cluster_name'] ?? '';
    const labelSelector = `mirror.linkerd.io/mirrored-service,mirror.linkerd.io/cluster-name=${name}`;
    const { items } = await client.list({ group: '', version: 'v1', resource: 'services' }, { labelSelector });
    const paired = items.filter(({ metadata }) => metadata.labels?.['mirror.linkerd.io/mirrored-gateway'] !== 'true');
    rows.set(name, { cluster_name: name, alive: sample.value > 0, paired_services: paired.length });
  }
  const latencies = { metric: 'gateway_probe_latency_ms_bucket', selector, window, by: BY };
  for (const [quantile, samples] of await quantiles(ask, latencies)) {
    for (const sample of samples) {
      const row = rows.get(sample.labels['target_cluster_name'] ?? '');
      if (row) row[LATENCY_FIELDS[quantile]] = counted(sample);
    }
  }
  return { ok: { gateways_table: { rows: [...rows.values()] } } };
}
