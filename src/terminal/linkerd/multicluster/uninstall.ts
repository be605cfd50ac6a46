import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { LINK } from '#mesh/multicluster/labels.ts';
import { installedObjects } from '../installed.ts';
import { Failure, type Verb } from '../verb.ts';
import { printDocuments } from './documents.ts';
import { OUTPUT, refuse } from './shared-flags.ts';

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
    const selector = 'linkerd.io/extension in (multicluster,linkerd-multicluster)';
    // Everything else goes with the namespace.
    const objects = await installedObjects(client, selector);
    if (objects.length === 0) throw new Failure('No resources found to uninstall');
    return printDocuments(invocation, objects, 'after');
  },
};
