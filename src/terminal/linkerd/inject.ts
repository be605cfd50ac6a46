import { parseAllDocuments, stringify } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import type { Flag } from './flags.ts';
import { UsageError } from './flags.ts';
import { readText } from './install-flags.ts';
import { goDuration, goDurationText, type Invocation, type Verb } from './verb.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests are plain JSON.
type Json = any;

/** Flags that become an annotation of the pod, without the prefix `config.linkerd.io/`. */
interface AnnotationFlag extends Flag {
  annotation?: string;
}

const FLAGS: AnnotationFlag[] = [
  {
    name: 'admin-port',
    type: 'uint',
    default: '4191',
    annotation: 'admin-port',
    usage: 'Proxy port to serve metrics on',
  },
  {
    name: 'close-wait-timeout',
    type: 'duration',
    annotation: 'close-wait-timeout',
    usage: 'Sets nf_conntrack_tcp_timeout_close_wait',
  },
  {
    name: 'control-port',
    type: 'uint',
    default: '4190',
    annotation: 'control-port',
    usage: 'Proxy port to use for control',
  },
  {
    name: 'default-inbound-policy',
    type: 'string',
    default: '"all-unauthenticated"',
    annotation: 'default-inbound-policy',
    usage: 'Inbound policy to use to control inbound access to the proxy',
  },
  {
    name: 'enable-debug-sidecar',
    annotation: 'enable-debug-sidecar',
    usage: 'Inject a debug sidecar for data plane debugging',
  },
  {
    name: 'enable-external-profiles',
    annotation: 'enable-external-profiles',
    usage: 'Enable service profiles for non-Kubernetes services',
  },
  {
    name: 'ignore-cluster',
    usage: 'Ignore the current Kubernetes cluster when checking for existing cluster configuration (default false)',
  },
  {
    name: 'inbound-port',
    type: 'uint',
    default: '4143',
    annotation: 'inbound-port',
    usage: 'Proxy port to use for inbound traffic',
  },
  { name: 'ingress', usage: 'Enable ingress mode in the linkerd proxy' },
  {
    name: 'manual',
    usage:
      "Include the proxy sidecar container spec in the YAML output (the auto-injector won't pick it up, so config annotations aren't supported) (default false)",
  },
  { name: 'native-sidecar', annotation: 'proxy-enable-native-sidecar', usage: 'Enable native sidecar' },
  {
    name: 'opaque-ports',
    type: 'strings',
    default: '[25,587,3306,4444,5432,6379,9300,11211]',
    annotation: 'opaque-ports',
    usage: 'Set opaque ports on the proxy',
  },
  {
    name: 'outbound-port',
    type: 'uint',
    default: '4140',
    annotation: 'outbound-port',
    usage: 'Proxy port to use for outbound traffic',
  },
  { name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format, one of: json|yaml' },
  {
    name: 'proxy-cpu-limit',
    type: 'string',
    annotation: 'proxy-cpu-limit',
    usage: 'Maximum amount of CPU units that the proxy sidecar can use',
  },
  {
    name: 'proxy-cpu-request',
    type: 'string',
    annotation: 'proxy-cpu-request',
    usage: 'Amount of CPU units that the proxy sidecar requests',
  },
  {
    name: 'proxy-gid',
    type: 'int',
    default: '-1',
    annotation: 'proxy-gid',
    usage: 'Run the proxy under this group ID',
  },
  {
    name: 'proxy-log-level',
    type: 'string',
    default: '"warn,linkerd=info,hickory=error"',
    annotation: 'proxy-log-level',
    usage: 'Log level for the proxy',
  },
  {
    name: 'proxy-memory-limit',
    type: 'string',
    annotation: 'proxy-memory-limit',
    usage: 'Maximum amount of Memory that the proxy sidecar can use',
  },
  {
    name: 'proxy-memory-request',
    type: 'string',
    annotation: 'proxy-memory-request',
    usage: 'Amount of Memory that the proxy sidecar requests',
  },
  {
    name: 'proxy-uid',
    type: 'int',
    default: '2102',
    annotation: 'proxy-uid',
    usage: 'Run the proxy under this user ID',
  },
  {
    name: 'registry',
    type: 'string',
    default: '"cr.l5d.io/linkerd"',
    usage: 'Docker registry to pull images from ($LINKERD_DOCKER_REGISTRY)',
  },
  {
    name: 'require-identity-on-inbound-ports',
    type: 'strings',
    annotation: 'proxy-require-identity-inbound-ports',
    usage: 'Inbound ports on which the proxy should require identity',
  },
  {
    name: 'skip-inbound-ports',
    type: 'strings',
    annotation: 'skip-inbound-ports',
    usage: 'Ports and/or port ranges (inclusive) that should skip the proxy and send directly to the application',
  },
  {
    name: 'skip-outbound-ports',
    type: 'strings',
    annotation: 'skip-outbound-ports',
    usage: 'Outbound ports and/or port ranges (inclusive) that should skip the proxy',
  },
  {
    name: 'wait-before-exit-seconds',
    type: 'int',
    usage:
      'The period during which the proxy sidecar must stay alive while its pod is terminating. Must be smaller than terminationGracePeriodSeconds for the pod (default 0)',
  },
];

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
  flags: FLAGS,
  run: (invocation) => transform(invocation, (object) => injected(invocation, object)),
};

