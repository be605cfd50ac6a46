import type { KubeObject } from '#kube/api/types.ts';
import { rule } from '#mesh/install/names.ts';
import { account, createdBy, labelsOf, type Plan } from './parts.ts';

const READ = ['list', 'get', 'watch'];
const RBAC = 'rbac.authorization.k8s.io/v1';

/** Accounts as which other clusters read this one, each with its role and a token that lasts. */
export function remoteAccessObjects(plan: Plan): KubeObject[] {
  const { values } = plan;
  if (!values.remoteMirrorServiceAccount) return [];
  const names = [values.remoteMirrorServiceAccountName].flat().flatMap((each: string) => each.split(','));
  return names.flatMap((name: string) => accessOf(plan, name));
}

function accessOf(plan: Plan, name: string): KubeObject[] {
  const { namespace } = plan;
  const metadata = { labels: labelsOf(plan), annotations: createdBy(plan) };
  return [
    {
      apiVersion: RBAC,
      kind: 'ClusterRole',
      metadata: { name, ...metadata },
      rules: [
        rule(['apps'], ['replicasets'], READ),
        rule(['batch'], ['jobs'], READ),
        rule([''], ['pods', 'endpoints', 'services'], READ),
        rule(['discovery.k8s.io'], ['endpointslices'], READ),
        rule(['policy.linkerd.io'], ['servers'], READ),
        rule([''], ['configmaps'], ['get'], ['linkerd-config']),
        rule([''], ['events'], ['create', 'patch']),
      ],
    },
    account(plan, name, labelsOf(plan), createdBy(plan)),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: `${name}-token`,
        namespace,
        labels: labelsOf(plan),
        annotations: { 'kubernetes.io/service-account.name': name, ...createdBy(plan) },
      },
      type: 'kubernetes.io/service-account-token',
    },
    {
      apiVersion: RBAC,
      kind: 'ClusterRoleBinding',
      metadata: { name, ...metadata },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  ];
}
