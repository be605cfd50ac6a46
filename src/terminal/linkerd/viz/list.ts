import type { KubeObject } from '#kube/api/types.ts';
import { isTapDisabled, isTapEnabled } from '#mesh/viz/labels.ts';
import type { Verb } from '../verb.ts';

export const list: Verb = {
  name: 'list',
  summary: 'Lists which pods can be tapped',
  takes: { least: 0, most: 0 },
  flags: [
    { name: 'namespace', short: 'n', type: 'string', usage: 'The namespace to list pods in' },
    { name: 'all-namespaces', short: 'A', usage: 'If present, list pods across all namespaces' },
  ],
  async run({ client, controlPlane, flags, namespace, out }) {
    const everywhere = flags.values.get('all-namespaces') === 'true';
    const target = { group: '', version: 'v1', resource: 'pods', ...(everywhere ? {} : { namespace }) };
    const meshed = (await client.list(target)).items.filter(
      ({ metadata }) => metadata.labels?.['linkerd.io/control-plane-ns'] === controlPlane,
    );
    const groups: [title: string, pods: KubeObject[]][] = [
      ['Pods with tap enabled:', meshed.filter((pod) => !isTapDisabled(pod) && isTapEnabled(pod))],
      ['Pods with tap disabled:', meshed.filter(isTapDisabled)],
      [
        'Pods missing tap configuration (restart these pods to enable tap):',
        meshed.filter((pod) => !isTapDisabled(pod) && !isTapEnabled(pod)),
      ],
    ];
    for (const [title, pods] of groups) {
      const lines = pods.map(({ metadata }) => `\t* ${metadata.namespace}/${metadata.name}\n`);
      if (pods.length > 0) await out(`${title}\n${lines.join('')}`);
    }
    if (meshed.length === 0) await out('No meshed pods found\n');
    return 0;
  },
};
