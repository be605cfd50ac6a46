import { isQuantity, type OverrideContext, overriddenValues } from '#mesh/injector/overrides.ts';
import type { Values } from '#mesh/install/values.ts';
import { NO_QUANTITY } from './apply-flags.ts';
import { type Flag, UsageError } from './flags.ts';
import { goDuration, goDurationText, type Invocation } from './verb.ts';

/** Flags that become an annotation of the pod, without the prefix `config.linkerd.io/`. */
interface AnnotationFlag extends Flag {
  annotation?: string;
}

export const INJECT_FLAGS: AnnotationFlag[] = [
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

const NOTHING: OverrideContext = { ports: new Map(), additionalEnv: [] };

/**
 * The annotations that stand for the flags given. A flag that says what the installation's values say already leaves none.
 */
export function annotationsFrom({ flags }: Invocation, base: Values): Record<string, string> {
  const out: Record<string, string> = {};
  const before = JSON.stringify(overriddenValues(base, {}, NOTHING));
  for (const flag of INJECT_FLAGS) {
    const given = flags.all.get(flag.name);
    if (given === undefined || !flag.annotation) continue;
    const name = `config.linkerd.io/${flag.annotation}`;
    const value = flag.type === 'strings' ? given.join(',') : given.at(-1)!;
    const text = flag.type === 'duration' ? goDurationText(goDuration(value)) : value;
    if (flag.name.startsWith('proxy-cpu') && !isQuantity(text)) throw new UsageError(NO_QUANTITY);
    // What is no policy is passed on, and means nothing to the injector.
    const policy = flag.name === 'default-inbound-policy' && text !== base['proxy'].defaultInboundPolicy;
    const changed = policy || JSON.stringify(overriddenValues(base, { [name]: text }, NOTHING)) !== before;
    if (changed || flag.name === 'enable-debug-sidecar') out[name] = text;
  }
  const wait = flags.values.get('wait-before-exit-seconds');
  if (wait !== undefined && Number(wait) !== base['proxy'].waitBeforeExitSeconds)
    out['config.alpha.linkerd.io/proxy-wait-before-exit-seconds'] = wait;
  const registry = flags.values.get('registry');
  if (registry !== undefined) {
    const image = base['proxy'].image.name.replace(/^cr\.l5d\.io\/linkerd/, registry);
    if (image !== base['proxy'].image.name) {
      out['config.linkerd.io/debug-image'] = base['debugContainer'].image.name.replace(
        /^cr\.l5d\.io\/linkerd/,
        registry,
      );
      out['config.linkerd.io/proxy-image'] = image;
    }
  }
  if (flags.values.get('ingress') === 'true') out['linkerd.io/inject'] = 'ingress';
  return out;
}
