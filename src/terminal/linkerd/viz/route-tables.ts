import { parseGoDuration } from '#base/go-duration.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { fixed, goJson } from './go-text.ts';
import { vizTable } from './tables.ts';

const number = (value: unknown): number => Number(value ?? 0);

interface Row {
  route: string;
  service: string;
  success: number;
  rps: number;
  actualSuccess: number;
  actualRps: number;
  latencies: number[];
  isEmpty: boolean;
}

function rowOf({ route = '', authority = '', stats = {}, time_window: window }: Message): Row {
  const seconds = (parseGoDuration(window) ?? 0) / 1000;
  const of = (prefix: string) => {
    const good = number(stats[`${prefix}success_count`]);
    const total = good + number(stats[`${prefix}failure_count`]);
    return { share: total === 0 ? 0 : good / total, rate: seconds === 0 ? 0 : total / seconds, total };
  };
  const effective = of('');
  const actual = of('actual_');
  return {
    route,
    service: authority,
    success: effective.share,
    rps: effective.rate,
    actualSuccess: actual.share,
    actualRps: actual.rate,
    latencies: ['p50', 'p95', 'p99'].map((each) => number(stats[`latency_ms_${each}`])),
    isEmpty: effective.total + actual.total === 0,
  };
}

/** Rows by resource, both in order. */
function tablesOf(routes: Message[]): [string, Row[]][] {
  const order = (row: Row) => row.service + row.route;
  return routes
    .map(({ resource = '', rows = [] }): [string, Row[]] => [
      resource,
      rows.map(rowOf).sort((a: Row, b: Row) => (order(a) < order(b) ? -1 : 1)),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What `routes` prints; `actual` adds what retries made of it. */
export function routeTables(routes: Message[], actual: boolean): string {
  const header = [
    'ROUTE',
    'SERVICE',
    ...(actual ? ['EFFECTIVE_SUCCESS', 'EFFECTIVE_RPS', 'ACTUAL_SUCCESS', 'ACTUAL_RPS'] : ['SUCCESS', 'RPS']),
    'LATENCY_P50',
    'LATENCY_P95',
    'LATENCY_P99',
  ];
  const pair = (share: number, rate: number) => [`${fixed(share * 100, 2)}%`, `${fixed(rate, 1)}rps`];
  const cells = (row: Row): string[] => {
    if (row.isEmpty) return [row.route, row.service, ...header.slice(2).map(() => '-')];
    return [
      row.route,
      row.service,
      ...pair(row.success, row.rps),
      ...(actual ? pair(row.actualSuccess, row.actualRps) : []),
      ...row.latencies.map((each) => `${each}ms`),
    ];
  };
  const tables = tablesOf(routes);
  return tables
    .map(([resource, rows]) => {
      const title = tables.length > 1 ? `==> ${resource} <==\n` : '';
      return `${title}${vizTable(header, rows.map(cells))}\n`;
    })
    .join('');
}

/** The same as JSON, a list a resource. */
export function routesJson(routes: Message[], to: boolean): string {
  const entries: Record<string, object[]> = {};
  for (const [resource, rows] of tablesOf(routes)) {
    if (rows.length > 0) entries[resource] = rows.map((row) => jsonRow(row, to));
  }
  return `${goJson(entries, 2)}\n`;
}

const jsonRow = ({ route, service, success, rps, actualSuccess, actualRps, latencies }: Row, to: boolean): object => ({
  route,
  authority: service,
  ...(to
    ? { effective_success: success, effective_rps: rps, actual_success: actualSuccess, actual_rps: actualRps }
    : { success, rps }),
  latency_ms_p50: latencies[0],
  latency_ms_p95: latencies[1],
  latency_ms_p99: latencies[2],
});
