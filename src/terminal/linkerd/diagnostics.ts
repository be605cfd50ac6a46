import { createHash } from 'node:crypto';
import type { KubeObject } from '#kube/api/types.ts';
import { ipText } from '#mesh/api/addresses.ts';
import { GET, GET_PROFILE } from '#mesh/api/destination-api.ts';
import { goJson } from '#mesh/api/go-json.ts';
import { GrpcChannel, GrpcError } from '#mesh/api/grpc.ts';
import { GET_PORT } from '#mesh/api/inbound-api.ts';
import { GET_OUTBOUND } from '#mesh/api/outbound-api.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { goYaml } from '#mesh/install/config.ts';
import { UsageError } from './flags.ts';
import { fetchMetrics } from './metrics-fetch.ts';
import { canonicalKind, podsOfWorkload } from './resources.ts';
import { align } from './table.ts';
import { Failure, type Invocation, type Verb } from './verb.ts';

const NAMESPACE = { name: 'namespace', short: 'n', type: 'string' as const };
const DESTINATION_POD = {
  name: 'destination-pod',
  type: 'string' as const,
  usage: 'Target a specific destination Pod when there are multiple running',
};

/** A gRPC connection to a port of a running destination pod, by port-forward. */
async function controller(invocation: Invocation, port: number): Promise<GrpcChannel> {
  const { client, controlPlane, flags, context } = invocation;
  const target = { group: '', version: 'v1', resource: 'pods', namespace: controlPlane };
  const list = await client.list(target, { labelSelector: 'linkerd.io/control-plane-component=destination' });
  const wanted = flags.values.get('destination-pod');
  const pod = list.items.find((each) => each.status?.phase === 'Running' && (!wanted || each.metadata.name === wanted));
  if (!pod) throw new Failure(`not found: destination pod${wanted ? ` ${wanted}` : ''} in namespace ${controlPlane}`);
  return new GrpcChannel(await client.portForward(controlPlane, pod.metadata.name!, port, context.signal));
}

const TOKEN = {
  name: 'token',
  type: 'string' as const,
  default: '"default:diagnostics"',
  usage: 'Token to use when querying the policy service',
};

const policy: Verb = {
  name: 'policy',
  takes: { least: 2, most: 2 },
  summary: "Introspect Linkerd's policy state",
  long: `Introspect Linkerd's policy state.

This command provides debug information about the internal state of the
control-plane's policy controller. It queries the same control-plane
endpoint as the linkerd-proxy's, and returns the policies associated with the
given resource. If the resource is a Pod, inbound policy for that Pod is
displayed. If the resource is a Service, outbound policy for that Service is
displayed.`,
  usage: '[flags] resource port',
  examples: `  # get the inbound policy for pod emoji-6d66d87995-bvrnn on port 8080
  linkerd diagnostics policy -n emojivoto po/emoji-6d66d87995-bvrnn 8080

  # get the outbound policy for Service emoji-svc on port 8080
  linkerd diagnostics policy -n emojivoto svc/emoji-svc 8080`,
  flags: [
    DESTINATION_POD,
    { ...NAMESPACE, default: '"default"', usage: 'Namespace of resource' },
    { name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format. One of: yaml, json' },
    TOKEN,
  ],
  async run(invocation) {
    const { args, namespace, flags, out } = invocation;
    const [resource = '', portText = ''] = args;
    const parts = resource.split('/');
    if (parts.length === 1) throw new UsageError('resource type and name are required');
    if (parts.length !== 2) throw new UsageError(`invalid resource string: ${resource}`);
    const [kindText = '', name = ''] = parts;
    const kind = canonicalKind(kindText);
    if (!kind) throw new UsageError(`cannot find Kubernetes canonical name from friendly name [${kindText}]`);
    if (kind !== 'pod' && kind !== 'service')
      throw new UsageError(`invalid resource type ${resource}; must be one of Pod or Service`);
    if (!/^\d+$/.test(portText))
      throw new UsageError(`strconv.ParseUint: parsing ${JSON.stringify(portText)}: invalid syntax`);
    const port = Number(portText);
    let json: Record<string, unknown>;
    const channel = await controller(invocation, 8090);
    try {
      if (kind === 'pod') {
        const message = await channel.unary(GET_PORT, { workload: `${namespace}:${name}`, port });
        json = goJson(GET_PORT.response, message);
      } else {
        // By name: neither the Service nor its port need be there.
        const message = await channel.unary(GET_OUTBOUND, {
          source_workload: flags.values.get('token') ?? 'default:diagnostics',
          authority: `${name}.${namespace}.svc:${port}`,
        });
        json = goJson(GET_OUTBOUND.response, message);
      }
    } catch (error) {
      if (error instanceof GrpcError) throw new UsageError(rpcError(error));
      throw error;
    } finally {
      channel.close();
    }
    const format = flags.values.get('output') ?? 'yaml';
    if (format === 'json') await out(jsonText(json));
    else if (format === 'yaml') await out(goYaml(json));
    else throw new UsageError('output must be one of: yaml, json');
    return 0;
  },
  complete: podsAndServices,
};

// Newer than the language level that is compiled for.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** JSON in which numbers of 64 bits keep all their digits. */
const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? rawJSON(String(each)) : each), 2);

