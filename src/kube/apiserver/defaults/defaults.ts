import type { KubeObject } from '#kube/api/types.ts';
import type { ResourceKind } from '../kinds.ts';
import { EMPTY_STATUS, otherDefaults } from './other.ts';
import { defaultPodSpec } from './pod.ts';

type Fields = Record<string, KubeObject['spec']>;

/** Fills in what upstream fills in before it stores an object. Source: pkg/apis/<group>/<version>/defaults.go. */
export function applyDefaults(kind: ResourceKind, object: KubeObject, old: KubeObject | undefined): void {
  DEFAULTS[kind.storage]?.(object, old);
  const status = EMPTY_STATUS[kind.storage];
  if (status && object.status === undefined) object.status = structuredClone(status);
}

const set = (object: Fields, field: string, value: unknown): void => {
  if (object[field] === undefined || object[field] === null) object[field] = value;
};

function template(object: KubeObject): void {
  const spec = object.spec?.template?.spec;
  if (!spec) return;
  object.spec.template.metadata ??= {};
  defaultPodSpec(spec);
}

/** On the host's network a port is the host's; said of pods, not of templates. */
function hostPorts({ containers, initContainers }: Fields): void {
  for (const { ports } of [...(containers ?? []), ...(initContainers ?? [])])
    for (const port of ports ?? []) port.hostPort ||= port.containerPort;
}

/** What a pod with scheduling gates begins with (pkg/registry/core/pod/strategy.go). */
const GATED = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
  lastProbeTime: null,
  lastTransitionTime: null,
};

const DEFAULTS: Record<string, (object: KubeObject, old: KubeObject | undefined) => void> = {
  '/namespaces': (object) => {
    object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name! };
    object.spec ??= {};
    if (!object.metadata.deletionTimestamp) set(object.spec, 'finalizers', ['kubernetes']);
    object.status ??= {};
    set(object.status, 'phase', 'Active');
  },
  '/pods': (object, old) => {
    if (object.spec) defaultPodSpec(object.spec);
    if (object.spec?.hostNetwork) hostPorts(object.spec);
    object.status ??= {};
    set(object.status, 'phase', 'Pending');
    // Admission may still give a new pod its requests.
    if (!old && object.spec?.schedulingGates?.length) object.status.conditions = [GATED];
    if (!old) object.status.qosClass = qosOf(object.spec ?? {});
    set(object.status, 'qosClass', qosOf(object.spec ?? {}));
  },
  '/services': ({ spec, status }, old) => {
    if (!spec) return;
    set(spec, 'type', 'ClusterIP');
    if (spec.type === 'ClusterIP' && old && old.spec?.type !== 'ClusterIP') {
      // What only a Service that is reached from outside has goes with it.
      delete spec.externalTrafficPolicy;
      delete spec.healthCheckNodePort;
      delete spec.allocateLoadBalancerNodePorts;
    }
    set(spec, 'sessionAffinity', 'None');
    if (spec.sessionAffinity === 'ClientIP')
      set(spec, 'sessionAffinityConfig', { clientIP: { timeoutSeconds: 10_800 } });
    for (const port of spec.ports ?? []) {
      set(port, 'protocol', 'TCP');
      set(port, 'targetPort', port.port);
    }
    if (spec.type !== 'ExternalName') {
      set(spec, 'internalTrafficPolicy', 'Cluster');
      set(spec, 'ipFamilies', old?.spec?.ipFamilies ?? ['IPv4']);
      set(spec, 'ipFamilyPolicy', 'SingleStack');
    }
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') set(spec, 'externalTrafficPolicy', 'Cluster');
    if (spec.type === 'LoadBalancer') set(spec, 'allocateLoadBalancerNodePorts', true);
    void status;
  },
  '/secrets': (object) => {
    set(object, 'type', 'Opaque');
    if (object.stringData) {
      object.data = {
        ...object.data,
        ...Object.fromEntries(
          Object.entries(object.stringData as Record<string, string>).map(([key, value]) => [
            key,
            Buffer.from(value).toString('base64'),
          ]),
        ),
      };
      delete object.stringData;
    }
  },
  '/nodes': ({ spec }) => void spec,
  'apps/deployments': (object) => {
    const { spec } = object;
    if (!spec) return;
    set(spec, 'replicas', 1);
    set(spec, 'revisionHistoryLimit', 10);
    set(spec, 'progressDeadlineSeconds', 600);
    set(spec, 'strategy', {});
    set(spec.strategy, 'type', 'RollingUpdate');
    if (spec.strategy.type === 'RollingUpdate') {
      set(spec.strategy, 'rollingUpdate', {});
      set(spec.strategy.rollingUpdate, 'maxSurge', '25%');
      set(spec.strategy.rollingUpdate, 'maxUnavailable', '25%');
    }
    template(object);
  },
  'apps/replicasets': (object) => {
    if (!object.spec) return;
    set(object.spec, 'replicas', 1);
    template(object);
  },
  'apps/statefulsets': (object) => {
    const { spec } = object;
    if (!spec) return;
    set(spec, 'replicas', 1);
    set(spec, 'podManagementPolicy', 'OrderedReady');
    set(spec, 'revisionHistoryLimit', 10);
    set(spec, 'persistentVolumeClaimRetentionPolicy', { whenDeleted: 'Retain', whenScaled: 'Retain' });
    set(spec, 'updateStrategy', {});
    set(spec.updateStrategy, 'type', 'RollingUpdate');
    if (spec.updateStrategy.type === 'RollingUpdate') {
      set(spec.updateStrategy, 'rollingUpdate', {});
      set(spec.updateStrategy.rollingUpdate, 'partition', 0);
    }
    for (const claim of spec.volumeClaimTemplates ?? []) {
      set(claim, 'apiVersion', 'v1');
      set(claim, 'kind', 'PersistentVolumeClaim');
      if (claim.spec) set(claim.spec, 'volumeMode', 'Filesystem');
      claim.status ??= {};
      set(claim.status, 'phase', 'Pending');
    }
    template(object);
  },
  'apps/daemonsets': (object) => {
    const { spec } = object;
    if (!spec) return;
    set(spec, 'revisionHistoryLimit', 10);
    set(spec, 'updateStrategy', {});
    set(spec.updateStrategy, 'type', 'RollingUpdate');
    if (spec.updateStrategy.type === 'RollingUpdate') {
      set(spec.updateStrategy, 'rollingUpdate', {});
      set(spec.updateStrategy.rollingUpdate, 'maxSurge', 0);
      set(spec.updateStrategy.rollingUpdate, 'maxUnavailable', 1);
    }
    template(object);
  },
  'batch/jobs': (object, old) => {
    const { spec } = object;
    if (!spec) return;
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    set(spec, 'parallelism', 1);
    set(spec, 'backoffLimit', 6);
    set(spec, 'completionMode', 'NonIndexed');
    set(spec, 'suspend', false);
    set(spec, 'podReplacementPolicy', 'TerminatingOrFailed');
    set(spec, 'manualSelector', false);
    if (!old && !spec.manualSelector && object.metadata.uid && spec.template) {
      // The generated selector ties pods to this very Job.
      const uid = object.metadata.uid;
      const labels = {
        'batch.kubernetes.io/controller-uid': uid,
        'batch.kubernetes.io/job-name': object.metadata.name!,
        'controller-uid': uid,
        'job-name': object.metadata.name!,
      };
      spec.selector ??= { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
      spec.template.metadata = { ...spec.template.metadata, labels: { ...spec.template.metadata?.labels, ...labels } };
      object.metadata.labels ??= { ...spec.template.metadata.labels };
    }
    template(object);
  },
  'batch/cronjobs': ({ spec }) => {
    if (!spec) return;
    set(spec, 'concurrencyPolicy', 'Allow');
    set(spec, 'suspend', false);
    set(spec, 'successfulJobsHistoryLimit', 3);
    set(spec, 'failedJobsHistoryLimit', 1);
    const pod = spec.jobTemplate?.spec?.template?.spec;
    if (spec.jobTemplate) spec.jobTemplate.metadata ??= {};
    if (pod) {
      spec.jobTemplate.spec.template.metadata ??= {};
      defaultPodSpec(pod);
    }
  },
  'rbac.authorization.k8s.io/rolebindings': subjects,
  'rbac.authorization.k8s.io/clusterrolebindings': subjects,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': (object) => webhooks(object, true),
  'admissionregistration.k8s.io/validatingwebhookconfigurations': (object) => webhooks(object, false),
  'policy/poddisruptionbudgets': () => {},
  ...otherDefaults,
};

