import type { KubeObject } from '#kube/api/types.ts';
import { ageSince } from './age.ts';
import type { Cells } from './cells.ts';
import { none } from './core.ts';
import { selectorText } from './workloads.ts';

const age = (object: KubeObject, now: number): string => ageSince(object.metadata.creationTimestamp, now);
const created: Cells = ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? '<unknown>'];

interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

const binding: Cells = (object, now) => {
  const subjects: Subject[] = object.subjects ?? [];
  const named = (kind: string) => subjects.filter((subject) => subject.kind === kind);
  return [
    object.metadata.name,
    `${object.roleRef?.kind}/${object.roleRef?.name}`,
    age(object, now),
    named('User')
      .map(({ name }) => name)
      .join(', '),
    named('Group')
      .map(({ name }) => name)
      .join(', '),
    named('ServiceAccount')
      .map(({ name, namespace }) => `${namespace ?? ''}/${name}`)
      .join(', '),
  ];
};

const webhooks: Cells = (object, now) => [object.metadata.name, (object.webhooks ?? []).length, age(object, now)];

/** Rows of the remaining groups. */
export const otherCells: Record<string, Cells> = {
  'rbac.authorization.k8s.io/roles': created,
  'rbac.authorization.k8s.io/clusterroles': created,
  'rbac.authorization.k8s.io/rolebindings': binding,
  'rbac.authorization.k8s.io/clusterrolebindings': binding,
  'apiextensions.k8s.io/customresourcedefinitions': created,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': webhooks,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': webhooks,
  'coordination.k8s.io/leases': (object, now) => [
    object.metadata.name,
    object.spec?.holderIdentity ?? '',
    age(object, now),
  ],
  'networking.k8s.io/networkpolicies': (object, now) => [
    object.metadata.name,
    selectorText(object.spec?.podSelector),
    age(object, now),
  ],
  'policy/poddisruptionbudgets': (object, now) => [
    object.metadata.name,
    object.spec?.minAvailable === undefined ? 'N/A' : String(object.spec.minAvailable),
    object.spec?.maxUnavailable === undefined ? 'N/A' : String(object.spec.maxUnavailable),
    object.status?.disruptionsAllowed ?? 0,
    age(object, now),
  ],
  'discovery.k8s.io/endpointslices': (object, now) => {
    const ports = (object.ports ?? []).map(({ port }: { port?: number }) => (port === undefined ? '*' : String(port)));
    const addresses = (object.endpoints ?? []).flatMap((endpoint: { addresses: string[] }) => endpoint.addresses);
    return [
      object.metadata.name,
      object.addressType,
      short(ports, '<unset>'),
      short(addresses, '<unset>'),
      age(object, now),
    ];
  },
  'apiregistration.k8s.io/apiservices': (object, now) => {
    const { service } = object.spec ?? {};
    const available = (object.status?.conditions ?? []).find((c: { type: string }) => c.type === 'Available');
    return [
      object.metadata.name,
      service ? `${service.namespace}/${service.name}` : 'Local',
      available ? (available.status === 'True' ? 'True' : `${available.status} (${available.reason})`) : 'Unknown',
      age(object, now),
    ];
  },
  'autoscaling/horizontalpodautoscalers': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    const target = (metric: KubeObject['spec']) => {
      const wanted = metric.resource?.target?.averageUtilization;
      const now = (status.currentMetrics ?? []).find(
        (c: KubeObject['spec']) => c.resource?.name === metric.resource?.name,
      )?.resource?.current;
      const amount = metric.resource?.target?.averageValue;
      if (amount !== undefined) return `${metric.resource.name}: ${now?.averageValue ?? '<unknown>'}/${amount}`;
      const current = now?.averageUtilization;
      return `${metric.resource?.name}: ${current === undefined ? '<unknown>' : `${current}%`}/${wanted === undefined ? '<auto>' : `${wanted}%`}`;
    };
    return [
      metadata.name,
      `${spec.scaleTargetRef?.kind}/${spec.scaleTargetRef?.name}`,
      none((spec.metrics ?? []).map(target).join(', ')),
      String(spec.minReplicas ?? '<unset>'),
      spec.maxReplicas ?? 0,
      status.currentReplicas ?? 0,
      age(object, now),
    ];
  },
  'scheduling.k8s.io/priorityclasses': (object, now) => [
    object.metadata.name,
    object.value ?? 0,
    object.globalDefault ?? false,
    age(object, now),
    object.preemptionPolicy ?? 'PreemptLowerPriority',
  ],
  'storage.k8s.io/storageclasses': (object, now) => [
    object.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true'
      ? `${object.metadata.name} (default)`
      : object.metadata.name,
    object.provisioner,
    object.reclaimPolicy ?? 'Delete',
    object.volumeBindingMode ?? 'Immediate',
    object.allowVolumeExpansion ?? false,
    age(object, now),
  ],
};

function short(list: string[], empty: string): string {
  if (list.length === 0) return empty;
  return list.length > 3 ? `${list.slice(0, 3).join(',')} + ${list.length - 3} more...` : list.join(',');
}
