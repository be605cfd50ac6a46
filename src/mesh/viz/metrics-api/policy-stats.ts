import type { Message } from '#mesh/api/protobuf.ts';
import { counted, matchersOf, resourceFrom, selectorOf } from './queries.ts';
import { countsBy, keyOf, type SummaryAsking } from './stat-summary.ts';

const KINDS: Record<string, { version: string; resource: string; by: string[] }> = {
  server: { version: 'v1beta3', resource: 'servers', by: ['srv_kind', 'srv_name'] },
  serverauthorization: { version: 'v1beta1', resource: 'serverauthorizations', by: ['authz_kind', 'authz_name'] },
  authorizationpolicy: { version: 'v1alpha1', resource: 'authorizationpolicies', by: ['authz_kind', 'authz_name'] },
  httproute: { version: 'v1beta3', resource: 'httproutes', by: ['srv_name', 'route_name'] },
};

/** What policy let through and turned away, by the objects that say so (viz/metrics-api/policy.go). */
export async function policyTable({ client, ask }: SummaryAsking, request: Message): Promise<Message[]> {
  const { selector, time_window: window = '' } = request;
  const resource = resourceFrom(selector.resource);
  const { type, name, namespace } = resource;
  const { version, resource: plural, by: labels } = KINDS[type]!;
  const target = { group: 'policy.linkerd.io', version, resource: plural, ...(namespace ? { namespace } : {}) };
  const objects = name
    ? [await client.get(target, name)]
    : (await client.list(target, selector.label_selector ? { labelSelector: selector.label_selector } : {})).items;
  const matchers = matchersOf(resource);
  const by = [...labels.slice(0, -1), 'namespace', labels.at(-1)!];
  if (request['skip_stats']) return objects.map(({ metadata }) => rowOf(metadata.namespace, metadata.name));
  const inbound = { ...matchers, direction: 'inbound' };
  const counts = await countsBy(ask, {
    selector: selectorOf(inbound),
    tcpSelector: selectorOf({ ...inbound, peer: 'src' }),
    window,
    by,
    tcp: request['tcp_stats'] === true && type === 'server',
  });
  const decided = new Map<string, Message>();
  for (const [field, metric] of [
    ['allowed_count', 'inbound_http_authz_allow_total'],
    ['denied_count', 'inbound_http_authz_deny_total'],
  ] as const) {
    const query = `sum(increase(${metric}${selectorOf(matchers)}[${window}])) by (${by.join(', ')})`;
    for (const sample of await ask(query)) {
      const key = keyOf(sample.labels['namespace'], sample.labels[by.at(-1)!]);
      const known: Message = decided.get(key) ?? {
        srv: { type: sample.labels['srv_kind'], name: sample.labels['srv_name'] },
        route: { type: sample.labels['route_kind'], name: sample.labels['route_name'] },
        authz: { type: sample.labels['authz_kind'], name: sample.labels['authz_name'] },
      };
      known[field] = (known[field] ?? 0) + counted(sample);
      decided.set(key, known);
    }
  }
  function rowOf(place = '', own = ''): Message {
    const key = keyOf(place, own);
    const [stats, tcp, server] = [counts?.stats.get(key), counts?.tcp.get(key), decided?.get(key)];
    return {
      resource: { name: own, namespace: place, type },
      time_window: window,
      ...(stats ? { stats } : {}),
      ...(tcp ? { tcp_stats: tcp } : {}),
      ...(server ? { srv_stats: server } : {}),
    };
  }
  return objects.map(({ metadata }) => rowOf(metadata.namespace, metadata.name));
}
