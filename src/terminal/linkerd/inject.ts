import { parse } from 'yaml';
import { messageOf } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { hasSidecar } from '#mesh/injector/skip.ts';
import { defaultValues } from '#mesh/install/default-values.ts';
import type { Values } from '#mesh/install/values.ts';
import { UsageError } from './flags.ts';
import { annotationsFrom, INJECT_FLAGS } from './inject-flags.ts';
import { injectManually, type Template } from './inject-manual.ts';
import { type Outcome, podTemplate, transformManifests } from './manifests.ts';
import { uninjected } from './uninject.ts';
import { Failure, type Invocation, type Verb } from './verb.ts';

export const inject: Verb = {
  name: 'inject',
  summary: 'Add the Linkerd proxy to a Kubernetes config',
  long: `Add the Linkerd proxy to a Kubernetes config.

You can inject resources contained in a single file, inside a folder and its
sub-folders, or coming from stdin.`,
  usage: '[flags] CONFIG-FILE',
  examples: `  # Inject all the deployments in the default namespace.
  kubectl get deploy -o yaml | linkerd inject - | kubectl apply -f -

  # Injecting a file from a remote URL
  linkerd inject https://url.to/yml | kubectl apply -f -

  # Inject all the resources inside a folder and its sub-folders.
  linkerd inject <folder> | kubectl apply -f -`,
  flags: INJECT_FLAGS,
  run: async (invocation) => {
    const { flags } = invocation;
    const manual = flags.values.get('manual') === 'true';
    if (invocation.args.length < 1) throw new UsageError('please specify a kubernetes resource file');
    const values = flags.values.get('ignore-cluster') === 'true' ? defaultValues() : await installedValues(invocation);
    const config = annotationsFrom(invocation, values);
    return transformManifests(
      invocation,
      async (object) => injected(invocation, object, { values, config, manual }),
      summary,
    );
  },
};

/** The values of the installation; without one nothing can be said about what injection would do. */
async function installedValues({ client, controlPlane }: Invocation): Promise<Values> {
  const target = { group: '', version: 'v1', resource: 'configmaps', namespace: controlPlane };
  try {
    const config = await client.get(target, 'linkerd-config');
    return { ...defaultValues(), ...(parse(config.data?.values ?? '') ?? {}) };
  } catch (error) {
    throw new Failure(`Cannot find Linkerd: ${messageOf(error)}\nValidate the install with: 'linkerd check'`);
  }
}

interface Report {
  kind: string;
  name: string;
  injectable: boolean;
  annotatable: boolean;
  annotated: boolean;
  hostNetwork: boolean;
  sidecar: boolean;
  udp: boolean;
  disabled: boolean;
}

interface Choice {
  values: Values;
  /** What the flags say, as annotations. */
  config: Record<string, string>;
  manual: boolean;
}

const REFUSALS: [keyof Report, string][] = [
  ['hostNetwork', 'hostNetwork is enabled'],
  ['sidecar', 'pod has a sidecar injected already'],
  ['udp', 'UDP port(s) configured on pod spec'],
];

function reportOf(object: KubeObject): Report {
  const template = podTemplate(object);
  const { spec } = template ?? {};
  const hostNetwork = spec?.hostNetwork === true;
  const sidecar = template !== undefined && hasSidecar(spec);
  const disabled = template?.metadata?.annotations?.['linkerd.io/inject'] === 'disabled';
  const containers: { ports?: { protocol?: string }[] }[] = spec?.containers ?? [];
  return {
    kind: (object.kind ?? '').toLowerCase(),
    name: object.metadata?.name ?? object.metadata?.generateName ?? '',
    injectable: template !== undefined && !hostNetwork && !sidecar && !disabled,
    annotatable: template !== undefined || object.kind === 'Service' || object.kind === 'Namespace',
    annotated: false,
    hostNetwork,
    sidecar,
    udp: containers.some(({ ports = [] }) => ports.some(({ protocol }) => protocol === 'UDP')),
    disabled,
  };
}

async function injected(invocation: Invocation, given: KubeObject, choice: Choice): Promise<Outcome<Report>> {
  const { values, config, manual } = choice;
  // What was injected before is taken out first.
  const { object } = uninjected(given);
  if (!object) return { object, report: reportOf(given) };
  const report = reportOf(object);
  const template = podTemplate(object);
  if (template?.metadata?.labels?.['linkerd.io/control-plane-component'] !== undefined && !manual)
    throw new Error('--manual must be set when injecting control plane components');
  if (object.kind === 'Service') {
    const opaque = config['config.linkerd.io/opaque-ports'];
    if (opaque === undefined) return { object, report };
    annotate(object.metadata, { 'config.linkerd.io/opaque-ports': opaque });
    return { object, report: { ...report, annotated: true } };
  }
  if (object.kind === 'Namespace') {
    annotate(object.metadata, { 'linkerd.io/inject': 'enabled', ...config });
    return { object, report: { ...report, annotated: true } };
  }
  if (Object.keys(config).some((name) => !ALWAYS.includes(name))) report.annotated = true;
  if (!report.injectable) {
    const why = REFUSALS.filter(([name]) => report[name]).map(([, words]) => words);
    if (why.length > 0) throw new Error(`failed to inject ${report.kind}/${report.name}: ${why.join(', ')}`);
    return { object, report };
  }
  template!.metadata ??= {};
  if (manual) injectManually(invocation, object, template as Template, values, config);
  else annotate(template!.metadata, { 'linkerd.io/inject': 'enabled', ...config });
  return { object, report };
}

/** These two are put down without being told of. */
const ALWAYS = ['config.linkerd.io/enable-debug-sidecar', 'config.linkerd.io/close-wait-timeout'];

function annotate(metadata: KubeObject['metadata'], annotations: Record<string, string>): void {
  metadata.annotations = { ...metadata.annotations, ...annotations };
}

/** Warnings, then a line an object. */
function summary(reports: Report[]): string {
  const names = (of: keyof Report) => reports.filter((each) => each[of]).map(({ kind, name }) => `${kind}/${name}`);
  const warnings: string[] = [];
  const warn = (of: keyof Report, words: (list: string) => string) => {
    if (names(of).length > 0) warnings.push(`‼ ${words(names(of).join(', '))}\n`);
  };
  warn('hostNetwork', (list) => `"hostNetwork: true" detected in ${list}`);
  warn('sidecar', (list) => `known 3rd party sidecar detected in ${list}`);
  warn('disabled', (list) => `"linkerd.io/inject: disabled" annotation set on ${list}`);
  if (!reports.some(({ injectable, annotatable }) => injectable || annotatable))
    warnings.push('‼ no supported objects found\n');
  warn('udp', (list) => `${list} ${names('udp').length > 1 ? 'use' : 'uses'} "protocol: UDP"`);
  const lines = reports.map(({ kind, name, injectable, annotated }) => {
    if (kind === '') return 'document missing "kind" field, skipped\n';
    return `${kind} "${name}" ${injectable ? 'injected' : annotated ? 'annotated' : 'skipped'}\n`;
  });
  return `${warnings.join('')}${warnings.length > 0 ? '\n' : ''}${lines.join('')}`;
}
