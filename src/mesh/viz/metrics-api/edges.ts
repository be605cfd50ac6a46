import type { KubeObject } from '#kube/api/types.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { labelOf, resourceFrom } from './queries.ts';
import type { SummaryAsking } from './stat-summary.ts';

const REASONS: Record<string, string> = {
  disabled: 'Disabled',
  loopback: 'Loopback',
  no_authority_in_http_request: 'No Authority In HTTP Request',
  not_http: 'Not HTTP',
  not_provided_by_remote: 'Not Provided By Remote',
  not_provided_by_service_discovery: 'Not Provided By Service Discovery',
};

/** Who is connected to whom, and how safely (viz/metrics-api/edges.go). */
export async function edges({ client, ask }: SummaryAsking, request: Message): Promise<Message> {
  const { resource: given } = request['selector'] ?? {};
  if (!given) return { error: { error: 'Edges request missing Selector Resource' } };
  const { type, namespace } = resourceFrom(given);
  const label = labelOf(type);
  const selector = `{${[`${label}!=""`, 'direction="outbound"', `dst_${label}!=""`].sort().join(', ')}}`;
  const by = [label, `dst_${label}`, 'pod', 'server_id', 'namespace', 'dst_namespace', 'no_tls_reason'];
  const found = new Map<string, Message>();
  const pods = (await client.list({ group: '', version: 'v1', resource: 'pods' })).items;
  for (const { labels, value } of await ask(`sum(tcp_open_connections${selector}) by (${by.join(', ')})`)) {
    const { namespace: from = '', dst_namespace: to = '', pod: podName = '' } = labels;
    if (value === 0 || (namespace !== '' && namespace !== from && namespace !== to)) continue;
    const [src = '', dst = ''] = [labels[label], labels[`dst_${label}`]];
    const key = `${from}${to}${src}${dst}`;
    const pod = pods.find(({ metadata }) => metadata.name === podName && metadata.namespace === from);
    if (found.has(key) || !pod) continue;
    found.set(key, {
      src: { namespace: from, name: src, type: label },
      dst: { namespace: to, name: dst, type: label },
      client_id: identityOf(pod),
      server_id: labels['server_id'] ?? '',
      no_identity_msg: REASONS[labels['no_tls_reason'] ?? ''] ?? '',
    });
  }
  return { ok: { edges: [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, edge]) => edge) } };
}

/** Whom a pod's proxy shows to be; empty where it has none. */
function identityOf({ metadata, spec }: KubeObject): string {
  const controlPlane = metadata.labels?.['linkerd.io/control-plane-ns'];
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const env: { name: string; value?: string }[] =
    containers.find(({ name }: { name: string }) => name === 'linkerd-proxy')?.env ?? [];
  const domain = env.find(({ name }) => name === '_l5d_trustdomain')?.value;
  if (!controlPlane || !domain) return '';
  const account = spec?.serviceAccountName || 'default';
  return `${account}.${metadata.namespace}.serviceaccount.identity.${controlPlane}.${domain}`;
}