export const uninject: Verb = {
  name: 'uninject',
  summary: 'Remove the Linkerd proxy from a Kubernetes config',
  long: `Remove the Linkerd proxy from a Kubernetes config.

You can uninject resources contained in a single file, inside a folder and its
sub-folders, or coming from stdin.`,
  usage: '[flags] CONFIG-FILE',
  examples: `  # Uninject all the deployments in the default namespace.
  kubectl get deploy -o yaml | linkerd uninject - | kubectl apply -f -`,
  flags: [{ name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format, one of: json|yaml' }],
  run: (invocation) => transform(invocation, async (object) => uninjected(object)),
};

/** What became of an object, and what is said about it. */
interface Outcome {
  object: KubeObject;
  said: string;
}

async function transform(invocation: Invocation, change: (object: KubeObject) => Promise<Outcome>): Promise<number> {
  const { args, flags, out, err } = invocation;
  if (args.length !== 1) throw new UsageError('please specify a kubernetes resource file');
  const report: string[] = [];
  const one = async (object: KubeObject): Promise<KubeObject> => {
    if (object.kind === 'List' || object.kind?.endsWith('List')) {
      return { ...object, items: await Promise.all((object.items ?? []).map(one)) };
    }
    const outcome = await change(withoutEmptyParts(object));
    report.push(`${object.kind.toLowerCase()} "${object.metadata?.name ?? ''}" ${outcome.said}`);
    return outcome.object;
  };
  for (const text of await documents(invocation, args[0]!)) {
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as KubeObject | null;
      if (!object) continue;
      const result = await one(object);
      if (flags.values.get('output') === 'json') await out(`${JSON.stringify(result, null, 2)}\n`);
      else await out(`${stringify(result, { sortMapEntries: true, lineWidth: 0, indentSeq: false })}---\n`);
    }
  }
  await err(`\n${report.join('\n')}\n\n`);
  return 0;
}

/** A file, stdin for `-`, or every YAML file of a folder. */
async function documents(invocation: Invocation, path: string): Promise<string[]> {
  const { fs, cwd } = invocation.context;
  if (path === '-') return [await readText(invocation, path)];
  const whole = fs.resolvePath(cwd, path);
  const isFolder = await fs.stat(whole).then(
    (stat) => stat.isDirectory,
    () => false,
  );
  if (!isFolder) return [await readText(invocation, path)];
  const texts: string[] = [];
  for (const name of (await fs.readdir(whole)).sort()) {
    if (/\.(ya?ml|json)$/.test(name)) texts.push(await fs.readFile(`${whole}/${name}`));
  }
  return texts;
}

/** kubectl's dry run prints zero values, which typed objects do not have when they are written again. */
function withoutEmptyParts(object: KubeObject): KubeObject {
  return JSON.parse(
    JSON.stringify(object, (key, value) => {
      const hollow = value !== null && typeof value === 'object' && Object.keys(value).length === 0;
      if (hollow && ['status', 'strategy', 'resources'].includes(key)) return undefined;
      return key === 'creationTimestamp' && value === null ? undefined : value;
    }),
  );
}

const WORKLOADS = ['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet', 'ReplicationController', 'Job'];

/** Metadata and spec of the pods that an object makes; undefined when it makes none. */
export function podTemplate(object: KubeObject): { metadata: Json; spec: Json } | undefined {
  if (object.kind === 'Pod') return object as Json;
  const template =
    object.kind === 'CronJob'
      ? object.spec?.jobTemplate?.spec?.template
      : WORKLOADS.includes(object.kind)
        ? object.spec?.template
        : undefined;
  if (template) template.metadata ??= {};
  return template;
}

function annotationsFrom({ flags }: Invocation): Record<string, string> {
  const out: Record<string, string> = {};
  for (const flag of FLAGS) {
    const value = flags.values.get(flag.name);
    if (value === undefined || !flag.annotation) continue;
    out[`config.linkerd.io/${flag.annotation}`] = flag.type === 'duration' ? goDurationText(goDuration(value)) : value;
  }
  const wait = flags.values.get('wait-before-exit-seconds');
  if (wait !== undefined) out['config.alpha.linkerd.io/proxy-wait-before-exit-seconds'] = wait;
  return out;
}

async function injected(invocation: Invocation, object: KubeObject): Promise<Outcome> {
  const { flags } = invocation;
  const config = annotationsFrom(invocation);
  const mode = flags.values.get('ingress') === 'true' ? 'ingress' : 'enabled';
  if (object.kind === 'Namespace') {
    object.metadata.annotations = { ...object.metadata.annotations, 'linkerd.io/inject': mode, ...config };
    return { object, said: 'injected' };
  }
  if (object.kind === 'Service') {
    const opaque = config['config.linkerd.io/opaque-ports'];
    if (opaque === undefined) return { object, said: 'skipped' };
    object.metadata.annotations = { ...object.metadata.annotations, 'config.linkerd.io/opaque-ports': opaque };
    return { object, said: 'annotated' };
  }
  const template = podTemplate(object);
  if (!template) return { object, said: 'skipped' };
  if (template.spec?.hostNetwork) return { object, said: 'skipped' };
  if (template.metadata.annotations?.['linkerd.io/inject'] === 'disabled') return { object, said: 'skipped' };
  if (flags.values.get('manual') === 'true') {
    const { injectManually } = await import('./inject-manual.ts');
    await injectManually(invocation, object, template, config);
    return { object, said: 'injected' };
  }
  template.metadata.annotations = { ...template.metadata.annotations, 'linkerd.io/inject': mode, ...config };
  return { object, said: 'injected' };
}

const OURS = /^(config\.(alpha\.|beta\.)?)?linkerd\.io\//;
const LABELS = /^linkerd\.io\/(control-plane-ns|workload-ns|proxy-)/;
const CONTAINERS = ['linkerd-proxy', 'linkerd-init', 'linkerd-debug', 'linkerd-network-validator'];
const VOLUMES = ['linkerd-proxy-init-xtables-lock', 'linkerd-identity-end-entity', 'linkerd-identity-token'];

function dropKeys(holder: Json, field: string, pattern: RegExp): boolean {
  const map: Record<string, string> | undefined = holder?.[field];
  if (!map) return false;
  const left = Object.entries(map).filter(([key]) => !pattern.test(key));
  const changed = left.length !== Object.keys(map).length;
  if (left.length > 0) holder[field] = Object.fromEntries(left);
  else delete holder[field];
  return changed;
}

function dropNamed(spec: Json, field: string, names: string[]): boolean {
  const list: { name: string }[] | undefined = spec?.[field];
  if (!list) return false;
  const left = list.filter((each) => !names.includes(each.name));
  if (left.length > 0) spec[field] = left;
  else delete spec[field];
  return left.length !== list.length;
}

function uninjected(object: KubeObject): Outcome {
  const template = podTemplate(object);
  const holder = template?.metadata ?? object.metadata;
  let changed = dropKeys(holder, 'annotations', OURS);
  if (template) {
    changed = dropKeys(holder, 'labels', LABELS) || changed;
    for (const field of ['containers', 'initContainers'])
      changed = dropNamed(template.spec, field, CONTAINERS) || changed;
    changed = dropNamed(template.spec, 'volumes', VOLUMES) || changed;
  }
  return { object, said: changed ? 'uninjected' : 'skipped' };
}
