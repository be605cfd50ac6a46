import { messageOf } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Target } from '#kube/client/client.ts';
import type { Category } from './runner.ts';
import { CORE, type World } from './world.ts';

const RBAC = { group: 'rbac.authorization.k8s.io', version: 'v1' };
const ADMISSION = { group: 'admissionregistration.k8s.io', version: 'v1' };
const ACCESS: Target = { group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews' };

/** What an installation creates outside of a namespace, tried with a dry run. */
const CLUSTER_SCOPED: [string, Target, string][] = [
  ['Namespace', CORE('namespaces'), 'linkerd'],
  ['ClusterRole', { ...RBAC, resource: 'clusterroles' }, 'linkerd-linkerd-identity'],
  ['ClusterRoleBinding', { ...RBAC, resource: 'clusterrolebindings' }, 'linkerd-linkerd-identity'],
  ['ClusterRole', { ...RBAC, resource: 'clusterroles' }, 'linkerd-linkerd-destination'],
  ['ClusterRoleBinding', { ...RBAC, resource: 'clusterrolebindings' }, 'linkerd-linkerd-destination'],
  [
    'ValidatingWebhookConfiguration',
    { ...ADMISSION, resource: 'validatingwebhookconfigurations' },
    'linkerd-sp-validator-webhook-config',
  ],
  [
    'ValidatingWebhookConfiguration',
    { ...ADMISSION, resource: 'validatingwebhookconfigurations' },
    'linkerd-policy-validator-webhook-config',
  ],
  ['ClusterRole', { ...RBAC, resource: 'clusterroles' }, 'linkerd-policy'],
  ['ClusterRoleBinding', { ...RBAC, resource: 'clusterrolebindings' }, 'linkerd-destination-policy'],
  ['ClusterRole', { ...RBAC, resource: 'clusterroles' }, 'linkerd-linkerd-proxy-injector'],
  ['ClusterRoleBinding', { ...RBAC, resource: 'clusterrolebindings' }, 'linkerd-linkerd-proxy-injector'],
  [
    'MutatingWebhookConfiguration',
    { ...ADMISSION, resource: 'mutatingwebhookconfigurations' },
    'linkerd-proxy-injector-webhook-config',
  ],
];

function sample(kind: string, target: Target, name: string): KubeObject {
  const apiVersion = target.group ? `${target.group}/${target.version}` : target.version;
  const object: KubeObject = { apiVersion, kind, metadata: { name } };
  if (kind === 'ClusterRoleBinding') object.roleRef = { apiGroup: RBAC.group, kind: 'ClusterRole', name };
  return object;
}

async function may(world: World, verb: string, group: string, resource: string, name?: string): Promise<void> {
  const review = await world.client.create(ACCESS, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: {},
    spec: {
      resourceAttributes: {
        namespace: name === 'extension-apiserver-authentication' ? 'kube-system' : world.controlPlane,
        verb,
        group,
        resource,
        ...(name ? { name } : {}),
      },
    },
  });
  if (!review.status?.allowed) {
    const what = group ? `${resource}.${group}` : resource;
    throw new Error(review.status?.reason || `not authorized to access ${what}`);
  }
}

const able = (description: string, verb: string, group: string, resource: string, name?: string) => ({
  description,
  hint: 'pre-k8s',
  run: (world: World) => may(world, verb, group, resource, name),
});

export const preInstall: Category<World> = {
  name: 'pre-kubernetes-setup',
  checks: [
    {
      description: 'control plane namespace does not already exist',
      hint: 'pre-ns',
      run: async (world) => {
        if (await world.find(CORE('namespaces'), world.controlPlane)) {
          throw new Error(`The "${world.controlPlane}" namespace already exists`);
        }
      },
    },
    {
      description: 'can create non-namespaced resources',
      hint: 'pre-k8s-cluster-k8s',
      run: async (world) => {
        const failures: string[] = [];
        for (const [kind, target, name] of CLUSTER_SCOPED) {
          try {
            await world.client.create(target, sample(kind, target, name), { dryRun: true });
          } catch (error) {
            failures.push(`cannot create ${kind}/${name}: ${messageOf(error)}`);
          }
        }
        if (failures.length > 0) throw new Error(failures.join('\n'));
      },
    },
    able('can create ServiceAccounts', 'create', '', 'serviceaccounts'),
    able('can create Services', 'create', '', 'services'),
    able('can create Deployments', 'create', 'apps', 'deployments'),
    able('can create CronJobs', 'create', 'batch', 'cronjobs'),
    able('can create ConfigMaps', 'create', '', 'configmaps'),
    able('can create Secrets', 'create', '', 'secrets'),
    able('can read Secrets', 'get', '', 'secrets'),
    able(
      'can read extension-apiserver-authentication configmap',
      'get',
      '',
      'configmaps',
      'extension-apiserver-authentication',
    ),
    {
      description: 'no clock skew detected',
      hint: 'pre-k8s-clock-skew',
      warning: true,
      run: async () => {},
    },
  ],
};
