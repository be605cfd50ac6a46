import type { KubeObject } from '#kube/api/types.ts';
import { ageSince, durationText } from './age.ts';
import type { Cells } from './cells.ts';
import { podCells } from './pod.ts';

const keys = (map: Record<string, unknown> | undefined): number => Object.keys(map ?? {}).length;
export const none = (text: string | undefined): string => text || '<none>';
export const labelText = (labels: Record<string, string> | undefined): string =>
  none(
    Object.entries(labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(','),
  );
const age = (object: KubeObject, now: number): string => ageSince(object.metadata.creationTimestamp, now);

interface ServicePort {
  port: number;
  nodePort?: number;
  protocol?: string;
}

/** Rows of the core group. Source: pkg/printers/internalversion/printers.go. */
export const coreCells: Record<string, Cells> = {
  '/pods': podCells,
  '/namespaces': (object, now) => [object.metadata.name, object.status?.phase ?? '', age(object, now)],
  '/configmaps': (object, now) => [object.metadata.name, keys(object.data) + keys(object.binaryData), age(object, now)],
  '/secrets': (object, now) => [object.metadata.name, object.type, keys(object.data), age(object, now)],
  '/serviceaccounts': (object, now) => [object.metadata.name, age(object, now)],
  '/services': (object, now) => {
    const { spec = {}, status, metadata } = object;
    const ports = ((spec.ports ?? []) as ServicePort[]).map(
      (port) => `${port.port}${port.nodePort ? `:${port.nodePort}` : ''}/${port.protocol ?? 'TCP'}`,
    );
    return [
      metadata.name,
      spec.type,
      none(spec.clusterIP),
      externalAddress(spec, status),
      none(ports.join(',')),
      age(object, now),
      labelText(spec.selector),
    ];
  },
  '/endpoints': (object, now) => [object.metadata.name, endpointText(object), age(object, now)],
  '/nodes': (object, now) => {
    const { status = {}, spec = {}, metadata } = object;
    const ready = (status.conditions ?? []).find((condition: { type: string }) => condition.type === 'Ready');
    const state = ready?.status === 'True' ? 'Ready' : ready ? 'NotReady' : 'Unknown';
    const roles = Object.keys(metadata.labels ?? {})
      .filter((label) => label.startsWith('node-role.kubernetes.io/'))
      .map((label) => label.slice('node-role.kubernetes.io/'.length))
      .sort();
    const info = status.nodeInfo ?? {};
    const address = (type: string) =>
      none((status.addresses ?? []).find((entry: { type: string }) => entry.type === type)?.address);
    return [
      metadata.name,
      spec.unschedulable ? `${state},SchedulingDisabled` : state,
      none(roles.join(',')),
      age(object, now),
      info.kubeletVersion ?? '',
      address('InternalIP'),
      address('ExternalIP'),
      info.osImage ?? '<unknown>',
      info.kernelVersion ?? '<unknown>',
      info.containerRuntimeVersion ?? '<unknown>',
    ];
  },
  '/events': (object, now) => {
    const { involvedObject = {}, series, metadata } = object;
    const first = object.firstTimestamp ?? object.eventTime;
    const last = series?.lastObservedTime ?? object.lastTimestamp ?? object.eventTime;
    const source = [object.source?.component ?? object.reportingComponent, object.source?.host]
      .filter(Boolean)
      .join(', ');
    const target = `${(involvedObject.kind ?? '').toLowerCase()}${involvedObject.name ? `/${involvedObject.name}` : ''}`;
    return [
      last ? durationText(now - Date.parse(last)) : '<unknown>',
      object.type ?? '',
      object.reason ?? '',
      target,
      involvedObject.fieldPath ?? '',
      source,
      (object.message ?? '').trim(),
      first ? durationText(now - Date.parse(first)) : '<unknown>',
      series?.count ?? object.count ?? 1,
      metadata.name,
    ];
  },
};

function externalAddress(spec: KubeObject['spec'], status: KubeObject['status']): string {
  const external: string[] = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName;
    case 'LoadBalancer': {
      const given: string[] = (status?.loadBalancer?.ingress ?? []).map(
        (entry: { ip?: string; hostname?: string }) => entry.ip ?? entry.hostname ?? '',
      );
      return [...given, ...external].join(',') || '<pending>';
    }
    default:
      return none(external.join(','));
  }
}

/** At most three addresses, and how many more. */
function endpointText(object: KubeObject): string {
  const all: string[] = (object.subsets ?? []).flatMap(
    (subset: { addresses?: { ip: string }[]; ports?: { port: number }[] }) =>
      (subset.ports ?? [{ port: 0 }]).flatMap(({ port }) =>
        (subset.addresses ?? []).map(({ ip }) => (port ? `${ip}:${port}` : ip)),
      ),
  );
  if (all.length === 0) return '<none>';
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',');
}
