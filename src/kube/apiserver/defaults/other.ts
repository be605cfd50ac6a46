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
  '/limitranges': ({ spec }) => {
    for (const limit of spec?.limits ?? []) {
      if (limit.type !== 'Container') continue;
      // What is missing follows from what is there: a limit from the maximum, a request from the limit, or from the minimum.
      const missing = (field: string, from: Record<string, string> | undefined) => {
        if (from) limit[field] = { ...from, ...limit[field] };
      };
      missing('default', limit.max);
      missing('defaultRequest', limit.default);
      missing('defaultRequest', limit.min);
    }
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

/** What the status of a kind holds before anybody wrote it: the fields that are always there. */
export const EMPTY_STATUS: Record<string, KubeObject['status']> = {
  '/services': { loadBalancer: {} },
  'apps/deployments': {},
  'apps/replicasets': { replicas: 0 },
  'apps/statefulsets': { replicas: 0, availableReplicas: 0 },
  'apps/daemonsets': { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  'batch/jobs': {},
  'batch/cronjobs': {},
  'networking.k8s.io/ingresses': { loadBalancer: {} },
  'policy/poddisruptionbudgets': { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  'autoscaling/horizontalpodautoscalers': { desiredReplicas: 0, currentMetrics: null },
};
