import { goDurationProblem } from '#base/go-duration.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { resourceFrom } from '#mesh/viz/metrics-api/queries.ts';
import { TOP_ROUTES } from '#mesh/viz/metrics-api/viz-api.ts';
import { objectsOf, podsOf } from '#mesh/viz/workloads.ts';
import { UsageError } from '../flags.ts';
import { Failure, type Invocation, type Verb } from '../verb.ts';
import { resourceIn } from './kinds.ts';
import { answered } from './metrics-api.ts';
import { routesJson, routeTables } from './route-tables.ts';
import { flag, NAMESPACE, SELECTOR, TO_NAMESPACE } from './stat-flags.ts';
import { statsSource } from './stats-source.ts';

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
    NAMESPACE,
    flag('time-window', 'Stat window (for example: "10s", "1m", "10m", "1h")', { short: 't', default: '"1m"' }),
    flag('to', 'If present, shows outbound stats to the specified resource'),
    TO_NAMESPACE,
    flag('output', 'Output format; one of: "table", "wide", or "json"', { short: 'o', default: '"table"' }),
    SELECTOR,
  ],
  async run(invocation) {
    const value = (name: string): string => invocation.flags.values.get(name) ?? '';
    const output = value('output') || 'table';
    const request = requestOf(invocation, output);
    const source = await statsSource(invocation, () => podsOfRequest(invocation, request));
    const answer = await answered('TopRoutes', source.ask(TOP_ROUTES, request));
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

async function podsOfRequest({ client }: Invocation, request: Message): Promise<KubeObject[]> {
  const { resource, label_selector: selector } = request['selector'];
  const wanted = { ...resourceFrom(resource), selector };
  return podsOf(client, wanted, await objectsOf(client, wanted));
}
