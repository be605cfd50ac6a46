import { goDurationProblem, parseGoDuration } from '#base/go-duration.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { resourceFrom } from '#mesh/viz/metrics-api/queries.ts';
import { topRoutes } from '#mesh/viz/metrics-api/top-routes.ts';
import { TOP_ROUTES } from '#mesh/viz/metrics-api/viz-api.ts';
import { objectsOf, podsOf } from '#mesh/viz/workloads.ts';
import type { Flag } from '../flags.ts';
import { UsageError } from '../flags.ts';
import { linkerdValues } from '../multicluster/config.ts';
import { Failure, type Invocation, type Verb } from '../verb.ts';
import { resourceIn } from './kinds.ts';
import { answered, askMetricsApi, metricsApiPod } from './metrics-api.ts';
import { watchProxies } from './metrics-source.ts';
import { routesJson, routeTables } from './route-tables.ts';

const flag = (name: string, usage: string, more: Partial<Flag> = {}): Flag => ({
  name,
  type: 'string',
  usage,
  ...more,
});

export const routes: Verb = {
  name: 'routes',
  summary: 'Display route stats',
  long: `Display route stats.

This command will only display traffic which is sent to a service that has a Service Profile defined.`,
  usage: '[flags] (RESOURCES)',
  examples: `  # Routes of the orders service in the shop namespace.
  linkerd viz routes service/orders -n shop

  # Routes that the web deployment calls on the orders service, in the shop namespace.
  linkerd viz routes deploy/web -n shop --to svc/orders`,
  takes: { least: 1, most: 1 },
  flags: [
    flag('namespace', 'Namespace of the specified resource', { short: 'n' }),
    flag('time-window', 'Stat window (for example: "10s", "1m", "10m", "1h")', { short: 't', default: '"1m"' }),
    flag('to', 'If present, shows outbound stats to the specified resource'),
    flag(
      'to-namespace',
      'Sets the namespace used to lookup the "--to" resource; by default the current "--namespace" is used',
    ),
    flag('output', 'Output format; one of: "table", "wide", or "json"', { short: 'o', default: '"table"' }),
    flag('selector', "Selector (label query) to filter on, supports '=', '==', and '!='", { short: 'l' }),
  ],
  async run(invocation) {
    const value = (name: string): string => invocation.flags.values.get(name) ?? '';
    const output = value('output') || 'table';
    const request = requestOf(invocation, output);
    const answer = await answered('TopRoutes', ask(invocation, request));
    if (answer['error']) throw new Failure(answer['error'].error ?? '', { newline: false });
    const tables: Message[] = answer['ok']?.routes ?? [];
    const to = value('to') !== '';
    await invocation.out(output === 'json' ? routesJson(tables, to) : routeTables(tables, output === 'wide'));
    return 0;
  },
};

function requestOf({ args, flags, namespace }: Invocation, output: string): Message {
  const value = (name: string): string => flags.values.get(name) ?? '';
  const to = value('to');
  try {
    if (!['table', 'wide', 'json'].includes(output))
      throw new Error('--output currently only supports table, wide, and json');
    if (output === 'wide' && !to) throw new Error('wide output is only available when --to is specified');
    const resource = resourceIn(namespace, args[0]!);
    const target = to ? resourceIn(value('to-namespace') || namespace, to) : undefined;
    const window = value('time-window') || '1m';
    const problem = goDurationProblem(window);
    if (problem) throw new Error(problem);
    return {
      // As upstream has it, also of a namespace: a profile there comes before the Service's own.
      selector: { resource: { ...resource, namespace }, label_selector: value('selector') },
      time_window: window,
      ...(target ? { to_resource: target } : { none: {} }),
    };
  } catch (error) {
    throw new UsageError(`error creating metrics request while making routes request: ${(error as Error).message}`);
  }
}

/** The metrics API answers where it is installed; else the proxies themselves are watched for a while. */
async function ask(invocation: Invocation, request: Message): Promise<Message> {
  const pod = await metricsApiPod(invocation);
  if (pod) return askMetricsApi(invocation, pod, TOP_ROUTES, request);
  const { client, flags } = invocation;
  const { resource, label_selector: selector } = request['selector'];
  const wanted = { ...resourceFrom(resource), selector };
  const pods = await podsOf(client, wanted, await objectsOf(client, wanted));
  const window = flags.values.get('time-window');
  const watched = await watchProxies(invocation, pods, window === undefined ? undefined : parseGoDuration(window));
  const { clusterDomain } = await linkerdValues(invocation, (why) => {
    throw new Failure(`Cannot find Linkerd: ${why}\nValidate the install with: linkerd check`);
  });
  return topRoutes({ client, ask: watched.ask, clusterDomain }, { ...request, time_window: watched.window });
}
