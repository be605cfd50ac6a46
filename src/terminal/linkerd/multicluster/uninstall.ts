import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { LINK } from '#mesh/multicluster/labels.ts';
import { Failure, type Verb } from '../verb.ts';
import { printDocuments } from './documents.ts';
import { OUTPUT, refuse } from './shared-flags.ts';

/** What has to be named; everything else goes with the namespace. */
const KINDS: [group: string, version: string, resource: string, kind: string][] = [
  ['rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole'],
  ['rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding'],
  ['rbac.authorization.k8s.io', 'v1', 'roles', 'Role'],
  ['rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding'],
  ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition'],
  ['admissionregistration.k8s.io', 'v1', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration'],
  ['admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations', 'ValidatingWebhookConfiguration'],
  ['', 'v1', 'namespaces', 'Namespace'],
];

export const uninstall: Verb = {
  name: 'uninstall',
  summary: 'Output Kubernetes configs to uninstall the Linkerd multicluster add-on',
  flags: [OUTPUT],
  async run(invocation) {
    const { client } = invocation;
    const links = await client.list(LINK).catch((error: unknown) => {
      if (error instanceof StatusError && error.code === 404) return { items: [] as KubeObject[] };
      throw error;
    });
    if (links.items.length > 0) {
      const names = links.items.map(({ spec }) => `  * ${spec?.targetClusterName}`);
      refuse(['Please unlink the following clusters before uninstalling multicluster:', ...names].join('\n'));
    }
    const objects: KubeObject[] = [];
    for (const [group, version, resource, kind] of KINDS) {
      const { items } = await client.list(
        { group, version, resource },
        { labelSelector: 'linkerd.io/extension in (multicluster,linkerd-multicluster)' },
      );
      for (const { metadata } of items) {
        objects.push({
          apiVersion: group ? `${group}/${version}` : version,
          kind,
          metadata: { name: metadata.name ?? '', ...(metadata.namespace ? { namespace: metadata.namespace } : {}) },
        });
      }
    }
    if (objects.length === 0) throw new Failure('No resources found to uninstall');
    return printDocuments(invocation, objects, 'after');
  },
};
