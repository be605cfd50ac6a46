import type { KubeObject } from '#kube/api/types.ts';
import { rule } from '#mesh/install/names.ts';
import { account, budget, labelsOf, mirrorDeployment, type Plan } from './parts.ts';

const NAME = 'linkerd-local-service-mirror';
const COMPONENT = { component: 'local-service-mirror' };
const WRITE = ['list', 'get', 'watch', 'create', 'delete', 'update'];
const READ = ['list', 'get', 'watch'];

/** Lets this cluster's own Services join federated ones. */
export function localMirrorObjects(plan: Plan): KubeObject[] {
  const { values, namespace } = plan;
  const mirror = values.localServiceMirror;
  const labels = labelsOf(plan, COMPONENT);
  const role = 'linkerd-local-service-mirror-access-local-resources';
  return [
    {
      kind: 'ClusterRole',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name: role, labels },
      rules: [
        rule([''], ['endpoints', 'services'], WRITE),
        rule([''], ['namespaces'], READ),
        rule(['coordination.k8s.io'], ['leases'], ['create', 'get', 'update', 'patch']),
        rule(['multicluster.linkerd.io'], ['links'], READ),
        rule(['multicluster.linkerd.io'], ['links/status'], ['update']),
      ],
    },
    {
      kind: 'ClusterRoleBinding',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name: role, labels },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name: NAME, namespace }],
    },
    account(plan, NAME, labels),
    mirrorDeployment(plan, {
      name: NAME,
      labels: COMPONENT,
      selector: COMPONENT,
      replicas: mirror.replicas,
      account: NAME,
      container: {
        name: 'service-mirror',
        args: [
          'service-mirror',
          `-log-level=${mirror.logLevel}`,
          `-log-format=${mirror.logFormat}`,
          `-event-requeue-limit=${mirror.serviceMirrorRetryLimit}`,
          `-namespace=${namespace}`,
          `-enable-pprof=${mirror.enablePprof}`,
          '-local-mirror',
          `-federated-service-selector=${mirror.federatedServiceSelector}`,
          `-excluded-labels=${mirror.excludedLabels}`,
          `-excluded-annotations=${mirror.excludedAnnotations}`,
        ],
        image: `${mirror.image.name}:${mirror.image.version}`,
        port: 'locsm-admin',
        uid: mirror.UID,
        gid: mirror.GID,
        resources: mirror.resources,
      },
      apart: values.enablePodAntiAffinity,
      apartBy: ['component', 'local-service-mirror'],
    }),
    ...(values.enablePodAntiAffinity ? [budget(plan, NAME, COMPONENT, COMPONENT)] : []),
  ];
}
