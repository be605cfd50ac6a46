import { labelOf } from '#mesh/viz/metrics-api/queries.ts';
import type { Verb } from '../verb.ts';
import { compare } from './authz.ts';
import { fixed } from './go-text.ts';
import { openPrometheus } from './prometheus-source.ts';
import { LATENCIES, PROMETHEUS_FLAGS, percent, printStats, RESOURCE_WORDS, rate } from './prometheus-stats.ts';
import { leftColumn, rightColumn } from './tables.ts';

const COLUMNS = [
  ...['NAME', 'SERVER', 'ROUTE', 'TYPE'].map(leftColumn),
  ...['SUCCESS', 'RPS', 'LATENCY_P50', 'LATENCY_P95', 'LATENCY_P99'].map(rightColumn),
];
const BY = ['srv_name', 'srv_kind', 'route_name', 'route_kind'];
const INBOUND = { direction: 'inbound' };

interface Row {
  key: { name: string; server: string; port: string; route: string; routeType: string };
  successes: number;
  failures: number;
  latencies: [number, number, number];
}

export const statInbound: Verb = {
  name: 'stat-inbound',
  summary: 'Display inbound traffic stats about a resource',
  long: `Display inbound traffic stats about a resource.\n\n${RESOURCE_WORDS}`,
  usage: '[flags] (RESOURCE)',
  takes: { least: 1, most: Number.POSITIVE_INFINITY },
  flags: PROMETHEUS_FLAGS,
  async run(invocation) {
    const source = await openPrometheus(invocation);
    const label = labelOf(source.resource.type);
    const rows = new Map<string, Row>();
    const rowOf = (labels: Record<string, string>): Row => {
      const key = keyOf(labels, label);
      const id = Object.values(key).join('\0');
      const row = rows.get(id) ?? { key, successes: 0, failures: 0, latencies: [0, 0, 0] };
      rows.set(id, row);
      return row;
    };
    const counts = [...BY, 'classification', 'target_port'];
    for (const { labels, value } of await source.increase('response_total', INBOUND, counts)) {
      rowOf(labels)[labels['classification'] === 'success' ? 'successes' : 'failures'] += Math.trunc(value);
    }
    for (const [i, q] of LATENCIES.entries()) {
      const found = await source.quantile(q, 'response_latency_ms_bucket', INBOUND, [...BY, 'target_port']);
      for (const { labels, value } of found) rowOf(labels).latencies[i] = value;
    }
    const busy = [...rows.values()].filter(({ successes, failures }) => successes + failures > 0);
    busy.sort((a, b) => compare(orderOf(a), orderOf(b)));
    await printStats(invocation, source.window, busy, {
      columns: COLUMNS,
      cells: (row, seconds) => [cellsOf(row, seconds)],
      json: (row, seconds) => [jsonRow(row, seconds)],
    });
    return 0;
  },
};

const orderOf = ({ key }: Row): string[] => [key.name, `${key.server}:${key.port}`, key.routeType, key.route];

function keyOf(labels: Record<string, string>, label: string): Row['key'] {
  const { srv_name: server = '', srv_kind: kind, route_name: route = '', route_kind: routeType = '' } = labels;
  return {
    name: labels[label] ?? '',
    server: kind === 'default' ? '[default]' : server,
    port: labels['target_port'] ?? '',
    route: route === 'default' ? '[default]' : route,
    routeType: routeType === 'default' ? '' : routeType,
  };
}

const cellsOf = ({ key, successes, failures, latencies }: Row, seconds: number): string[] => [
  key.name,
  `${key.server}:${key.port}`,
  key.route,
  key.routeType,
  percent(successes, successes + failures),
  rate(successes + failures, seconds),
  ...latencies.map((each) => (Number.isNaN(each) ? '-' : `${fixed(each, 0)}ms`)),
];

const jsonRow = ({ key, successes, failures, latencies }: Row, seconds: number): object => ({
  ...key,
  successesRate: successes / (successes + failures),
  rps: (successes + failures) / seconds,
  // No number is null in JSON.
  latencyMsP50: latencies[0],
  latencyMsP95: latencies[1],
  latencyMsP99: latencies[2],
});
