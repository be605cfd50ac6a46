import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { GrpcError, INTERNAL, NOT_FOUND } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { podStatus } from '#mesh/check/pod-status.ts';
import { objectsOf, podsOf } from '../workloads.ts';
import { policyTable } from './policy-stats.ts';
import {
  type Ask,
  addResponses,
  counted,
  groupingOf,
  LATENCY_FIELDS,
  matchersOf,
  POLICY_TYPES,
  quantiles,
  type Resource,
  resourceFrom,
  selectorOf,
  sentMatchersOf,
} from './queries.ts';
import type { Asking } from './top-routes.ts';

/** What `all` stands for. */
const ALL = [
  'daemonset',
  'statefulset',
  'job',
  'deployment',
  'replicationcontroller',
  'pod',
  'service',
  'cronjob',
  'replicaset',
];

export interface SummaryAsking extends Asking {
  controlPlane: string;
}

/** Counts of what was asked for, a table a type (viz/metrics-api/stat_summary.go). */
export async function statSummary(asking: SummaryAsking, request: Message): Promise<Message> {
  const { selector = {}, to_resource: to, from_resource: from } = request;
  const error = (text: string): Message => ({ error: { resource: selector['resource'], error: text } });
  if (!selector['resource']) return error('StatSummary request missing Selector Resource');
  const resource = resourceFrom(selector['resource']);
  const isPolicy = (message: Message | undefined) =>
    message !== undefined && POLICY_TYPES.includes(message['type'] ?? '');
  if (from?.type === 'service')
    return error("service is not supported as a target on 'from' queries, or as a target with 'to' queries");
  for (const [word, other] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (other && (isPolicy(selector['resource']) || isPolicy(other)))
      return error(`'${word}' queries are not supported with policy resources, as they have inbound metrics only`);
  }
  if ((to ?? from)?.type === 'all') return error("resource type 'all' is not supported as a filter");
  const types = resource.type === 'all' ? ALL : [resource.type];
  const tables = await Promise.all(
    types.map((type) => {
      const own = { ...request, selector: { ...selector, resource: { ...resource, type } } };
      if (type === 'service') return serviceTable(asking, own);
      return POLICY_TYPES.includes(type) ? policyTable(asking, own) : workloadTable(asking, own);
    }),
  );
  return { ok: { stat_tables: tables.map((rows) => ({ pod_group: { rows } })) } };
}

export interface Counts {
  stats: Map<string, Message>;
  tcp: Map<string, Message>;
}

export const keyOf = (namespace = '', name = ''): string => `${namespace}/${name}`;

/** Asks for responses, latencies and connections, by the last two labels of `by`. */
export async function countsBy(
  ask: Ask,
  {
    selector,
    tcpSelector,
    window,
    by,
    tcp,
  }: { selector: string; tcpSelector: string; window: string; by: string[]; tcp: boolean },
): Promise<Counts> {
  const found: Counts = { stats: new Map(), tcp: new Map() };
  const [name = '', namespace = ''] = [...by].reverse();
  const of = (map: Map<string, Message>, labels: Record<string, string>): Message => {
    const key = keyOf(namespace ? labels[namespace] : '', labels[name]);
    const known = map.get(key);
    if (known) return known;
    const made: Message = {};
    map.set(key, made);
    return made;
  };
  const grouping = by.join(', ');
  const responses = ask(`sum(increase(response_total${selector}[${window}])) by (${grouping}, classification, tls)`);
  for (const sample of await responses) addResponses(of(found.stats, sample.labels), sample);
  const latencies = { metric: 'response_latency_ms_bucket', selector, window, by };
  for (const [quantile, samples] of await quantiles(ask, latencies)) {
    for (const sample of samples) of(found.stats, sample.labels)[LATENCY_FIELDS[quantile]] = counted(sample);
  }
  if (!tcp) return found;
  const queries = {
    open_connections: `sum(tcp_open_connections${selector}) by (${grouping})`,
    read_bytes_total: `sum(increase(tcp_read_bytes_total${tcpSelector}[${window}])) by (${grouping})`,
    write_bytes_total: `sum(increase(tcp_write_bytes_total${tcpSelector}[${window}])) by (${grouping})`,
  };
  for (const [field, text] of Object.entries(queries)) {
    for (const sample of await ask(text)) of(found.tcp, sample.labels)[field] = counted(sample);
  }
  return found;
}

