import type { KubeObject } from '#kube/api/types.ts';
import { type Outcome, podTemplate, transformManifests } from './manifests.ts';
import type { Verb } from './verb.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests are plain JSON.
type Json = any;

interface Report {
  kind: string;
  name: string;
  uninjected: boolean;
}

export const uninject: Verb = {
  name: 'uninject',
  summary: 'Remove the Linkerd proxy from a Kubernetes config',
  long: `Remove the Linkerd proxy from a Kubernetes config.

You can uninject resources contained in a single file, inside a folder and its
sub-folders, or coming from stdin.`,
  usage: '[flags] CONFIG-FILE',
  examples: `  # Uninject all the deployments in the default namespace.
  kubectl get deploy -o yaml | linkerd uninject - | kubectl apply -f -

  # Uninject all the resources inside a folder and its sub-folders.
  linkerd uninject <folder> | kubectl apply -f -`,
  flags: [{ name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format, one of: json|yaml' }],
  run: (invocation) =>
    transformManifests(
      invocation,
      async (object) => uninjected(object),
      (reports) =>
        reports
          .map(({ kind, name, uninjected: done }) =>
            kind === ''
              ? 'document missing "kind" field, skipped\n'
              : `${kind} "${name}" ${done ? 'uninjected' : 'skipped'}\n`,
          )
          .join(''),
    ),
};

const CONTAINERS = ['linkerd-proxy', 'linkerd-init'];
const VOLUMES = ['linkerd-proxy-init-xtables-lock', 'linkerd-identity-end-entity', 'linkerd-identity-token'];
const OURS = /^linkerd\.io/;

/** Takes what injection put in out of an object. What configures the proxy (`config.linkerd.io/…`) stays. */
export function uninjected(object: KubeObject): Outcome<Report> {
  const template = podTemplate(object);
  const report = {
    kind: (object.kind ?? '').toLowerCase(),
    name: object.metadata?.name ?? object.metadata?.generateName ?? '',
    uninjected: false,
  };
  if (!template && object.kind !== 'Namespace' && object.kind !== 'Service') return { object: undefined, report };
  const dropped: boolean[] = [];
  if (template) {
    for (const field of ['containers', 'initContainers']) dropped.push(dropNamed(template.spec, field, CONTAINERS));
    dropNamed(template.spec, 'volumes', VOLUMES);
  }
  for (const metadata of new Set([object.metadata, template?.metadata])) {
    // The control plane is injected by hand, and keeps its labels through it.
    if (!metadata || metadata.labels?.['linkerd.io/control-plane-component'] !== undefined) continue;
    dropped.push(dropKeys(metadata, 'annotations'));
    dropKeys(metadata, 'labels');
  }
  return { object, report: { ...report, uninjected: dropped.includes(true) } };
}

function dropKeys(metadata: Json, field: 'annotations' | 'labels'): boolean {
  const map: Record<string, string> = metadata[field] ?? {};
  const left = Object.entries(map).filter(
    ([key, value]) => !OURS.test(key) || (key === 'linkerd.io/inject' && value === 'disabled'),
  );
  const changed = left.length !== Object.keys(map).length;
  if (left.length > 0) metadata[field] = Object.fromEntries(left);
  else delete metadata[field];
  return changed;
}

function dropNamed(spec: Json, field: string, names: string[]): boolean {
  const list: { name: string }[] | undefined = spec?.[field];
  if (!list) return false;
  const left = list.filter((each) => !names.includes(each.name));
  // A pod always has the key of its containers.
  if (left.length > 0 || field === 'containers') spec[field] = left;
  else delete spec[field];
  return left.length !== list.length;
}
