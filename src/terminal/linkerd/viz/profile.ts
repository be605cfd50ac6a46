import type { KubeObject } from '#kube/api/types.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { goYaml } from '#mesh/install/config.ts';
import { UsageError } from '../flags.ts';
import { linkerdValues } from '../multicluster/config.ts';
import { checkNames } from '../profile.ts';
import { quoted } from '../profile-routes.ts';
import { Failure, goDuration, type Invocation, type Verb } from '../verb.ts';
import { requireViz } from './extension.ts';
import { resourceIn } from './kinds.ts';
import { flag } from './stat-flags.ts';
import { openTap } from './tap-events.ts';
import { methodText } from './tap-lines.ts';

const INBOUND = 1;
const TAPPED = [
  'cronjob',
  'daemonset',
  'deployment',
  'job',
  'namespace',
  'pod',
  'replicaset',
  'replicationcontroller',
  'statefulset',
];

export const profile: Verb = {
  name: 'profile',
  summary: 'Output service profile config for Kubernetes based off tap data',
  long: 'Output service profile config for Kubernetes based off tap data.',
  usage: '[flags] --tap resource (SERVICE)',
  examples: `  # Generate a profile by watching live traffic.
  linkerd viz profile -n emojivoto web-svc --tap deploy/web --tap-duration 10s --tap-route-limit 5
`,
  takes: { least: 1, most: 1 },
  flags: [
    flag('tap', 'Output a service profile based on tap data for the given target resource'),
    {
      name: 'tap-duration',
      type: 'duration',
      default: '5s',
      usage: 'Duration over which tap data is collected (for example: "10s", "1m", "10m")',
    },
    { name: 'tap-route-limit', type: 'uint', default: '20', usage: 'Max number of routes to add to the profile' },
    flag('namespace', 'Namespace of the service', { short: 'n' }),
    flag('output', 'Output format. One of: yaml, json', { short: 'o', default: '"yaml"' }),
  ],
  async run(invocation) {
    const { args, flags, namespace, out } = invocation;
    await requireViz(invocation);
    const tapped = flags.values.get('tap') ?? '';
    if (!tapped) throw new UsageError('The --tap flag must be specified');
    checkNames(args[0]!, namespace);
    const { clusterDomain } = await linkerdValues(invocation, (why) => {
      throw new UsageError(why);
    });
    const routes = await watchedRoutes(invocation, targetIn(namespace, tapped));
    const name = `${args[0]}.${namespace}.svc.${clusterDomain || 'cluster.local'}`;
    const object: KubeObject = {
      kind: 'ServiceProfile',
      apiVersion: 'linkerd.io/v1alpha2',
      metadata: { name, namespace },
      spec: routes.length > 0 ? { routes } : {},
    };
    const format = flags.values.get('output') ?? 'yaml';
    if (format === 'json') await out(JSON.stringify(object));
    else if (format === 'yaml') await out(goYaml(object));
    else throw new UsageError('output format must be one of yaml or json');
    return 0;
  },
};

function targetIn(namespace: string, argument: string): Message {
  let target: Message;
  try {
    target = resourceIn(namespace, argument);
  } catch (error) {
    throw new UsageError(`target resource invalid: ${(error as Error).message}`);
  }
  if (!TAPPED.includes(target['type'])) throw new UsageError(`unsupported resource type [${target['type']}]`);
  return target;
}

/** A route a method and path that reach the target while it is watched, but for `/`; by name. */
async function watchedRoutes(invocation: Invocation, resource: Message): Promise<object[]> {
  const { flags, clock, context } = invocation;
  const limit = Number(flags.values.get('tap-route-limit') ?? 20);
  const over = new AbortController();
  const timer = clock.setTimeout(() => over.abort(), goDuration(flags.values.get('tap-duration') ?? '5s'));
  const signal = AbortSignal.any([context.signal, over.signal]);
  const routes = new Map<string, object>();
  const request = { target: { resource }, match: { all: { matches: [] } }, extract: {} };
  try {
    const events = await openTap({ ...invocation, context: { ...context, signal } } as Invocation, request);
    for await (const event of events) {
      const route = routeOf(event);
      if (route) routes.set(route.name, route);
      if (routes.size >= limit) break;
    }
  } catch (error) {
    context.signal.throwIfAborted();
    if (!over.signal.aborted) throw error instanceof Failure ? new UsageError(error.message) : error;
  } finally {
    timer.cancel();
    over.abort();
  }
  return [...routes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, route]) => route);
}

function routeOf(event: Message): { name: string } | undefined {
  const request = event['http']?.request_init;
  const path: string = request?.path ?? '';
  if (event['proxy_direction'] !== INBOUND || !request || path === '/') return undefined;
  const method = methodText(request.method);
  const condition = { pathRegex: quoted(path).replace(/\\\{[^}]*\\\}/g, '[^/]*'), method };
  return { name: `${method} ${path}`, condition } as { name: string };
}