function subjects(object: KubeObject): void {
  for (const subject of object.subjects ?? []) {
    if (subject.kind !== 'ServiceAccount') set(subject, 'apiGroup', 'rbac.authorization.k8s.io');
    // The core group is written by leaving it out.
    else if (!subject.apiGroup) delete subject.apiGroup;
  }
  if (object.roleRef) set(object.roleRef, 'apiGroup', 'rbac.authorization.k8s.io');
}

function webhooks(object: KubeObject, mutating: boolean): void {
  for (const webhook of object.webhooks ?? []) {
    set(webhook, 'failurePolicy', 'Fail');
    set(webhook, 'matchPolicy', 'Equivalent');
    set(webhook, 'namespaceSelector', {});
    set(webhook, 'objectSelector', {});
    set(webhook, 'timeoutSeconds', 10);
    if (mutating) set(webhook, 'reinvocationPolicy', 'Never');
    for (const rule of webhook.rules ?? []) set(rule, 'scope', '*');
    if (webhook.clientConfig?.service) set(webhook.clientConfig.service, 'port', 443);
  }
}

/**
 * Guaranteed when every container's limits equal its requests, BestEffort without any, Burstable otherwise. Only processors
 * and memory count (pkg/apis/core/v1/helper/qos).
 */
export function qosOf(spec: Fields): string {
  const containers: Fields[] = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const any = containers.some(({ resources }) =>
    ['cpu', 'memory'].some((name) => resources?.requests?.[name] ?? resources?.limits?.[name]),
  );
  if (!any) return 'BestEffort';
  const guaranteed = containers.every(({ resources }) =>
    ['cpu', 'memory'].every(
      (name) =>
        resources?.limits?.[name] && (resources.requests?.[name] ?? resources.limits[name]) === resources.limits[name],
    ),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
