import { parse } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { merged, setPath, setPaths } from '#mesh/install/overrides.ts';
import { vizPairs } from '#mesh/viz/install/pairs.ts';
import { renderViz } from '#mesh/viz/install/render.ts';
import { HIGH_AVAILABILITY, type VizValues, vizDefaults } from '#mesh/viz/install/values.ts';
import { INSTALL_FLAGS } from '../install-flags.ts';
import { printDocuments } from '../multicluster/documents.ts';
import { OUTPUT, refuse, textOf } from '../multicluster/shared-flags.ts';
import { readText } from '../read-text.ts';
import type { Invocation, Verb } from '../verb.ts';
import { requireControlPlane, WAIT } from './control-plane.ts';

export const install: Verb = {
  name: 'install',
  summary: 'Output Kubernetes resources to install linkerd-viz extension',
  long: `Output Kubernetes resources to install linkerd-viz extension.

Here that is its metrics API, Prometheus and tap; the dashboard is left out, as the
node of this cluster does not run it.`,
  examples: `  # Default install.
  linkerd viz install | kubectl apply -f -

The installation can be configured by using the --set, --values, --set-string and --set-file flags.`,
  takes: { least: 0, most: 0 },
  flags: [
    { name: 'skip-checks', usage: 'Skip checks for linkerd core control-plane existence' },
    {
      name: 'ignore-cluster',
      usage: 'Ignore the current Kubernetes cluster when checking for existing cluster configuration (default false)',
    },
    { name: 'ha', usage: 'Install Viz Extension in High Availability mode.' },
    { ...OUTPUT },
    WAIT,
    ...INSTALL_FLAGS.filter(({ name }) => ['set', 'set-file', 'set-string', 'values'].includes(name)),
  ],
  async run(invocation) {
    const values = await valuesOf(invocation);
    let objects: KubeObject[];
    try {
      objects = renderViz(values, await vizPairs(invocation.clock.now()));
    } catch (error) {
      refuse((error as Error).message);
    }
    return printDocuments(invocation, objects!);
  },
};

/** The values that the flags of `install` ask for. */
export async function valuesOf(invocation: Invocation): Promise<VizValues> {
  const { flags, controlPlane } = invocation;
  let values = vizDefaults();
  values.linkerdNamespace = controlPlane;
  const on = (name: string) => textOf(invocation, name) === 'true';
  if (!on('ignore-cluster') && !on('skip-checks')) {
    values.cniEnabled = (await requireControlPlane(invocation)).cniEnabled;
  }
  if (on('ha')) values = merged(values, HIGH_AVAILABILITY);
  for (const path of flags.all.get('values') ?? []) {
    values = merged(values, parse(await readText(invocation, path)) ?? {});
  }
  try {
    for (const each of flags.all.get('set') ?? []) setPaths(values, each);
    for (const each of flags.all.get('set-string') ?? []) setPaths(values, each, 'string');
  } catch (error) {
    refuse((error as Error).message);
  }
  for (const each of flags.all.get('set-file') ?? []) {
    const [path = '', file = ''] = each.split('=', 2);
    setPath(values, path.split('.'), await readText(invocation, file));
  }
  return values;
}
