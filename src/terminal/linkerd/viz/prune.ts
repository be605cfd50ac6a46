import { vizPairs } from '#mesh/viz/install/pairs.ts';
import { renderViz } from '#mesh/viz/install/render.ts';
import { EXTENSION } from '#mesh/viz/labels.ts';
import { INSTALL_FLAGS } from '../install-flags.ts';
import { OUTPUT, refuse } from '../multicluster/shared-flags.ts';
import { extraneous, keyOf } from '../prune.ts';
import { rendered } from '../uninstall.ts';
import type { Verb } from '../verb.ts';
import { WAIT } from './control-plane.ts';
import { valuesOf } from './install.ts';

const VALUES = ['set', 'set-file', 'set-string', 'values'];
/** The dashboard's, which the official extension has and this one leaves out: no leftovers. */
const DASHBOARD = [
  'ClusterRole//linkerd-linkerd-viz-web-api',
  'ClusterRole//linkerd-linkerd-viz-web-check',
  'ClusterRoleBinding//linkerd-linkerd-viz-web-admin',
  'ClusterRoleBinding//linkerd-linkerd-viz-web-api',
  'ClusterRoleBinding//linkerd-linkerd-viz-web-check',
  'Deployment/linkerd-viz/web',
  'Service/linkerd-viz/web',
  'ServiceAccount/linkerd-viz/web',
];

export const prune: Verb = {
  name: 'prune',
  summary: 'Output extraneous Kubernetes resources in the linkerd-viz extension',
  long: 'Output extraneous Kubernetes resources in the linkerd-viz extension.',
  examples: `  # Prune extraneous resources.
  linkerd viz prune | kubectl delete -f -`,
  takes: { least: 0, most: 0 },
  flags: [
    { name: 'ha', usage: 'Set if Linkerd Viz Extension is installed in High Availability mode.' },
    { ...OUTPUT },
    { ...WAIT, usage: 'Wait for extension components to be available' },
    ...INSTALL_FLAGS.filter(({ name }) => VALUES.includes(name)),
  ],
  async run(invocation) {
    const { client, clock, flags, controlPlane, out } = invocation;
    if (flags.values.get('ha') === 'true')
      refuse('--ha is not supported: the extension is installed here without high availability');
    const values = await valuesOf(invocation);
    const objects = renderViz(values, await vizPairs(clock.now())).map(keyOf);
    const dashboard = [...DASHBOARD, `Role/${controlPlane}/web`, `RoleBinding/${controlPlane}/web`];
    const extra = await extraneous(client, new Set([...objects, ...dashboard]), `${EXTENSION}=viz`);
    await out(rendered(extra, flags.values.get('output') ?? 'yaml'));
    return 0;
  },
};
