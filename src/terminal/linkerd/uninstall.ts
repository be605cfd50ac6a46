import type { KubeObject } from '#kube/api/types.ts';
import { goYaml } from '#mesh/install/config.ts';
import { UsageError } from './flags.ts';
import { installedObjects } from './installed.ts';
import type { Invocation, Verb } from './verb.ts';

export const uninstall: Verb = {
  name: 'uninstall',
  summary: 'Output Kubernetes resources to uninstall Linkerd control plane',
  long: `Output Kubernetes resources to uninstall Linkerd control plane.

This command provides all Kubernetes namespace-scoped and cluster-scoped resources (e.g services, deployments, RBACs, etc.) necessary to uninstall Linkerd control plane.`,
  examples: `  linkerd uninstall | kubectl delete -f -`,
  flags: [
    { name: 'force', short: 'f', usage: 'Force uninstall even if there exist non-control-plane injected pods' },
    { name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format. One of: json|yaml' },
  ],
  takes: { least: 0, most: 0 },
  run,
};

/** On everything of any control plane and on every meshed pod. */
const CONTROL_PLANE = 'linkerd.io/control-plane-ns';

async function run(invocation: Invocation): Promise<number> {
  const { client, controlPlane, flags, out } = invocation;
  if (flags.values.get('force') !== 'true') {
    let refused = false;
    const labelled = await client.list(
      { group: '', version: 'v1', resource: 'namespaces' },
      { labelSelector: 'linkerd.io/extension' },
    );
    const extensions = new Map(
      labelled.items.map(({ metadata }) => [metadata.name, metadata.labels?.['linkerd.io/extension']]),
    );
    if (extensions.size > 0) {
      const names = [...extensions.values()].map((name) => `* ${name}`);
      await invocation.err(
        `Please uninstall the following extensions before uninstalling the control-plane:\n\t${names.join('\n\t')}\n`,
      );
      refused = true;
    }
    const pods = await client.list({ group: '', version: 'v1', resource: 'pods' }, { labelSelector: CONTROL_PLANE });
    const meshed = pods.items.filter(
      ({ metadata }) => metadata.namespace !== controlPlane && !extensions.has(metadata.namespace),
    );
    if (meshed.length > 0) {
      const names = meshed.map((pod) => `* ${pod.metadata.name}`);
      await invocation.err(
        `Please uninject the following pods before uninstalling the control-plane:\n\t${names.join('\n\t')}\n`,
      );
      refused = true;
    }
    if (refused) return 1;
  }
  const objects = await installedObjects(client, CONTROL_PLANE);
  if (objects.length === 0) await invocation.err('No resources found to uninstall\n');
  else await out(rendered(objects, flags.values.get('output') ?? 'yaml'));
  return 0;
}

/** References to objects, as `uninstall` and `prune` print them: enough to delete them by. */
export function rendered(objects: KubeObject[], format: string): string {
  if (format === 'json') return objects.map((each) => `${JSON.stringify(each)}\n`).join('');
  if (format !== 'yaml') throw new UsageError(`unsupported format ${format}`);
  return objects.map((each) => `${goYaml(each)}---\n`).join('');
}
