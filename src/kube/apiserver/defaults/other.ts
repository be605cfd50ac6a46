import type { KubeObject } from '#kube/api/types.ts';

// biome-ignore lint/suspicious/noExplicitAny: specifications are read field by field.
type Fields = any;

const set = (object: Fields, field: string, value: unknown): void => {
  if (object[field] === undefined || object[field] === null) object[field] = value;
};

/** Without metrics an autoscaler goes by this share of the requested CPU. */
const CPU_SHARE = 80;

/** Defaults of storage, autoscaling and network policy. Source: pkg/apis/<group>/<version>/defaults.go. */
export const otherDefaults: Record<string, (object: KubeObject) => void> = {
  '/persistentvolumeclaims': (object) => {
    if (object.spec) set(object.spec, 'volumeMode', 'Filesystem');
    object.status ??= {};
    set(object.status, 'phase', 'Pending');
  },
  '/persistentvolumes': (object) => {
    if (!object.spec) return;
    set(object.spec, 'persistentVolumeReclaimPolicy', 'Retain');
    set(object.spec, 'volumeMode', 'Filesystem');
    if (object.spec.hostPath) set(object.spec.hostPath, 'type', '');
    object.status ??= {};
    set(object.status, 'phase', 'Pending');
  },
  'storage.k8s.io/storageclasses': (object) => {
    set(object, 'reclaimPolicy', 'Delete');
    set(object, 'volumeBindingMode', 'Immediate');
  },
  'scheduling.k8s.io/priorityclasses': (object) => set(object, 'preemptionPolicy', 'PreemptLowerPriority'),
  'autoscaling/horizontalpodautoscalers': ({ spec }) => {
    if (!spec) return;
    set(spec, 'minReplicas', 1);
    if ((spec.metrics ?? []).length > 0) return;
    const target = { type: 'Utilization', averageUtilization: CPU_SHARE };
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  },
  'networking.k8s.io/networkpolicies': ({ spec }) => {
    if (!spec) return;
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of rule?.ports ?? []) set(port, 'protocol', 'TCP');
    }
    if ((spec.policyTypes ?? []).length === 0)
      spec.policyTypes = ['Ingress', ...(spec.egress?.length ? ['Egress'] : [])];
  },
};
