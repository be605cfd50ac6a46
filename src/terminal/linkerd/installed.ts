import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';

/** Kinds that an installation leaves in a cluster besides what is in its namespace, in the order in which they are printed. */
const KINDS: [group: string, version: string, resource: string, kind: string][] = [
  ['rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole'],
  ['rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding'],
  ['rbac.authorization.k8s.io', 'v1', 'roles', 'Role'],
  ['rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding'],
  ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition'],
  ['apiregistration.k8s.io', 'v1', 'apiservices', 'APIService'],
  ['admissionregistration.k8s.io', 'v1', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration'],
  ['admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations', 'ValidatingWebhookConfiguration'],
  ['', 'v1', 'namespaces', 'Namespace'],
];

/** References to what carries the installation's label: enough to delete it by. */
export async function installedObjects(client: KubeClient, labelSelector: string): Promise<KubeObject[]> {
  const objects: KubeObject[] = [];
  for (const [group, version, resource, kind] of KINDS) {
    const { items } = await client.list({ group, version, resource }, { labelSelector });
    const apiVersion = group ? `${group}/${version}` : version;
    objects.push(...items.map(({ metadata }) => reference(apiVersion, kind, metadata)));
  }
  return objects;
}

export const reference = (
  apiVersion: string,
  kind: string,
  { name, namespace }: KubeObject['metadata'],
): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: name ?? '', ...(namespace ? { namespace } : {}) },
});
