import type { KubeObject } from '#kube/api/types.ts';
import type { Job } from './config.ts';
import { type LabelSet, relabel } from './relabel.ts';

export interface ScrapeTarget {
  /** Tells it from all others. */
  key: string;
  job: Job;
  url: string;
  labels: LabelSet;
  /** What it was found by. */
  discovered: LabelSet;
}

const META = '__meta_kubernetes_';
const sanitized = (name: string): string => name.replace(/[^a-zA-Z0-9_]/g, '_');

/** What Kubernetes tells of each port of a pod's containers, before any rule. */
function* podPorts(pod: KubeObject): Generator<LabelSet> {
  const { metadata, spec, status } = pod;
  const ip: string = status?.podIP ?? '';
  if (ip === '' || ['Succeeded', 'Failed'].includes(status?.phase)) return;
  const common: LabelSet = {
    [`${META}namespace`]: metadata.namespace ?? '',
    [`${META}pod_name`]: metadata.name ?? '',
    [`${META}pod_ip`]: ip,
    [`${META}pod_phase`]: status?.phase ?? '',
    [`${META}pod_node_name`]: spec?.nodeName ?? '',
    [`${META}pod_host_ip`]: status?.hostIP ?? '',
    [`${META}pod_uid`]: metadata.uid ?? '',
  };
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner) {
    common[`${META}pod_controller_kind`] = owner.kind;
    common[`${META}pod_controller_name`] = owner.name;
  }
  for (const kind of ['label', 'annotation'] as const) {
    for (const [name, value] of Object.entries(metadata[`${kind}s`] ?? {})) {
      common[`${META}pod_${kind}_${sanitized(name)}`] = value;
      common[`${META}pod_${kind}present_${sanitized(name)}`] = 'true';
    }
  }
  for (const list of ['containers', 'initContainers'] as const) {
    for (const container of spec?.[list] ?? []) {
      for (const port of container.ports ?? []) {
        yield {
          ...common,
          __address__: `${ip}:${port.containerPort}`,
          [`${META}pod_container_name`]: container.name,
          [`${META}pod_container_image`]: container.image ?? '',
          [`${META}pod_container_init`]: String(list === 'initContainers'),
          [`${META}pod_container_port_name`]: port.name ?? '',
          [`${META}pod_container_port_number`]: String(port.containerPort),
          [`${META}pod_container_port_protocol`]: port.protocol ?? 'TCP',
        };
      }
    }
  }
}

/** The targets of a job, by its rules. */
export function targetsOf(job: Job, pods: Iterable<KubeObject>): ScrapeTarget[] {
  const found: LabelSet[] = job.fixed.map(({ target, labels }) => ({ ...labels, __address__: target }));
  if (job.podsIn) {
    for (const pod of pods) {
      if (job.podsIn.length > 0 && !job.podsIn.includes(pod.metadata.namespace ?? '')) continue;
      found.push(...podPorts(pod));
    }
  }
  const targets = new Map<string, ScrapeTarget>();
  for (const discovered of found) {
    const labels = relabel({ job: job.name, __metrics_path__: job.path, ...discovered }, job.relabel);
    const address = labels?.['__address__'];
    if (!labels || !address) continue;
    const url = `http://${address}${labels['__metrics_path__'] ?? job.path}`;
    const shown: LabelSet = { instance: address };
    for (const name in labels) if (!name.startsWith('__') && labels[name] !== '') shown[name] = labels[name]!;
    const key = JSON.stringify([url, Object.entries(shown).sort()]);
    targets.set(key, { key, job, url, labels: shown, discovered });
  }
  return [...targets.values()];
}
