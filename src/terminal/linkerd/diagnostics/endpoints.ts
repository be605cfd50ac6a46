import { ipText } from '#mesh/api/addresses.ts';
import { GET } from '#mesh/api/destination-api.ts';
import { GrpcError } from '#mesh/api/grpc.ts';
import { UsageError } from '../flags.ts';
import { align } from '../table.ts';
import { Failure, type Verb } from '../verb.ts';
import { controller, DESTINATION_POD, first } from './controller.ts';
import { jsonText } from './json-text.ts';

export const endpoints: Verb = {
  name: 'endpoints',
  takes: { least: 1, most: Number.POSITIVE_INFINITY },
  aliases: ['ep'],
  summary: "Introspect Linkerd's service discovery state",
  long: `Introspect Linkerd's service discovery state.

This command provides debug information about the internal state of the
control-plane's destination container. It queries the same Destination service
endpoint as the linkerd-proxy's, and returns the addresses associated with that
destination.`,
  usage: '[flags] authorities',
  examples: `  # get all endpoints for the authorities emoji-svc.emojivoto.svc.cluster.local:8080 and web-svc.emojivoto.svc.cluster.local:80
  linkerd diagnostics endpoints emoji-svc.emojivoto.svc.cluster.local:8080 web-svc.emojivoto.svc.cluster.local:80

  # get that same information in json format
  linkerd diagnostics endpoints -o json emoji-svc.emojivoto.svc.cluster.local:8080 web-svc.emojivoto.svc.cluster.local:80

  # get the endpoints for authorities in Linkerd's control-plane itself
  linkerd diagnostics endpoints web.linkerd-viz.svc.cluster.local:8084`,
  flags: [
    DESTINATION_POD,
    {
      name: 'output',
      short: 'o',
      type: 'string',
      default: '"table"',
      usage: 'Output format; one of: "table" or "json"',
    },
    { name: 'token', type: 'string', usage: 'The context token to use when making the request to the destination API' },
  ],
  async run(invocation) {
    const { args, flags, out, err } = invocation;
    const format = flags.values.get('output') ?? 'table';
    if (format !== 'table' && format !== 'json')
      throw new UsageError('--output currently only supports table and json');
    const channel = await controller(invocation, 8086);
    const rows: Endpoint[] = [];
    try {
      for (const path of args) {
        const update = await first(invocation, channel, GET, {
          scheme: 'http:',
          path,
          context_token: flags.values.get('token') ?? '',
        });
        const { service = '', namespace = '' } = (update?.['add']?.metric_labels ?? {}) as Record<string, string>;
        for (const addr of update?.['add']?.addrs ?? []) {
          const labels: Record<string, string> = addr.metric_labels ?? {};
          rows.push({
            namespace,
            ip: ipText(addr.addr?.ip),
            port: addr.addr?.port ?? 0,
            pod: labels['pod'] ?? '',
            service: `${service}.${namespace}`,
            weight: addr.weight ?? 0,
            ...(addr.http2 ? { http2: addr.http2 } : {}),
            labels: Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))),
          });
        }
      }
    } catch (error) {
      if (error instanceof GrpcError) throw new Failure(`Destination API error: ${error.message}`);
      throw error;
    } finally {
      channel.close();
    }
    const tables = Map.groupBy(rows.toSorted(byService), ({ namespace }) => namespace);
    const namespaces = [...tables.keys()].sort();
    if (format === 'json') {
      await out(`${jsonText(namespaces.flatMap((namespace) => tables.get(namespace)!))}\n`);
      return 0;
    }
    if (rows.length === 0) {
      await err('No endpoints found.\n');
      return 0;
    }
    await out(endpointTables(namespaces.map((namespace) => tables.get(namespace)!)));
    return 0;
  },
};

interface Endpoint {
  namespace: string;
  ip: string;
  port: number;
  pod: string;
  service: string;
  weight: number;
  http2?: unknown;
  labels: Record<string, string>;
}

const byService = (a: Endpoint, b: Endpoint): number => (a.service < b.service ? -1 : a.service > b.service ? 1 : 0);

/** A table a namespace, all with the columns of the widest. */
function endpointTables(tables: Endpoint[][]): string {
  const header = ['NAMESPACE', 'IP', 'PORT', 'POD', 'SERVICE'];
  const sets = tables.map((rows) => [
    header,
    ...rows.map((row) => [row.namespace, row.ip, String(row.port), row.pod, row.service]),
  ]);
  const lines = align(sets.flat()).split(/(?<=\n)/);
  const starts = sets.map((_, i) => sets.slice(0, i).reduce((sum, set) => sum + set.length, 0));
  return sets.map((set, i) => lines.slice(starts[i]!, starts[i]! + set.length).join('')).join('\n');
}
