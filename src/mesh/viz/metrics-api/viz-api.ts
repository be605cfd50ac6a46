import type { Method } from '#mesh/api/grpc.ts';
import { type MessageType, message } from '#mesh/api/protobuf.ts';

/** What the viz extension's metrics API is asked and answers (viz/metrics-api/proto/viz.proto). */

const empty = message({});
const resource = message({ namespace: [1, 'string'], type: [2, 'string'], name: [3, 'string'] });
const selection = message({ resource: [1, resource], label_selector: [2, 'string'] });
const resourceError = message({ resource: [1, resource], error: [2, 'string'] });
const duration = message({ seconds: [1, 'int64'], nanos: [2, 'uint32'] });

/** An answer that is either what was asked for, or an error about a resource. */
const answer = (ok: MessageType, [okNumber, errorNumber] = [1, 2]): MessageType =>
  message({ ok: [okNumber!, ok, 'oneof Response'], error: [errorNumber!, resourceError, 'oneof Response'] });

const basicStats = message({
  success_count: [1, 'int64'],
  failure_count: [2, 'int64'],
  latency_ms_p50: [3, 'int64'],
  latency_ms_p95: [4, 'int64'],
  latency_ms_p99: [5, 'int64'],
  actual_success_count: [6, 'int64'],
  actual_failure_count: [7, 'int64'],
});
const tcpStats = message({
  open_connections: [1, 'int64'],
  read_bytes_total: [2, 'int64'],
  write_bytes_total: [3, 'int64'],
});
const splitStats = message({ apex: [2, 'string'], leaf: [3, 'string'], weight: [4, 'string'] });
const serverStats = message({
  allowed_count: [1, 'int64'],
  denied_count: [2, 'int64'],
  srv: [3, resource],
  route: [4, resource],
  authz: [5, resource],
});
const containerError = message({
  message: [1, 'string'],
  container: [2, 'string'],
  image: [3, 'string'],
  reason: [4, 'string'],
});
const podErrors = message({ errors: [1, message({ container: [1, containerError, 'oneof Error'] }), 'repeated'] });
const statRow = message({
  resource: [1, resource],
  time_window: [2, 'string'],
  meshed_pod_count: [3, 'int64'],
  running_pod_count: [4, 'int64'],
  stats: [5, basicStats],
  failed_pod_count: [6, 'int64'],
  errors_by_pod: [7, message({ key: [1, 'string'], value: [2, podErrors] }), 'repeated'],
  tcp_stats: [8, tcpStats],
  status: [9, 'string'],
  ts_stats: [10, splitStats],
  srv_stats: [11, serverStats],
});
const statTable = message({ pod_group: [1, message({ rows: [1, statRow, 'repeated'] }), 'oneof Table'] });

const method = (name: string, request: MessageType, response: MessageType): Method => ({
  path: `/linkerd2.viz.Api/${name}`,
  request,
  response,
});

export const STAT_SUMMARY = method(
  'StatSummary',
  message({
    selector: [1, selection],
    time_window: [2, 'string'],
    none: [3, empty, 'oneof Outbound'],
    to_resource: [4, resource, 'oneof Outbound'],
    from_resource: [5, resource, 'oneof Outbound'],
    skip_stats: [6, 'bool'],
    tcp_stats: [7, 'bool'],
  }),
  answer(message({ stat_tables: [1, statTable, 'repeated'] })),
);

export const AUTHZ = method(
  'Authz',
  message({ resource: [1, resource], time_window: [2, 'string'] }),
  answer(message({ stat_table: [1, statTable] })),
);

const edge = message({
  src: [1, resource],
  dst: [2, resource],
  client_id: [3, 'string'],
  server_id: [4, 'string'],
  no_identity_msg: [5, 'string'],
});
export const EDGES = method(
  'Edges',
  message({ selector: [1, selection] }),
  answer(message({ edges: [1, edge, 'repeated'] })),
);

const routeRow = message({
  route: [1, 'string'],
  time_window: [2, 'string'],
  stats: [5, basicStats],
  authority: [6, 'string'],
});
const routeTable = message({ rows: [1, routeRow, 'repeated'], resource: [2, 'string'] });
export const TOP_ROUTES = method(
  'TopRoutes',
  message({
    selector: [1, selection],
    time_window: [2, 'string'],
    none: [3, empty, 'oneof Outbound'],
    to_resource: [7, resource, 'oneof Outbound'],
  }),
  answer(message({ routes: [1, routeTable, 'repeated'] }), [3, 2]),
);

const gatewayRow = message({
  namespace: [1, 'string'],
  name: [2, 'string'],
  cluster_name: [3, 'string'],
  paired_services: [4, 'int64'],
  alive: [5, 'bool'],
  latency_ms_p50: [6, 'int64'],
  latency_ms_p95: [7, 'int64'],
  latency_ms_p99: [8, 'int64'],
});
export const GATEWAYS = method(
  'Gateways',
  message({ remote_cluster_name: [1, 'string'], gateway_namespace: [2, 'string'], time_window: [3, 'string'] }),
  answer(message({ gateways_table: [1, message({ rows: [1, gatewayRow, 'repeated'] })] })),
);

const pod = message({
  name: [1, 'string'],
  podIP: [2, 'string'],
  deployment: [3, 'string', 'oneof Owner'],
  status: [4, 'string'],
  added: [5, 'bool'],
  sinceLastReport: [6, duration],
  controllerNamespace: [7, 'string'],
  controlPlane: [8, 'bool'],
  uptime: [9, duration],
  replica_set: [10, 'string', 'oneof Owner'],
  replication_controller: [11, 'string', 'oneof Owner'],
  stateful_set: [12, 'string', 'oneof Owner'],
  daemon_set: [13, 'string', 'oneof Owner'],
  job: [14, 'string', 'oneof Owner'],
  proxyReady: [15, 'bool'],
  proxyVersion: [16, 'string'],
  resourceVersion: [17, 'string'],
});
export const LIST_PODS = method(
  'ListPods',
  message({ selector: [2, selection] }),
  message({ pods: [1, pod, 'repeated'] }),
);

export const LIST_SERVICES = method(
  'ListServices',
  message({ namespace: [1, 'string'] }),
  message({ services: [1, message({ name: [1, 'string'], namespace: [2, 'string'] }), 'repeated'] }),
);

const checkResult = message({
  SubsystemName: [1, 'string'],
  CheckDescription: [2, 'string'],
  /** 0: OK, 1: FAIL, 2: ERROR. */
  Status: [3, 'uint32'],
  FriendlyMessageToUser: [4, 'string'],
});
export const SELF_CHECK = method('SelfCheck', message({}), message({ results: [1, checkResult, 'repeated'] }));
