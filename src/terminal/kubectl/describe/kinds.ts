import type { KubeObject } from '#kube/api/types.ts';
import type { Invocation } from '../verb.ts';
import {
  describeConfigMap,
  describeNamespace,
  describeRole,
  describeRoleBinding,
  describeSecret,
  describeServiceAccount,
} from './config.ts';
import { describeGeneric } from './generic.ts';
import { describeEndpointSlice, describeEndpoints, describeIngress, describeNetworkPolicy } from './network.ts';
import { describeNode } from './node.ts';
import { describePod } from './pod.ts';
import { describeBudget, describeScaler } from './policy.ts';
import { describeService } from './service.ts';
import {
  describeClaim,
  describeLimitRange,
  describePriorityClass,
  describeQuota,
  describeStorageClass,
  describeVolume,
} from './storage.ts';
import {
  describeCronJob,
  describeDaemonSet,
  describeDeployment,
  describeJob,
  describeReplicaSet,
  describeStatefulSet,
} from './workloads.ts';
import type { Writer } from './write.ts';

export interface Subject {
  w: Writer;
  object: KubeObject;
  k: Invocation;
}

export interface Describer {
  describe(subject: Subject): void | Promise<void>;
  /** Whether events of the object follow. */
  events: boolean;
}

const plain = (describe: (w: Writer, object: KubeObject) => void, events = true): Describer => ({
  describe: ({ w, object }) => describe(w, object),
  events,
});

const RBAC = 'rbac.authorization.k8s.io';
const DESCRIBERS: Record<string, Describer> = {
  '/Pod': plain(describePod),
  '/Service': { describe: describeService, events: true },
  '/ConfigMap': plain(describeConfigMap),
  '/Secret': plain(describeSecret, false),
  '/ServiceAccount': { describe: describeServiceAccount, events: true },
  '/Namespace': { describe: describeNamespace, events: false },
  '/Node': { describe: describeNode, events: true },
  'apps/Deployment': { describe: describeDeployment, events: true },
  'apps/ReplicaSet': { describe: describeReplicaSet, events: true },
  'apps/StatefulSet': { describe: describeStatefulSet, events: true },
  'apps/DaemonSet': { describe: describeDaemonSet, events: true },
  'batch/Job': { describe: describeJob, events: true },
  'batch/CronJob': { describe: describeCronJob, events: true },
  '/Endpoints': plain(describeEndpoints),
  'discovery.k8s.io/EndpointSlice': plain(describeEndpointSlice),
  'networking.k8s.io/Ingress': { describe: describeIngress, events: true },
  'networking.k8s.io/NetworkPolicy': plain(describeNetworkPolicy, false),
  'policy/PodDisruptionBudget': plain(describeBudget),
  'autoscaling/HorizontalPodAutoscaler': plain(describeScaler),
  '/PersistentVolumeClaim': { describe: describeClaim, events: true },
  '/PersistentVolume': plain(describeVolume),
  '/ResourceQuota': plain(describeQuota, false),
  '/LimitRange': plain(describeLimitRange, false),
  'storage.k8s.io/StorageClass': plain(describeStorageClass),
  'scheduling.k8s.io/PriorityClass': plain(describePriorityClass),
  [`${RBAC}/Role`]: plain(describeRole, false),
  [`${RBAC}/ClusterRole`]: plain(describeRole, false),
  [`${RBAC}/RoleBinding`]: plain(describeRoleBinding, false),
  [`${RBAC}/ClusterRoleBinding`]: plain(describeRoleBinding, false),
};

/** How a kind is described; kinds without a way of their own are shown field by field. */
export const describerOf = (group: string, kind: string): Describer =>
  DESCRIBERS[`${group}/${kind}`] ?? plain(describeGeneric);
