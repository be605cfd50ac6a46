import { labelOf } from '#mesh/viz/metrics-api/queries.ts';
import type { Verb } from '../verb.ts';
import { compare } from './authz.ts';
import { fixed } from './go-text.ts';
import { openPrometheus, type PrometheusSource } from './prometheus-source.ts';
import { LATENCIES, PROMETHEUS_FLAGS, percent, printStats, RESOURCE_WORDS, rate } from './prometheus-stats.ts';
import { leftColumn, rightColumn } from './tables.ts';

const COLUMNS = [
  ...['NAME', 'SERVICE', 'ROUTE', 'TYPE', 'BACKEND'].map(leftColumn),
  ...['SUCCESS', 'RPS', 'LATENCY_P50', 'LATENCY_P95', 'LATENCY_P99', 'TIMEOUTS', 'RETRIES'].map(rightColumn),
];
const BY = ['parent_name', 'parent_port', 'route_name', 'route_kind'];
const BACKEND = ['backend_name', 'backend_port'];
const TIMEOUTS = ['RESPONSE_HEADERS_TIMEOUT', 'REQUEST_TIMEOUT'];

interface Counts {
  successes: number;
  failures: number;
  timeouts: number;
  latencies: [number, number, number];
}
interface Row extends Counts {
  key: { name: string; service: string; port: string; route: string; routeType: string };
  retries: number;
  backends: Map<string, Counts & { name: string; port: string }>;
}
const nothing = (): Counts => ({ successes: 0, failures: 0, timeouts: 0, latencies: [0, 0, 0] });

export const statOutbound: Verb = {
  name: 'stat-outbound',
  summary: 'Display outbound traffic stats about a resource',
  long: `Display outbound traffic stats about a resource.\n\n${RESOURCE_WORDS}`,
  usage: '[flags] (RESOURCE)',
  takes: { least: 1, most: Number.POSITIVE_INFINITY },
  flags: PROMETHEUS_FLAGS,
  async run(invocation) {
    const source = await openPrometheus(invocation);
    const rows = await rowsOf(source);
    const busy = [...rows.values()].filter((row) => total(row) > 0);
    busy.sort((a, b) => compare(Object.values(a.key), Object.values(b.key)));
    await printStats(invocation, source.window, busy, { columns: COLUMNS, cells: cellsOf, json: jsonRows });
    return 0;
  },
};

const total = ({ successes, failures }: Counts): number => successes + failures;

async function rowsOf(source: PrometheusSource): Promise<Map<string, Row>> {
  const label = labelOf(source.resource.type);
  const rows = new Map<string, Row>();
  const rowOf = (labels: Record<string, string>): Row => {
    const key = keyOf(labels, label);
    const id = Object.values(key).join('\0');
    const row = rows.get(id) ?? { key, ...nothing(), retries: 0, backends: new Map() };
    rows.set(id, row);
    return row;
  };
  const backendOf = (labels: Record<string, string>): Counts => {
    const { backends } = rowOf(labels);
    const { backend_name: name = '', backend_port: port = '' } = labels;
    const backend = backends.get(`${name}:${port}`) ?? { ...nothing(), name, port };
    backends.set(`${name}:${port}`, backend);
    return backend;
  };
  for (const protocol of ['http', 'grpc']) {
    const prefix = `outbound_${protocol}_route`;
    const status = `${protocol}_status`;
    const isFailure = (labels: Record<string, string>): boolean =>
      Boolean(labels['error']) ||
      (protocol === 'http' ? (labels[status] ?? '').startsWith('5') : labels[status] !== 'OK');
    const sides = [
      { of: backendOf, by: [...BY, ...BACKEND], counts: 'backend_response_statuses', times: 'backend_response' },
      { of: rowOf, by: BY, counts: 'request_statuses', times: 'request' },
    ];
    for (const { of, by, counts, times } of sides) {
      for (const { labels, value } of await source.increase(`${prefix}_${counts}_total`, {}, [
        ...by,
        status,
        'error',
      ])) {
        of(labels)[isFailure(labels) ? 'failures' : 'successes'] += Math.trunc(value);
        if (TIMEOUTS.includes(labels['error'] ?? '')) of(labels).timeouts += Math.trunc(value);
      }
      for (const [i, q] of LATENCIES.entries()) {
        for (const { labels, value } of await source.quantile(q, `${prefix}_${times}_duration_seconds_bucket`, {}, by))
          of(labels).latencies[i] = value * 1000;
      }
    }
    for (const { labels, value } of await source.increase(`${prefix}_retry_requests_total`, {}, BY))
      rowOf(labels).retries += Math.trunc(value);
  }
  return rows;
}

function keyOf(labels: Record<string, string>, label: string): Row['key'] {
  const { route_name: route = '', route_kind: routeType = '' } = labels;
  return {
    name: labels[label] ?? '',
    service: labels['parent_name'] ?? '',
    port: labels['parent_port'] ?? '',
    route: route === 'default' || routeType === 'default' ? '[default]' : route,
    routeType: routeType === 'default' ? '' : routeType,
  };
}

const backendsOf = ({ backends }: Row) => [...backends].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);

/** A line of the route, and one of each of its backends below it. */
function cellsOf(row: Row, seconds: number): string[][] {
  const { key, retries } = row;
  const counts = (each: Counts): string[] => [
    percent(each.successes, total(each)),
    rate(total(each), seconds),
    ...each.latencies.map((latency) => (Number.isNaN(latency) ? '-' : `${fixed(latency, 0)}ms`)),
    percent(each.timeouts, total(each)),
  ];
  const own = [key.name, `${key.service}:${key.port}`, key.route, key.routeType, ''];
  const backends = backendsOf(row);
  return [
    [...own, ...counts(row), percent(retries, total(row) + retries)],
    ...backends.map((backend, i) => [
      '',
      '',
      i === backends.length - 1 ? '└─' : '├─',
      '─►',
      `${backend.name}:${backend.port}`,
      ...counts(backend),
      '',
    ]),
  ];
}

function jsonRows(row: Row, seconds: number): object[] {
  const counts = (each: Counts): object => ({
    successRate: each.successes / total(each),
    rps: total(each) / seconds,
    // No number is null in JSON.
    latencyMsP50: each.latencies[0],
    latencyMsP95: each.latencies[1],
    latencyMsP99: each.latencies[2],
    timeoutRate: each.timeouts / total(each),
  });
  const { key, retries } = row;
  const busy = backendsOf(row).filter((each) => total(each) > 0);
  return [
    { ...key, ...counts(row), retryRate: retries / (total(row) + retries) },
    ...busy.map((each) => ({
      ...key,
      ...(each.name ? { backend: each.name } : {}),
      ...(each.port ? { backendPort: each.port } : {}),
      ...counts(each),
    })),
  ];
}