async function workloadTable(asking: SummaryAsking, request: Message): Promise<Message[]> {
  const { client, ask, controlPlane } = asking;
  const { selector, time_window: window = '', to_resource: to, from_resource: from } = request;
  const resource = resourceFrom(selector.resource);
  const wanted = { ...resource, selector: selector.label_selector ?? '' };
  const objects = await objectsOf(client, wanted);
  const pods = await Promise.all(objects.map((object) => podsOf(client, wanted, [object])));
  let matchers: Record<string, string>;
  if (to) matchers = { ...sentMatchersOf(resourceFrom(to)), ...matchersOf(resource), direction: 'outbound' };
  else if (from) matchers = { ...matchersOf(resourceFrom(from)), ...sentMatchersOf(resource), direction: 'outbound' };
  else matchers = { ...matchersOf(resource), direction: 'inbound' };
  const counts = request['skip_stats']
    ? undefined
    : await countsBy(ask, {
        selector: selectorOf(matchers),
        tcpSelector: selectorOf({ ...matchers, peer: to || from ? 'dst' : 'src' }),
        window,
        by: groupingOf(resource.type, from ? 'dst_' : ''),
        tcp: request['tcp_stats'] === true,
      });
  return objects.flatMap((object, index) => {
    const { name = '', namespace = '' } = object.metadata;
    // A namespace's own counts have no name but its namespace.
    const key = resource.type === 'namespace' ? keyOf('', name) : keyOf(namespace, name);
    const stats = counts?.stats.get(key);
    if ((to || from) && !stats) return [];
    return [
      {
        resource: { name, namespace, type: resource.type },
        time_window: window,
        ...(stats && Object.keys(stats).length > 0 ? { stats } : {}),
        ...(counts?.tcp.has(key) ? { tcp_stats: counts.tcp.get(key) } : {}),
        ...podCounts(object, resource, pods[index]!, controlPlane),
      },
    ];
  });
}

function podCounts(object: KubeObject, { type }: Resource, pods: KubeObject[], controlPlane: string): Message {
  const alive = pods.filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded');
  const meshed = alive.filter(({ metadata }) => metadata.labels?.['linkerd.io/control-plane-ns'] === controlPlane);
  const errors = pods.flatMap((pod) => {
    const found = containerErrors(pod);
    return found.length > 0 ? [{ key: pod.metadata.name, value: { errors: found } }] : [];
  });
  return {
    ...(type === 'pod' ? { status: podStatus(object) } : {}),
    meshed_pod_count: meshed.length,
    running_pod_count: alive.length,
    failed_pod_count: pods.filter(({ status }) => status?.phase === 'Failed').length,
    errors_by_pod: errors,
  };
}

/** Why containers of a pod are not ready, or why they ended before. */
function containerErrors({ status }: KubeObject): Message[] {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return all.flatMap(({ name, image, ready, state = {}, lastState = {} }) => {
    if (ready) return [];
    const failed = state.terminated?.exitCode || state.terminated?.signal ? state.terminated : undefined;
    return [state.waiting, failed, lastState.waiting, lastState.terminated].flatMap((each) =>
      each ? [{ container: { container: name, image, reason: each.reason ?? '', message: each.message ?? '' } }] : [],
    );
  });
}

/** Services are counted by those who send to them. */
async function serviceTable({ client, ask, clusterDomain }: SummaryAsking, request: Message): Promise<Message[]> {
  const { selector, time_window: window = '', to_resource: to, from_resource: from } = request;
  const { type, name, namespace } = resourceFrom(selector.resource);
  const matchers = {
    direction: 'outbound',
    ...(to ? sentMatchersOf(resourceFrom(to)) : {}),
    ...(from ? matchersOf(resourceFrom(from)) : {}),
  };
  const authority = `authority=~${JSON.stringify(`^${name || '.+'}.${namespace}.svc.${clusterDomain}.*`)}`;
  const counts = request['skip_stats']
    ? undefined
    : await countsBy(ask, {
        selector: selectorOf(matchers, authority),
        tcpSelector: selectorOf({ ...matchers, peer: 'dst' }, authority),
        window,
        by: ['dst_namespace', 'dst_service'],
        tcp: request['tcp_stats'] === true,
      });
  const rows = [...(counts?.stats ?? [])].map(([key, stats]): Message => {
    const [place = '', leaf = ''] = key.split('/');
    const tcp = counts?.tcp.get(key);
    return {
      resource: { name: name || leaf, namespace: place, type },
      time_window: window,
      stats,
      ...(tcp ? { tcp_stats: tcp } : {}),
      leaf,
    };
  });
  for (const { authority: to, weight } of await splitOf(
    client,
    `${name}.${namespace}.svc.${clusterDomain}`,
    namespace,
  )) {
    const leaf = to.split('.')[2] === 'svc' ? to.split('.')[0]! : to;
    let row = rows.find((each) => each['leaf'] === leaf);
    if (!row) {
      row = { resource: { name, namespace, type }, time_window: window };
      rows.push(row);
    }
    row['ts_stats'] = { apex: name, leaf, weight: String(weight) };
  }
  return rows.map(({ leaf, ...row }) => row);
}

/** The split that a Service's profile makes. */
async function splitOf(client: Asking['client'], name: string, namespace: string) {
  const target = { group: 'linkerd.io', version: 'v1alpha2', resource: 'serviceprofiles', namespace };
  if (namespace === '') return [];
  try {
    const profile = await client.get(target, name);
    return (profile.spec?.dstOverrides ?? []) as { authority: string; weight: unknown }[];
  } catch (error) {
    if (error instanceof StatusError && error.code === 404) return [];
    throw error;
  }
}

/** What a failure to ask the API server is told as. */
export function grpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  const code = error instanceof StatusError && error.code === 404 ? NOT_FOUND : INTERNAL;
  return new GrpcError(code, (error as Error).message);
}
