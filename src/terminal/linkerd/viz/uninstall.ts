import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { installedObjects, reference } from '../installed.ts';
import { printDocuments } from '../multicluster/documents.ts';
import { OUTPUT } from '../multicluster/shared-flags.ts';
import { Failure, type Verb } from '../verb.ts';

const SELECTOR = 'linkerd.io/extension in (linkerd-viz,viz)';
/** What `allow-scrapes` put into namespaces of others. */
const POLICIES: [version: string, resource: string, kind: string][] = [
  ['v1alpha1', 'authorizationpolicies', 'AuthorizationPolicy'],
  ['v1alpha1', 'httproutes', 'HTTPRoute'],
  ['v1beta3', 'servers', 'Server'],
];

export const uninstall: Verb = {
  name: 'uninstall',
  summary: 'Output Kubernetes resources to uninstall the linkerd-viz extension',
  long: `Output Kubernetes resources to uninstall the linkerd-viz extension.

This command provides all Kubernetes namespace-scoped and cluster-scoped resources (e.g services, deployments, RBACs, etc.) necessary to uninstall the Linkerd-viz extension.`,
  examples: 'linkerd viz uninstall | kubectl delete -f -',
  takes: { least: 0, most: 0 },
  flags: [OUTPUT],
  async run(invocation) {
    const { client } = invocation;
    const objects = await installedObjects(client, SELECTOR);
    if (objects.length === 0) throw new Failure('No resources found to uninstall');
    for (const [version, resource, kind] of POLICIES) {
      const group = 'policy.linkerd.io';
      const found = await client.list({ group, version, resource }, { labelSelector: SELECTOR }).catch((error) => {
        if (error instanceof StatusError && error.code === 404) return { items: [] as KubeObject[] };
        throw error;
      });
      objects.push(...found.items.map(({ metadata }) => reference(`${group}/${version}`, kind, metadata)));
    }
    return printDocuments(invocation, objects, 'after');
  },
};