const CODES: Record<number, string> = { 3: 'InvalidArgument', 5: 'NotFound', 13: 'Internal', 14: 'Unavailable' };
const rpcError = (error: GrpcError): string =>
  `rpc error: code = ${CODES[error.code] ?? error.code} desc = ${error.message}`;

async function podsAndServices({
  client,
  args,
  namespace,
}: Parameters<NonNullable<Verb['complete']>>[0]): Promise<string[]> {
  if (args.length > 0) return [];
  const names = async (resource: string, short: string) =>
    (await client.list({ group: '', version: 'v1', resource, namespace })).items.map(
      (each) => `${short}/${each.metadata.name}`,
    );
  return [...(await names('pods', 'po')), ...(await names('services', 'svc'))];
}

/** How long `endpoints` waits for the first answer about an authority. */
const ANSWER_MS = 5_000;

async function first(
  invocation: Invocation,
  channel: GrpcChannel,
  method: typeof GET,
  request: Message,
): Promise<Message | undefined> {
  const abort = new AbortController();
  const timer = invocation.clock.setTimeout(() => abort.abort(new Failure('timed out')), ANSWER_MS);
  try {
    for await (const message of channel.stream(method, request, { signal: abort.signal })) return message;
    return undefined;
  } finally {
    timer.cancel();
  }
}

const endpoints: Verb = {
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
  linkerd diagnostics endpoints emoji-svc.emojivoto.svc.cluster.local:8080 web-svc.emojivoto.svc.cluster.local:80`,
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

const profile: Verb = {
  name: 'profile',
  aliases: ['ep'],
  takes: { least: 1, most: 1 },
  summary: "Introspect Linkerd's service discovery state",
  long: `Introspect Linkerd's service discovery state.

This command provides debug information about the internal state of the
control-plane's destination controller. It queries the same Destination service
endpoint as the linkerd-proxy's, and returns the profile associated with that
destination.`,
  usage: '[flags] address',
  examples: `  # Get the service profile for the service or endpoint at 10.20.2.4:8080
  linkerd diagnostics profile 10.20.2.4:8080`,
  flags: [
    DESTINATION_POD,
    { name: 'token', type: 'string', usage: 'The context token to use when making the request to the destination API' },
  ],
  async run(invocation) {
    const { args, flags, out } = invocation;
    const channel = await controller(invocation, 8086);
    try {
      const request = { path: args[0], context_token: flags.values.get('token') ?? '' };
      const message = await first(invocation, channel, GET_PROFILE, request);
      await out(`${jsonText(goJson(GET_PROFILE.response, message ?? {}))}\n`);
    } catch (error) {
      if (error instanceof GrpcError) throw new Failure(`Destination API error: ${rpcError(error)}`);
      throw error;
    } finally {
      channel.close();
    }
    return 0;
  },
};

interface Source {
  pod: KubeObject;
  container: KubeObject['spec'];
  port: number;
}

/** Containers of pods with a port of such a name, by pod and container; a pod that does not run is told instead. */
function sourcesOf(pods: KubeObject[], suffix: string): (Source | { pod: KubeObject; error: string })[] {
  return pods
    .toSorted((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
    .flatMap((pod): (Source | { pod: KubeObject; error: string })[] => {
      if (pod.status?.phase !== 'Running') return [{ pod, error: `pod not running: ${pod.metadata.name}` }];
      return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
        .flatMap((container) =>
          ((container.ports ?? []) as { name?: string; containerPort: number }[])
            .filter(({ name }) => name?.endsWith(suffix))
            .map(({ containerPort }) => ({ pod, container, port: containerPort })),
        )
        .sort((a, b) => (a.container?.name < b.container?.name ? -1 : 1));
    });
}

/** What one source answers, or why it does not. */
async function scraped(
  invocation: Invocation,
  source: Source | { error: string },
): Promise<{ text?: string; error?: string }> {
  if ('error' in source) return { error: source.error };
  try {
    return { text: await fetchMetrics(invocation, source.pod, source.port) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Labels that tell whose traffic it is. */
const SENSITIVE = 'authority|client_id|server_id|target_addr|dst_service|dst_namespace';

const obfuscated = (text: string): string =>
  text.replace(new RegExp(`\\b(${SENSITIVE})="((?:[^"\\\\]|\\\\.)*)"`, 'g'), (_, name: string, value: string) => {
    const plain = value.replace(/\\(.)/g, (_all, char: string) => (char === 'n' ? '\n' : char));
    return `${name}="${createHash('sha256').update(plain).digest('hex').slice(0, 8)}"`;
  });

