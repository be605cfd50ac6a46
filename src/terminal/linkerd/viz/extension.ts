import type { KubeObject } from '#kube/api/types.ts';
import { EXTENSION } from '#mesh/viz/labels.ts';
import { type Flag, GLOBAL_FLAGS } from '../flags.ts';
import { Failure, type Invocation } from '../verb.ts';

const VIZ_NAMESPACE: Flag = {
  name: 'viz-namespace',
  type: 'string',
  usage: "Name of the linkerd-viz namespace. If not set, it's automatically detected",
};

/** The extension says the same of these flags in its own words, and has one more. */
export const VIZ_GLOBALS: Flag[] = [
  ...GLOBAL_FLAGS.map((flag) =>
    flag.name === 'linkerd-namespace' ? { ...flag, usage: 'Namespace in which Linkerd is installed' } : flag,
  ),
  VIZ_NAMESPACE,
];

/** The extension's namespace. Throws an Error that says why there is none. */
export async function vizNamespace({ client, flags }: Pick<Invocation, 'client' | 'flags'>): Promise<KubeObject> {
  const { items } = await client.list({ group: '', version: 'v1', resource: 'namespaces' });
  const named = flags.values.get(VIZ_NAMESPACE.name);
  const found = items.find(({ metadata }) =>
    named ? metadata.name === named : metadata.labels?.[EXTENSION] === 'viz',
  );
  const problem = named
    ? namedProblem(named, found?.metadata)
    : found
      ? undefined
      : `namespace with label "${EXTENSION}: viz" not found`;
  if (problem) throw new Error(problem);
  return found!;
}

/** Whether the extension is there, or is said to be. */
export async function isInstalled({ client, flags }: Pick<Invocation, 'client' | 'flags'>): Promise<boolean> {
  if (flags.values.get(VIZ_NAMESPACE.name)) return true;
  const labelSelector = `${EXTENSION}=viz`;
  return (await client.list({ group: '', version: 'v1', resource: 'namespaces' }, { labelSelector })).items.length > 0;
}

/** A pod of the extension's metrics API. Fails where the extension is not installed, or no such pod runs. */
export async function requireViz(invocation: Invocation): Promise<KubeObject> {
  try {
    const { metadata } = await vizNamespace(invocation);
    return await podOf(invocation, metadata.name ?? '', 'metrics-api');
  } catch (error) {
    const why = (error as Error).message;
    throw new Failure(`Cannot connect to Linkerd Viz: ${why}\nValidate the install with: linkerd viz check`);
  }
}

/** A running pod of a Deployment of the extension. Throws an Error in upstream's words. */
export async function podOf(
  { client }: Pick<Invocation, 'client'>,
  namespace: string,
  component: string,
): Promise<KubeObject> {
  const labelSelector = `component=${component}`;
  const { items } = await client.list({ group: '', version: 'v1', resource: 'pods', namespace }, { labelSelector });
  const found = items.find(({ status }) => status?.phase === 'Running');
  if (!found) throw new Error(`no running pods found for ${component}`);
  return found;
}

function namedProblem(name: string, found: { labels?: Record<string, string> } | undefined): string | undefined {
  if (!found) return `namespaces ${JSON.stringify(name)} not found`;
  return found.labels?.[EXTENSION] === 'viz' ? undefined : 'This is not a linkerd-viz namespace';
}
