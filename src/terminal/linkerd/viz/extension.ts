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

/** Fails where the extension is not installed. */
export async function requireViz({ client, flags }: Invocation): Promise<void> {
  const { items } = await client.list({ group: '', version: 'v1', resource: 'namespaces' });
  const named = flags.values.get(VIZ_NAMESPACE.name);
  const problem = named
    ? namedProblem(named, items.find(({ metadata }) => metadata.name === named)?.metadata)
    : items.some(({ metadata }) => metadata.labels?.[EXTENSION] === 'viz')
      ? undefined
      : `namespace with label "${EXTENSION}: viz" not found`;
  if (problem)
    throw new Failure(`Cannot connect to Linkerd Viz: ${problem}\nValidate the install with: linkerd viz check`);
}

function namedProblem(name: string, found: { labels?: Record<string, string> } | undefined): string | undefined {
  if (!found) return `namespaces ${JSON.stringify(name)} not found`;
  return found.labels?.[EXTENSION] === 'viz' ? undefined : 'This is not a linkerd-viz namespace';
}
