import type { Message } from '#mesh/api/protobuf.ts';
import { fixed, goJson } from './go-text.ts';
import { POLICY_TYPES, prefixOf, TABLE_TYPES } from './kinds.ts';
import { secondsIn } from './stat-flags.ts';
import { vizTable } from './tables.ts';

const number = (value: unknown): number => Number(value ?? 0);

interface Traffic {
  /** Shares are from 0 to 1, rates a second. */
  success: number;
  rps: number;
  latencies: number[];
  connections: number;
  readBytes: number;
  writeBytes: number;
}

/** A line of a table. */
export interface StatRow {
  type: string;
  namespace: string;
  name: string;
  meshed: string;
  status: string;
  /** Absent where nothing was asked. */
  traffic?: Traffic;
  /** Absent where nothing came to policy. */
  policy?: { unauthorized: number; server: string };
}

const share = (some: number, others: number): number => (some + others === 0 ? 0 : some / (some + others));

/** What is shown, by type, namespace and name; what has no proxy only with `unmeshed`. */
export function statRows(rows: Message[], { unmeshed }: { unmeshed: boolean }): StatRow[] {
  const shown = new Map<string, StatRow>();
  for (const row of rows) {
    const { type = '', namespace = '', name = '' } = row['resource'] ?? {};
    const ownsPods = type !== 'service' && !POLICY_TYPES.includes(type);
    if (ownsPods && !unmeshed && number(row['meshed_pod_count']) === 0) continue;
    shown.set(`${type}/${namespace}/${name}`, statRow(row, { type, namespace, name }));
  }
  const order = ({ type, namespace, name }: StatRow) => [TABLE_TYPES.indexOf(type), `${namespace}/${name}`] as const;
  return [...shown.values()]
    .filter(({ type }) => TABLE_TYPES.includes(type))
    .sort((a, b) => {
      const [[typeA, keyA], [typeB, keyB]] = [order(a), order(b)];
      return typeA - typeB || (keyA < keyB ? -1 : 1);
    });
}

function statRow(row: Message, resource: Pick<StatRow, 'type' | 'namespace' | 'name'>): StatRow {
  const { stats = {}, tcp_stats: tcp = {}, srv_stats: decided } = row;
  const seconds = secondsIn(row['time_window'] ?? '');
  const [good, bad] = [number(stats.success_count), number(stats.failure_count)];
  const pods = `${number(row['meshed_pod_count'])}/${number(row['running_pod_count'])}`;
  const busy = good + bad + number(stats.actual_success_count) + number(stats.actual_failure_count) > 0;
  return {
    ...resource,
    meshed: resource.type === 'service' ? '-' : pods,
    status: row['status'] ?? '',
    ...(busy
      ? {
          traffic: {
            success: share(good, bad),
            rps: (good + bad) / seconds,
            latencies: ['p50', 'p95', 'p99'].map((each) => number(stats[`latency_ms_${each}`])),
            connections: number(tcp.open_connections),
            readBytes: number(tcp.read_bytes_total) / seconds,
            writeBytes: number(tcp.write_bytes_total) / seconds,
          },
        }
      : {}),
    ...(decided
      ? {
          policy: {
            // Upstream has the share of what was denied here, and says that it is a rate.
            unauthorized: share(number(decided.denied_count), number(decided.allowed_count)),
            server: decided.srv?.name ?? '',
          },
        }
      : {}),
  };
}

const countsConnections = (type: string): boolean => type === 'server' || !POLICY_TYPES.includes(type);

/** A table a type, the types told apart by what is before the names where there are several. */
export function statTables(rows: StatRow[], options: { wide: boolean; namespaces: boolean }): string {
  const types = TABLE_TYPES.filter((type) => rows.some((row) => row.type === type));
  const named = rows.map((row) => ({ ...row, name: (types.length > 1 ? prefixOf(row.type) : '') + row.name }));
  // Names are as wide in all tables.
  const wideName = Math.max(...named.map(({ name }) => name.length));
  const widePlace = Math.max(...named.map(({ namespace }) => namespace.length));
  return types
    .map((type) => {
      const own = named.filter((row) => row.type === type);
      const columns = columnsOf(type, options.wide);
      const place = (text: string) => (options.namespaces ? [text.padEnd(widePlace)] : []);
      return vizTable(
        [...place('NAMESPACE'), 'NAME'.padEnd(wideName), ...columns.map(({ header }) => header)],
        own.map((row) => [...place(row.namespace), row.name.padEnd(wideName), ...columns.map(({ cell }) => cell(row))]),
        options.namespaces ? 2 : 1,
      );
    })
    .join('\n');
}

interface StatColumn {
  header: string;
  cell(row: StatRow): string;
}

function columnsOf(type: string, wide: boolean): StatColumn[] {
  const plain = (header: string, cell: (row: StatRow) => string): StatColumn => ({ header, cell });
  const busy = (header: string, cell: (traffic: Traffic) => string): StatColumn => ({
    header,
    cell: ({ traffic }) => (traffic ? cell(traffic) : '-'),
  });
  const connections = countsConnections(type);
  return [
    ...(type === 'pod' ? [plain('STATUS', ({ status }) => status)] : []),
    ...(type === 'httproute' ? [plain('SERVER', ({ policy }) => policy?.server ?? '')] : []),
    ...(POLICY_TYPES.includes(type) ? [] : [plain('MESHED', ({ meshed }) => meshed)]),
    ...(type === 'server' || type === 'httproute'
      ? [plain('UNAUTHORIZED', ({ policy }) => `${fixed(policy?.unauthorized ?? 0, 1)}rps`)]
      : []),
    busy('SUCCESS', ({ success }) => `${fixed(success * 100, 2)}%`),
    busy('RPS', ({ rps }) => `${fixed(rps, 1)}rps`),
    ...['P50', 'P95', 'P99'].map((each, i) => busy(`LATENCY_${each}`, ({ latencies }) => `${latencies[i]}ms`)),
    ...(connections ? [busy('TCP_CONN', (traffic) => String(traffic.connections))] : []),
    ...(connections && wide
      ? [
          busy('READ_BYTES/SEC', ({ readBytes }) => `${fixed(readBytes, 1)}B/s`),
          busy('WRITE_BYTES/SEC', ({ writeBytes }) => `${fixed(writeBytes, 1)}B/s`),
        ]
      : []),
  ];
}

/** The same as JSON, a list of all. */
export function statJson(rows: StatRow[]): string {
  const entries = rows.map(({ type, namespace, name, traffic, policy }) => ({
    namespace,
    kind: type,
    name,
    success: traffic?.success ?? null,
    rps: traffic?.rps ?? null,
    latency_ms_p50: traffic?.latencies[0] ?? null,
    latency_ms_p95: traffic?.latencies[1] ?? null,
    latency_ms_p99: traffic?.latencies[2] ?? null,
    ...(traffic && countsConnections(type)
      ? {
          tcp_open_connections: traffic.connections,
          tcp_read_bytes_rate: traffic.readBytes,
          tcp_write_bytes_rate: traffic.writeBytes,
        }
      : {}),
    ...(type === 'server' && policy ? { unauthorized: policy.unauthorized } : {}),
  }));
  return `${goJson(entries, 2)}\n`;
}
