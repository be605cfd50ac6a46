import type { KubeObject } from '#kube/api/types.ts';
import { ageOf } from '../age.ts';
import { rfc1123 } from '../instants.ts';
import { quantity } from '../sort-by.ts';
import type { Subject } from './kinds.ts';
import { labelsAndAnnotations, type Writer } from './write.ts';

export async function describeNode({ w, object, k }: Subject): Promise<void> {
  const { metadata, spec, status = {} } = object;
  w.line(0, `Name:\t${metadata.name}`);
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) =>
    key.startsWith('node-role.kubernetes.io/') ? [key.slice(24)] : key === 'kubernetes.io/role' && value ? [value] : [],
  );
  w.line(0, `Roles:\t${roles.sort().join(',') || '<none>'}`);
  labelsAndAnnotations(w, object);
  w.line(0, `CreationTimestamp:\t${rfc1123(metadata.creationTimestamp)}`);
  const taints = (spec?.taints ?? []).map(
    (each: Record<string, string>) => `${each['key']}${each['value'] ? `=${each['value']}` : ''}:${each['effect']}`,
  );
  w.line(0, `Taints:\t${taints.join('\n\t') || '<none>'}`);
  w.line(0, `Unschedulable:\t${spec?.unschedulable === true}`);
  await lease(k, w, metadata.name!);
  if ((status.conditions ?? []).length > 0) {
    w.line(0, 'Conditions:');
    w.line(1, 'Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage');
    w.line(1, '----\t------\t-----------------\t------------------\t------\t-------');
    for (const each of status.conditions) {
      w.line(
        1,
        `${each.type} \t${each.status} \t${rfc1123(each.lastHeartbeatTime)} \t${rfc1123(each.lastTransitionTime)} \t${each.reason} \t${each.message}`,
      );
    }
  }
  w.line(0, 'Addresses:');
  for (const { type, address } of status.addresses ?? []) w.line(1, `${type}:\t${address}`);
  amounts(w, 'Capacity', status.capacity);
  amounts(w, 'Allocatable', status.allocatable);
  const info = status.nodeInfo ?? {};
  w.line(0, 'System Info:');
  for (const [title, field] of INFO) w.line(1, `${title}:\t${info[field] ?? ''}`);
  if (spec?.podCIDR) w.line(0, `PodCIDR:\t${spec.podCIDR}`);
  if ((spec?.podCIDRs ?? []).length > 0) w.line(0, `PodCIDRs:\t${spec.podCIDRs.join(',')}`);
  if (spec?.providerID) w.line(0, `ProviderID:\t${spec.providerID}`);
  const pods = await k.client.list(
    { group: '', version: 'v1', resource: 'pods' },
    { fieldSelector: `spec.nodeName=${metadata.name},status.phase!=Failed,status.phase!=Succeeded` },
  );
  podResources(w, pods.items, status.allocatable ?? status.capacity ?? {}, k.clock.now());
}

const INFO = [
  ['Machine ID', 'machineID'],
  ['System UUID', 'systemUUID'],
  ['Boot ID', 'bootID'],
  ['Kernel Version', 'kernelVersion'],
  ['OS Image', 'osImage'],
  ['Operating System', 'operatingSystem'],
  ['Architecture', 'architecture'],
  ['Container Runtime Version', 'containerRuntimeVersion'],
  ['Kubelet Version', 'kubeletVersion'],
  ['Kube-Proxy Version', 'kubeProxyVersion'],
] as const;

async function lease(k: Subject['k'], w: Writer, name: string): Promise<void> {
  const target = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace: 'kube-node-lease' };
  try {
    const { spec } = await k.client.get(target, name);
    w.line(0, 'Lease:');
    w.line(1, `HolderIdentity:\t${spec.holderIdentity ?? '<unset>'}`);
    w.line(1, `AcquireTime:\t${spec.acquireTime ? rfc1123(spec.acquireTime) : '<unset>'}`);
    w.line(1, `RenewTime:\t${spec.renewTime ? rfc1123(spec.renewTime) : '<unset>'}`);
  } catch (error) {
    w.line(0, `Lease:\tFailed to get lease: ${(error as Error).message}`);
  }
}

function amounts(w: Writer, title: string, map: Record<string, string> | undefined): void {
  const names = Object.keys(map ?? {}).sort();
  if (names.length === 0) return;
  w.line(0, `${title}:`);
  for (const name of names) w.line(1, `${name}:\t${map![name]}`);
}

type Totals = Record<'requests' | 'limits', Record<string, number>>;

/** What a pod asks for: its containers together with the sidecars, or its largest init container if that is more. */
function totalsOf(pod: KubeObject): Totals {
  const out: Totals = { requests: {}, limits: {} };
  const { containers = [], initContainers = [] } = pod['spec'];
  for (const side of ['requests', 'limits'] as const) {
    const add = (from: { resources?: Record<string, Record<string, string>> }) => {
      for (const [name, amount] of Object.entries(from.resources?.[side] ?? {})) {
        out[side][name] = (out[side][name] ?? 0) + (quantity(String(amount)) ?? 0);
      }
    };
    for (const each of initContainers) if (each.restartPolicy === 'Always') add(each);
    for (const each of containers) add(each);
    for (const each of initContainers) {
      for (const [name, amount] of Object.entries(each.resources?.[side] ?? {})) {
        out[side][name] = Math.max(out[side][name] ?? 0, quantity(String(amount)) ?? 0);
      }
    }
  }
  return out;
}

const cpuText = (cores: number): string => (Number.isInteger(cores) ? String(cores) : `${Math.round(cores * 1000)}m`);

function bytesText(bytes: number): string {
  for (const [unit, size] of [
    ['Gi', 2 ** 30],
    ['Mi', 2 ** 20],
    ['Ki', 2 ** 10],
  ] as const) {
    if (bytes > 0 && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

function podResources(w: Writer, pods: KubeObject[], allocatable: Record<string, string>, now: number): void {
  w.line(0, `Non-terminated Pods:\t(${pods.length} in total)`);
  w.line(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge');
  w.line(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---');
  const sums: Totals = { requests: {}, limits: {} };
  const share = (name: string, amount: number) => {
    const all = quantity(String(allocatable[name] ?? '')) ?? 0;
    return `${name === 'cpu' ? cpuText(amount) : bytesText(amount)} (${all === 0 ? 0 : Math.trunc((amount / all) * 100)}%)`;
  };
  for (const pod of pods) {
    const totals = totalsOf(pod);
    for (const side of ['requests', 'limits'] as const) {
      for (const [name, amount] of Object.entries(totals[side])) sums[side][name] = (sums[side][name] ?? 0) + amount;
    }
    const cells = ['cpu', 'memory'].flatMap((name) => [
      share(name, totals.requests[name] ?? 0),
      share(name, totals.limits[name] ?? 0),
    ]);
    w.line(
      1,
      `${pod.metadata.namespace}\t${pod.metadata.name}\t\t${cells.join('\t')}\t${ageOf(pod.metadata.creationTimestamp, now)}`,
    );
  }
  w.line(0, 'Allocated resources:');
  w.line(1, '(Total limits may be over 100 percent, i.e., overcommitted.)');
  w.line(1, 'Resource\tRequests\tLimits');
  w.line(1, '--------\t--------\t------');
  const huge = Object.keys(allocatable)
    .filter((name) => name.startsWith('hugepages-'))
    .sort();
  for (const name of ['cpu', 'memory', 'ephemeral-storage', ...huge]) {
    w.line(1, `${name}\t${share(name, sums.requests[name] ?? 0)}\t${share(name, sums.limits[name] ?? 0)}`);
  }
}
