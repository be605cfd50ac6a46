import type { Message } from '#mesh/api/protobuf.ts';
import { resourceFrom } from '#mesh/viz/metrics-api/queries.ts';
import { AUTHZ } from '#mesh/viz/metrics-api/viz-api.ts';
import { Failure, type Invocation, type Verb } from '../verb.ts';
import { fixed, float32, goJson } from './go-text.ts';
import { resourceIn } from './kinds.ts';
import { answered } from './metrics-api.ts';
import { NAMESPACE, OUTPUT, SELECTOR, secondsIn, WINDOW, windowIn } from './stat-flags.ts';
import { podsIn, statsSource } from './stats-source.ts';
import { leftColumn, linedTable, rightColumn } from './tables.ts';

const COLUMNS = [
  leftColumn('ROUTE'),
  leftColumn('SERVER'),
  leftColumn('AUTHORIZATION'),
  ...['UNAUTHORIZED', 'SUCCESS', 'RPS', 'LATENCY_P50', 'LATENCY_P95', 'LATENCY_P99'].map(rightColumn),
];
const number = (value: unknown): number => Number(value ?? 0);

export const authz: Verb = {
  name: 'authz',
  summary: 'Display stats for authorizations for a resource',
  long: 'Display stats for authorizations for a resource.',
  usage: '[flags] resource',
  takes: { least: 1, most: Number.POSITIVE_INFINITY },
  flags: [NAMESPACE, WINDOW, OUTPUT, SELECTOR],
  async run(invocation) {
    const { flags, namespace, out } = invocation;
    const source = await statsSource(invocation, () => podsIn(invocation, placeOf(invocation)));
    const asked = windowIn(flags.values.get('time-window') ?? '');
    const request = { resource: resourceIn(namespace, argumentOf(invocation)), time_window: asked };
    request.resource['namespace'] ||= 'default';
    const { ok, error } = await answered('Authz', source.ask(AUTHZ, request));
    if (error) throw new Failure(`Authz API error: ${error.error ?? ''}`, { newline: false });
    const rows: string[][] = (ok?.stat_table?.pod_group?.rows ?? []).flatMap((row: Message) =>
      cellsOf(row, secondsIn(source.window ?? asked)),
    );
    const order = ([route = '', server = '', authorization = '']: string[]) => [server, route, authorization];
    rows.sort((a, b) => compare(order(a), order(b)));
    // Upstream ends JSON with no newline here.
    if (flags.values.get('output') === 'json') await out(goJson(rows.map(jsonRow), 2));
    else await out(linedTable(COLUMNS, rows));
    return 0;
  },
};

/** Word by word. */
export function compare(a: string[], b: string[]): number {
  const at = a.findIndex((each, i) => each !== b[i]);
  return at < 0 ? 0 : a[at]! < (b[at] ?? '') ? -1 : 1;
}

const argumentOf = ({ args }: Invocation): string => (args.length <= 2 ? args.join('/') : '');

/** Where the pods of the resource are; empty: in all namespaces. */
function placeOf(invocation: Invocation): string {
  const { type, name, namespace } = resourceFrom(resourceIn(invocation.namespace, argumentOf(invocation)));
  return type === 'namespace' ? name : namespace;
}

function cellsOf(
  { stats = {}, srv_stats: { srv = {}, route = {}, authz: by = {}, ...decided } = {} }: Message,
  seconds: number,
): string[][] {
  const [good, bad, denied] = [stats.success_count, stats.failure_count, decided.denied_count].map(number) as [
    number,
    number,
    number,
  ];
  const names = [
    route.name ?? '',
    srv.type === 'default' ? `default:${srv.name ?? ''}` : (srv.name ?? ''),
    by.type ? `${by.type}/${by.name ?? ''}` : '',
  ];
  if (good + bad + denied === 0) {
    // Of what nobody wrote down, only that is told which was used.
    return !by.type || by.type === 'default' ? [] : [[...names, '-', '-', '-', '-', '-', '-']];
  }
  const rate = (count: number) => `${fixed(count / seconds, 1)}rps`;
  return [
    [
      ...names,
      rate(denied),
      `${fixed(good + bad === 0 ? 0 : (good / (good + bad)) * 100, 2)}%`,
      rate(good + bad),
      ...['p50', 'p95', 'p99'].map((each) => `${number(stats[`latency_ms_${each}`])}ms`),
    ],
  ];
}

/** The cells of a row under their headers, numbers without their units, in alphabetical order; what is a dash is left out. */
function jsonRow(row: string[]): object {
  const fields = COLUMNS.flatMap(({ header }, i): [string, string | number][] => {
    const cell = row[i]!;
    const field = header.toLowerCase();
    if (cell === '-') return [];
    if (field.startsWith('latency_')) return [[field.replace('latency_', 'latency_ms_'), Number.parseInt(cell, 10)]];
    if (field === 'rps' || field === 'unauthorized') return [[field, float32(Number.parseFloat(cell))]];
    if (field === 'success') return [[field, float32(Math.fround(Number.parseFloat(cell)) / 100)]];
    return [[field, cell]];
  });
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}
