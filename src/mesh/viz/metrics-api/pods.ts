import { parseLabelSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { proxyVersion } from '#mesh/check/pod-status.ts';
import { statusOf } from '#mesh/check/world.ts';
import { ownerLabel } from '#mesh/destination/addresses.ts';
import { type Ask, resourceFrom } from './queries.ts';

const OWNERS: Record<string, string> = {
  deployment: 'deployment',
  replicaset: 'replica_set',
  replicationcontroller: 'replication_controller',
  statefulset: 'stateful_set',
  daemonset: 'daemon_set',
  job: 'job',
};
const START = 'process_start_time_seconds';

/** Pods, and since when Prometheus hears of them (viz/metrics-api/grpc_server.go). */
export async function listPods(client: KubeClient, ask: Ask, now: number, request: Message): Promise<Message> {
  const { resource = {}, label_selector: labels } = request['selector'] ?? {};
  const { type, name, namespace: given } = resourceFrom(resource);
  const namespace = given || (type === 'namespace' ? name : '');
  const matcher = namespace ? `namespace="${namespace}"` : '';
  const heard = new Map<string, number>();
  for (const { labels: found, value } of await ask(`max(${START}{${matcher}}) by (pod, namespace)`)) {
    heard.set(found['pod'] ?? '', value);
  }
  const target = { group: '', version: 'v1', resource: 'pods', ...(namespace ? { namespace } : {}) };
  const selects = parseLabelSelector(labels ?? '');
  const pods = (await client.list(target)).items.filter((pod) => {
    const [kind, owner] = ownerOf(pod);
    return (
      selects(pod.metadata.labels) &&
      (given === '' || given === pod.metadata.namespace) &&
      (type === '' || type === 'namespace' || type === kind) &&
      (name === '' || type === 'namespace' || name === owner)
    );
  });
  return { pods: pods.map((pod) => podMessage(pod, heard.get(pod.metadata.name ?? ''), now)) };
}

function ownerOf(pod: KubeObject): [kind: string, name: string] {
  const [owner] = Object.entries(ownerLabel(pod));
  return owner ?? ['pod', pod.metadata.name ?? ''];
}

function podMessage(pod: KubeObject, startedSeconds: number | undefined, now: number): Message {
  const { metadata, status } = pod;
  const [kind, owner] = ownerOf(pod);
  const field = OWNERS[kind];
  const evicted = status?.reason === 'Evicted';
  return {
    name: `${metadata.namespace}/${metadata.name}`,
    status: evicted ? 'Evicted' : metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
    podIP: status?.podIP ?? '',
    controllerNamespace: metadata.labels?.['linkerd.io/control-plane-ns'] ?? '',
    controlPlane: metadata.labels?.['linkerd.io/control-plane-component'] !== undefined,
    proxyReady: statusOf(pod, 'linkerd-proxy')?.ready === true,
    proxyVersion: proxyVersion(pod),
    resourceVersion: metadata.resourceVersion ?? '',
    ...(field ? { [field]: owner } : {}),
    ...(startedSeconds === undefined
      ? {}
      : {
          added: true,
          sinceLastReport: { seconds: 0 },
          uptime: { seconds: Math.max(0, Math.floor(now / 1000 - startedSeconds)) },
        }),
  };
}
