import type { Message } from '#mesh/api/protobuf.ts';
import { EDGES } from '#mesh/viz/metrics-api/viz-api.ts';
import { UsageError } from '../flags.ts';
import { Failure, type Verb } from '../verb.ts';
import { goJson } from './go-text.ts';
import { resourceIn } from './kinds.ts';
import { answered } from './metrics-api.ts';
import { allNamespaces, NAMESPACE, OUTPUT } from './stat-flags.ts';
import { podsIn, statsSource } from './stats-source.ts';
import { vizTable } from './tables.ts';

const HEADERS = ['SRC', 'DST', 'SRC_NS', 'DST_NS', 'CLIENT_ID', 'SERVER_ID', 'SECURED'];
const SECURED = '√';
const NOT_CONNECTED = ['authority', 'service', 'all'];

export const edges: Verb = {
  name: 'edges',
  summary: 'Display connections between resources, and Linkerd proxy identities',
  long: `Display connections between resources, and Linkerd proxy identities.

  The RESOURCETYPE argument specifies the type of resource to display edges within: one of
  the workloads, such as deploy, sts, ds, rs, rc, job, cronjob or po.`,
  usage: '[flags] (RESOURCETYPE)',
  examples: `  # Get all edges between pods that begin or end in the test namespace.
  linkerd viz edges po -n test

  # Get all edges between pods in all namespaces.
  linkerd viz edges po --all-namespaces`,
  takes: { least: 1, most: 1 },
  flags: [allNamespaces('edges'), NAMESPACE, OUTPUT],
  async run(invocation) {
    const { args, flags, namespace, out, err } = invocation;
    const output = flags.values.get('output') ?? 'table';
    const type = typeIn(namespace, args[0]!, output);
    const source = await statsSource(invocation, () => podsIn(invocation));
    const place = flags.values.get('all-namespaces') === 'true' ? '' : namespace;
    const request = { selector: { resource: { namespace: place, type } } };
    const { ok, error } = await answered('Edges', source.ask(EDGES, request));
    if (error) throw new Failure(`Edges API response error: ${error.error ?? ''}`, { newline: false });
    const rows = rowsOf(ok?.edges ?? []);
    if (output === 'json') await out(`${goJson(rows.map(jsonRow), 2)}\n`);
    else if (rows.length === 0) await err('No edges found.\n');
    else {
      const pick = (row: string[]) => (output === 'wide' ? row : [...row.slice(0, 4), row[6]!]);
      const cells = rows.map((row) => pick([...row.slice(0, 6), row[6] || SECURED]));
      const headers = pick(HEADERS);
      await out(vizTable(headers, cells, headers.length));
    }
    return 0;
  },
};

function typeIn(namespace: string, argument: string, output: string): string {
  try {
    const { type, name } = resourceIn(namespace, argument);
    if (name) throw new Error(`Edges cannot be returned for a specific resource name; remove ${name} from query`);
    if (NOT_CONNECTED.includes(type)) throw new Error(`Resource type is not supported: ${type}`);
    if (!['table', 'json', 'wide'].includes(output)) throw new Error('--output supports table, json and wide');
    return type;
  } catch (error) {
    throw new UsageError(`Error creating edges request: ${(error as Error).message}`);
  }
}

/** Cells in the order of the headers; the last one says why a connection is not secured, and is empty where it is. */
function rowsOf(found: Message[]): string[][] {
  const short = (identity = '') => identity.split('.').slice(0, 2).join('.');
  const order = ([src, dst, from, to]: string[]) => `${from}${to}${src}${dst}`;
  return found
    .map(({ src = {}, dst = {}, client_id: client, server_id: server, no_identity_msg: reason = '' }) => [
      src.name ?? '',
      dst.name ?? '',
      src.namespace ?? '',
      dst.namespace ?? '',
      short(client),
      short(server),
      reason,
    ])
    .sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

const jsonRow = ([src, dst, from, to, client, server, reason]: string[]): object => ({
  src,
  src_namespace: from,
  dst,
  dst_namespace: to,
  client_id: client,
  server_id: server,
  no_tls_reason: reason,
});
