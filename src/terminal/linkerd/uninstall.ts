import type { KubeObject } from '#kube/api/types.ts';
import { proxyOf } from '#mesh/check/world.ts';
import { toYaml } from '#mesh/install/render.ts';
import { Failure, type Invocation, type Verb } from './verb.ts';

/** Kinds that an installation leaves in a cluster, in the order in which they are printed. */
const KINDS: [string, string, string, string][] = [
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
  summary: 'Output Kubernetes resources to uninstall Linkerd control plane',
  long: `Output Kubernetes resources to uninstall Linkerd control plane.

This command provides all Kubernetes namespace-scoped and cluster-scoped resources (e.g services, deployments, RBACs, etc.) necessary to uninstall Linkerd control plane.`,
  examples: `  linkerd uninstall | kubectl delete -f -`,
  flags: [
    { name: 'force', usage: 'Force uninstall even if there exist non-control-plane injected pods' },
    { name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format. One of: json|yaml' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<number> {
  const { client, controlPlane, flags, out } = invocation;
  if (flags.values.get('force') !== 'true') {
    const pods = await client.list(
      { group: '', version: 'v1', resource: 'pods' },
      { labelSelector: `linkerd.io/control-plane-ns=${controlPlane}` },
    );
    const meshed = pods.items.filter((pod) => proxyOf(pod) && pod.metadata.namespace !== controlPlane);
    if (meshed.length > 0) {
      const names = meshed.map((pod) => `\t* ${pod.metadata.name}`).sort();
      throw new Failure(
        `Please uninject the following pods before uninstalling the control-plane:\n${names.join('\n')}`,
      );
    }
  }
  const objects: KubeObject[] = [];
  for (const [group, version, resource, kind] of KINDS) {
    const list = await client.list(
      { group, version, resource },
      { labelSelector: `linkerd.io/control-plane-ns=${controlPlane}` },
    );
    for (const item of list.items) {
      const { name = '', namespace } = item.metadata;
      objects.push({
        apiVersion: group ? `${group}/${version}` : version,
        kind,
        metadata: { name, ...(namespace ? { namespace } : {}) },
      });
    }
  }
  await out(
    flags.values.get('output') === 'json'
      ? objects.map((each) => `${JSON.stringify(each, null, 2)}\n`).join('')
      : toYaml(objects),
  );
  return 0;
}
