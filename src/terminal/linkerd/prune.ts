import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { gatewayApiOrigin } from '#mesh/check/kubernetes.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { renderInstall } from '#mesh/install/render.ts';
import { reference } from './installed.ts';
import { storedValues } from './stored-values.ts';
import { rendered } from './uninstall.ts';
import type { Invocation, Verb } from './verb.ts';

export const prune: Verb = {
  name: 'prune',
  summary: 'Output extraneous Kubernetes resources in the linkerd control plane',
  long: `Output extraneous Kubernetes resources in the linkerd control plane.`,
  examples: `  # Prune extraneous resources.
  linkerd prune | kubectl delete -f -`,
  flags: [{ name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format. One of: json|yaml' }],
  takes: { least: 0, most: 0 },
  run,
};

const APPS = 'apps';
const POLICY = 'policy.linkerd.io';
const RBAC = 'rbac.authorization.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';

/** What may be pruned, in the order in which it is printed. */
const PRUNABLE: [group: string, version: string, resource: string, kind: string][] = [
  ['', 'v1', 'configmaps', 'ConfigMap'],
  ['batch', 'v1', 'cronjobs', 'CronJob'],
  [APPS, 'v1', 'daemonsets', 'DaemonSet'],
  [APPS, 'v1', 'deployments', 'Deployment'],
  ['batch', 'v1', 'jobs', 'Job'],
  [POLICY, 'v1alpha1', 'meshtlsauthentications', 'MeshTLSAuthentication'],
  [POLICY, 'v1alpha1', 'networkauthentications', 'NetworkAuthentication'],
  ['', 'v1', 'replicationcontrollers', 'ReplicationController'],
  ['', 'v1', 'secrets', 'Secret'],
  ['', 'v1', 'services', 'Service'],
  ['linkerd.io', 'v1alpha2', 'serviceprofiles', 'ServiceProfile'],
  [APPS, 'v1', 'statefulsets', 'StatefulSet'],
  [RBAC, 'v1', 'roles', 'Role'],
  [RBAC, 'v1', 'rolebindings', 'RoleBinding'],
  ['', 'v1', 'serviceaccounts', 'ServiceAccount'],
  ['policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget'],
  [POLICY, 'v1beta3', 'servers', 'Server'],
  [POLICY, 'v1beta1', 'serverauthorizations', 'ServerAuthorization'],
  [POLICY, 'v1alpha1', 'authorizationpolicies', 'AuthorizationPolicy'],
  ['multicluster.linkerd.io', 'v1alpha2', 'links', 'Link'],
  [POLICY, 'v1beta3', 'httproutes', 'HTTPRoute'],
  [RBAC, 'v1', 'clusterroles', 'ClusterRole'],
  [RBAC, 'v1', 'clusterrolebindings', 'ClusterRoleBinding'],
  [ADMISSION, 'v1', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration'],
  [ADMISSION, 'v1', 'validatingwebhookconfigurations', 'ValidatingWebhookConfiguration'],
  ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition'],
];

const none = { certificate: '', privateKey: '', caBundle: '' };
export const keyOf = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;

/** What carries the control plane's label and is not of what the values render: left by other values, or another version. */
async function run(invocation: Invocation): Promise<number> {
  const { client, clock, controlPlane: namespace, flags, out } = invocation;
  const values = await storedValues(invocation);
  if (!values) {
    throw new Error(
      'Could not find the linkerd-config-overrides secret.\nPlease note this command is only intended for instances of Linkerd that were installed via the CLI',
    );
  }
  const webhooks = { proxyInjector: none, spValidator: none, policyValidator: none };
  const expected = new Set(
    [
      ...renderInstall({ namespace, values, webhooks, now: clock.now() }),
      ...renderCrds({ namespace }),
      ...((await gatewayApiOrigin(client)) === 'linkerd' ? gatewayApiCrds() : []),
    ].map(keyOf),
  );
  const extra = await extraneous(client, expected, 'linkerd.io/control-plane-ns');
  await out(rendered(extra, flags.values.get('output') ?? 'yaml'));
  return 0;
}

/** References to the objects with a label whose `keyOf` is not expected. */
export async function extraneous(
  client: KubeClient,
  expected: Set<string>,
  labelSelector: string,
): Promise<KubeObject[]> {
  const extra: KubeObject[] = [];
  for (const [group, version, resource, kind] of PRUNABLE) {
    const { items } = await client.list({ group, version, resource }, { labelSelector }).catch((error: unknown) => {
      if (error instanceof StatusError) return { items: [] as KubeObject[] };
      throw error;
    });
    for (const { metadata } of items) {
      const found = reference(group ? `${group}/${version}` : version, kind, metadata);
      if (!expected.has(keyOf(found))) extra.push(found);
    }
  }
  return extra;
}
