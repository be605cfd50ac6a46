import type { Message } from '#mesh/api/protobuf.ts';
import { STAT_SUMMARY } from '#mesh/viz/metrics-api/viz-api.ts';
import { UsageError } from '../flags.ts';
import { Failure, type Invocation, type Verb } from '../verb.ts';
import { resourceIn, resourcesIn } from './kinds.ts';
import { answered } from './metrics-api.ts';
import { allNamespaces, flag, NAMESPACE, OUTPUT, SELECTOR, TO_NAMESPACE, WINDOW, windowIn } from './stat-flags.ts';
import { statJson, statRows, statTables } from './stat-tables.ts';
import { podsIn, statsSource } from './stats-source.ts';

export const stat: Verb = {
  name: 'stat',
  summary: 'Display traffic stats about one or many resources',
  long: `Display traffic stats about one or many resources.

  The RESOURCES argument specifies the target resource(s) to aggregate stats over:
  (TYPE [NAME] | TYPE/NAME)
  or (TYPE [NAME1] [NAME2]...)
  or (TYPE1/NAME1 TYPE2/NAME2...)

  Types are those of workloads, namespaces, services, and of the mesh's policy (servers,
  serverauthorizations, authorizationpolicies, httproutes); "all" is every workload and service.
  Services and policy cannot be in --from, nor policy in --to.

What has ended is left out. Without a name, all resources of the type are shown.`,
  usage: '[flags] (RESOURCES)',
  examples: `  # Get all deployments in the test namespace.
  linkerd viz stat deployments -n test

  # Get all pods in all namespaces that call the hello1 deployment in the test namespace.
  linkerd viz stat pods --to deploy/hello1 --to-namespace test --all-namespaces

  # Get the web service, as its meshed clients see it.
  linkerd viz stat svc/web`,
  takes: { least: 1, most: Number.POSITIVE_INFINITY },
  flags: [
    allNamespaces('stats'),
    NAMESPACE,
    WINDOW,
    flag('to', 'If present, restricts outbound stats to the specified resource name'),
    TO_NAMESPACE,
    flag('from', 'If present, restricts outbound stats from the specified resource name'),
    flag(
      'from-namespace',
      'Sets the namespace used from lookup the "--from" resource; by default the current "--namespace" is used',
    ),
    OUTPUT,
    SELECTOR,
    { name: 'unmeshed', usage: 'If present, include unmeshed resources in the output' },
  ],
  async run(invocation) {
    const { flags, out, err } = invocation;
    const on = (name: string) => flags.values.get(name) === 'true';
    const requests = requestsOf(invocation);
    const source = await statsSource(invocation, () => podsIn(invocation, placeOf(requests)));
    const found = await Promise.all(requests.map((request) => rowsOf(source.ask(STAT_SUMMARY, request))));
    const rows = statRows(found.flat(), { unmeshed: on('unmeshed') || (flags.values.get('from') ?? '') !== '' });
    const output = flags.values.get('output') || 'table';
    if (output === 'json') await out(statJson(rows));
    else if (rows.length === 0) await err('No traffic found.\n');
    else await out(statTables(rows, { wide: output === 'wide', namespaces: on('all-namespaces') }));
    return 0;
  },
};

async function rowsOf(asked: Promise<Message>): Promise<Message[]> {
  const { ok, error } = await answered('StatSummary', asked);
  if (error) throw new Failure(`StatSummary API response error: ${error.error ?? ''}`, { newline: false });
  return (ok?.stat_tables ?? []).flatMap(({ pod_group: group }: Message) => group?.rows ?? []);
}

/** The namespace whose proxies know all that is asked for; undefined: the clients may be anywhere. */
function placeOf(requests: Message[]): string | undefined {
  const places = requests.map(({ selector: { resource }, to_resource: to, from_resource: from }) =>
    to || from || ['service', 'all', 'namespace'].includes(resource.type) ? '' : resource.namespace,
  );
  return places.every((place) => place === places[0]) ? places[0] : undefined;
}

function requestsOf(invocation: Invocation): Message[] {
  const { args, flags, namespace } = invocation;
  const value = (name: string): string => flags.values.get(name) ?? '';
  try {
    const targets = resourcesIn(namespace, args);
    const to = value('to') ? resourceIn(value('to-namespace'), value('to')) : undefined;
    const from = value('from') ? resourceIn(value('from-namespace'), value('from')) : undefined;
    return targets.map((target) => {
      const problem = problemOf(invocation, target['type']);
      if (problem) throw new Error(problem);
      return requestOf(invocation, target, { to, from });
    });
  } catch (error) {
    throw new UsageError(`error creating metrics request while making stats request: ${(error as Error).message}`);
  }
}

/** What is wrong with the flags together, for a type. */
function problemOf({ flags, namespace, meant }: Invocation, type: string): string | undefined {
  const given = (name: string) => (flags.values.get(name) ?? '') !== '';
  const elsewhere = namespace !== (meant?.namespace ?? 'default');
  if (given('to') && given('from')) return '--to and --from flags are mutually exclusive';
  if (given('to-namespace') && given('from-namespace'))
    return '--to-namespace and --from-namespace flags are mutually exclusive';
  if (flags.values.get('all-namespaces') === 'true' && elsewhere)
    return '--all-namespaces and --namespace flags are mutually exclusive';
  if (type === 'namespace') {
    for (const name of ['to-namespace', 'from-namespace'])
      if (given(name)) return `--${name} flag is incompatible with namespace resource type`;
    if (elsewhere) return '--namespace flag is incompatible with namespace resource type';
  }
  return ['table', 'json', 'wide'].includes(flags.values.get('output') ?? 'table')
    ? undefined
    : '--output currently only supports table, json and wide';
}

function requestOf(
  { flags, namespace }: Invocation,
  { type, name }: Message,
  { to, from }: { to: Message | undefined; from: Message | undefined },
): Message {
  const value = (flagName: string): string => flags.values.get(flagName) ?? '';
  const window = windowIn(value('time-window'));
  const everywhere = flags.values.get('all-namespaces') === 'true';
  if (everywhere && name) throw new Error('stats for a resource cannot be retrieved by name across all namespaces');
  const place = everywhere ? '' : namespace;
  // A namespace alone, without a resource, means all of the same type there.
  const other = (resource: Message | undefined, otherPlace: string): Message | undefined =>
    resource || otherPlace
      ? { namespace: otherPlace || place, type: resource?.['type'] || type, name: resource?.['name'] ?? '' }
      : undefined;
  const [toResource, fromResource] = [other(to, value('to-namespace')), other(from, value('from-namespace'))];
  return {
    selector: { resource: { namespace: place, type, name }, label_selector: value('selector') },
    time_window: window,
    tcp_stats: true,
    ...(fromResource ? { from_resource: fromResource } : toResource ? { to_resource: toResource } : {}),
  };
}
