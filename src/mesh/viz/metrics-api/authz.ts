import type { Message } from '#mesh/api/protobuf.ts';
import { addResponses, counted, LATENCY_FIELDS, matchersOf, quantiles, resourceFrom, selectorOf } from './queries.ts';
import type { SummaryAsking } from './stat-summary.ts';

const BY = ['route_kind', 'route_name', 'authz_kind', 'authz_name', 'srv_kind', 'srv_name'];

/** What was let through by whom, and what was turned away, at one resource (viz/metrics-api/authz.go). */
export async function authz({ ask }: SummaryAsking, request: Message): Promise<Message> {
  const { resource, time_window: window = '' } = request;
  if (!resource) return { error: { error: 'AuthzRequest missing resource' } };
  const matchers = matchersOf(resourceFrom(resource));
  const selector = selectorOf({ ...matchers, direction: 'inbound' });
  const rows = new Map<string, Message>();
  const rowOf = (labels: Record<string, string>): Message => {
    const key = BY.map((name) => labels[name] ?? '').join('\0');
    const known = rows.get(key);
    if (known) return known;
    const of = (prefix: string) => ({ type: labels[`${prefix}_kind`] ?? '', name: labels[`${prefix}_name`] ?? '' });
    const made = { resource, stats: {}, srv_stats: { srv: of('srv'), route: of('route'), authz: of('authz') } };
    rows.set(key, made);
    return made;
  };
  const increase = (metric: string, from: string, more = '') =>
    ask(`sum(increase(${metric}${from}[${window}])) by (${BY.join(', ')}${more})`);
  for (const sample of await increase('response_total', selector, ', classification, tls')) {
    addResponses(rowOf(sample.labels)['stats'], sample);
  }
  for (const [field, metric] of [
    ['allowed_count', 'inbound_http_authz_allow_total'],
    ['denied_count', 'inbound_http_authz_deny_total'],
  ] as const) {
    for (const sample of await increase(metric, selectorOf(matchers))) {
      rowOf(sample.labels)['srv_stats'][field] = counted(sample);
    }
  }
  const latencies = { metric: 'response_latency_ms_bucket', selector, window, by: BY };
  for (const [quantile, samples] of await quantiles(ask, latencies)) {
    for (const sample of samples) rowOf(sample.labels)['stats'][LATENCY_FIELDS[quantile]] = counted(sample);
  }
  return { ok: { stat_table: { pod_group: { rows: [...rows.values()] } } } };
}
