import type { Message } from '#mesh/api/protobuf.ts';
import type { Sample } from '../promql/evaluate.ts';

/** Asks Prometheus. Rejects where that cannot answer. */
export type Ask = (query: string) => Promise<Sample[]>;

export interface Resource {
  namespace: string;
  type: string;
  name: string;
}
/** Fields that are empty travel as nothing. */
export const resourceFrom = ({ namespace = '', type = '', name = '' }: Message): Resource => ({
  namespace,
  type,
  name,
});

type Matchers = Record<string, string>;
export const POLICY_TYPES = ['server', 'serverauthorization', 'authorizationpolicy', 'httproute'];
const QUANTILES = ['0.5', '0.95', '0.99'] as const;
export type Quantile = (typeof QUANTILES)[number];

/** How metrics call a kind; `job` is taken by Prometheus itself. */
export const labelOf = (type: string): string => (type === 'job' ? 'k8s_job' : type);

const namespaceMatcher = ({ type, namespace }: Resource, label: string): Matchers =>
  type !== 'namespace' && namespace ? { [label]: namespace } : {};

/** Picks what a resource reported. */
export function matchersOf(resource: Resource): Matchers {
  const { type, name } = resource;
  const named: Record<string, Matchers> = {
    server: { srv_kind: 'server', srv_name: name },
    serverauthorization: { authz_kind: 'serverauthorization', authz_name: name },
    authorizationpolicy: { authz_kind: 'authorizationpolicy', authz_name: name },
    httproute: { route_name: name },
    service: {},
  };
  return { ...(name ? (named[type] ?? { [labelOf(type)]: name }) : {}), ...namespaceMatcher(resource, 'namespace') };
}

/** Picks what was sent to a resource. */
export const sentMatchersOf = (resource: Resource): Matchers =>
  resource.name
    ? { [`dst_${labelOf(resource.type)}`]: resource.name, ...namespaceMatcher(resource, 'dst_namespace') }
    : {};

/** The labels that tell resources of a type apart, the namespace first. */
export const groupingOf = (type: string, prefix = ''): string[] => [
  `${prefix}namespace`,
  ...(type === 'namespace' ? [] : [`${prefix}${labelOf(type)}`]),
];

/** `{a="b", c="d"}`, and whatever else is to be met. */
export function selectorOf(matchers: Matchers, ...others: string[]): string {
  const pairs = Object.entries(matchers).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `{${[...pairs, ...others].sort().join(', ')}}`;
}

/** Asks for three latencies of a histogram of buckets, in ms. */
export async function quantiles(
  ask: Ask,
  { metric, selector, window, by }: { metric: string; selector: string; window: string; by: string[] },
): Promise<[Quantile, Sample[]][]> {
  const inner = `sum(irate(${metric}${selector}[${window}])) by (${['le', ...by].join(', ')})`;
  return Promise.all(
    QUANTILES.map(async (q) => [q, await ask(`histogram_quantile(${q}, ${inner})`)] as [Quantile, Sample[]]),
  );
}

/** A value as counts are answered: whole, and nothing where there is no number. */
export const counted = ({ value }: Sample): number => (Number.isFinite(value) ? Math.max(0, Math.round(value)) : 0);

export const LATENCY_FIELDS: Record<Quantile, string> = {
  '0.5': 'latency_ms_p50',
  '0.95': 'latency_ms_p95',
  '0.99': 'latency_ms_p99',
};

/** Adds a count of responses to statistics, by its classification; `prefix` is `actual_` for single tries. */
export function addResponses(stats: Message, sample: Sample, prefix = ''): void {
  const field = { success: 'success_count', failure: 'failure_count' }[sample.labels['classification'] ?? ''];
  if (field) stats[prefix + field] = (stats[prefix + field] ?? 0) + counted(sample);
}