const proxyMetrics: Verb = {
  name: 'proxy-metrics',
  takes: { least: 1, most: 1 },
  summary: 'Fetch metrics directly from Linkerd proxies',
  long: `Fetch metrics directly from Linkerd proxies.

  This command initiates a port-forward to a given pod or set of pods, and
  queries the /metrics endpoint on the Linkerd proxies.

  The RESOURCE argument specifies the target resource to query metrics for:
  (TYPE/NAME)`,
  usage: '[flags] (RESOURCE)',
  examples: `  # Get metrics from pod-foo-bar in the default namespace.
  linkerd diagnostics proxy-metrics po/pod-foo-bar

  # Get metrics from the web deployment in the emojivoto namespace.
  linkerd diagnostics proxy-metrics -n emojivoto deploy/web`,
  flags: [
    { ...NAMESPACE, usage: 'Namespace of resource' },
    { name: 'obfuscate', usage: 'Obfuscate sensitive information' },
  ],
  async run(invocation) {
    const { client, args, namespace, flags, out } = invocation;
    const sources = sourcesOf(await podsOfWorkload(client, namespace, args[0]!), 'linkerd-admin');
    const hide = flags.values.get('obfuscate') === 'true';
    for (const [i, source] of sources.entries()) {
      await out(`#\n# POD ${source.pod.metadata.name} (${i + 1} of ${sources.length})\n#\n`);
      const { text = '', error } = await scraped(invocation, source);
      await out(error === undefined ? (hide ? obfuscated(text) : text) : `# ERROR: ${error}\n`);
    }
    return 0;
  },
};

const controllerMetrics: Verb = {
  name: 'controller-metrics',
  aliases: ['cp-metrics'],
  takes: { least: 0, most: 0 },
  summary: 'Fetch metrics directly from the Linkerd control plane containers',
  long: `Fetch metrics directly from Linkerd control plane containers.

  This command initiates port-forward to each control plane process, and
  queries the /metrics endpoint on them.`,
  flags: [{ name: 'wait', short: 'w', type: 'duration', default: '30s', usage: 'Time allowed to fetch diagnostics' }],
  async run(invocation) {
    const { client, controlPlane, out } = invocation;
    const target = { group: '', version: 'v1', resource: 'pods', namespace: controlPlane };
    const sources = sourcesOf((await client.list(target)).items, '-admin');
    for (const [i, source] of sources.entries()) {
      await out(`#\n# POD ${source.pod.metadata.name} (${i + 1} of ${sources.length})\n`);
      const { text, error } = await scraped(invocation, source);
      if ('error' in source || error !== undefined) await out(`# ERROR ${error}\n`);
      else await out(`# CONTAINER ${source.container?.name} \n#\n${text}`);
    }
    return 0;
  },
};

export const diagnostics: Verb = {
  name: 'diagnostics',
  aliases: ['dg'],
  summary: 'Commands used to diagnose Linkerd components',
  long: `Commands used to diagnose Linkerd components.

This command provides subcommands to diagnose the functionality of Linkerd.`,
  examples: `  # Get control-plane component metrics
  linkerd diagnostics controller-metrics

  # Get metrics from the web deployment in the emojivoto namespace.
  linkerd diagnostics proxy-metrics -n emojivoto deploy/web`,
  verbs: [controllerMetrics, endpoints, policy, profile, proxyMetrics],
};
