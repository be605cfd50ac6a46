import type { KubeObject } from '#kube/api/types.ts';
import { ipText, tcpMessage } from '#mesh/api/addresses.ts';
import { GET, GET_PROFILE } from '#mesh/api/destination-api.ts';
import { goJson } from '#mesh/api/go-json.ts';
import { GrpcChannel, GrpcError } from '#mesh/api/grpc.ts';
import { GET_PORT } from '#mesh/api/inbound-api.ts';
import { GET_OUTBOUND } from '#mesh/api/outbound-api.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { proxyOf } from '#mesh/check/world.ts';
import { goYaml } from '#mesh/install/config.ts';
import { UsageError } from './flags.ts';
import { fetchMetrics } from './metrics-fetch.ts';
import { canonicalKind, podsFor } from './resources.ts';
import { align } from './table.ts';
import { Failure, type Invocation, type Verb } from './verb.ts';

const NAMESPACE = { name: 'namespace', short: 'n', type: 'string' as const, default: '"default"' };
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
    { ...NAMESPACE, usage: 'Namespace of resource' },
    { name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format. One of: yaml, json' },
    TOKEN,
  ],
  async run(invocation) {
    const { args, namespace, client, flags, out } = invocation;
    if (args.length !== 2) throw new UsageError(`accepts 2 arg(s), received ${args.length}`);
    const [resource = '', portText = ''] = args;
    const [kindText = '', name = ''] = resource.split('/');
    const kind = canonicalKind(kindText);
    if (!name || (kind !== 'pod' && kind !== 'service')) {
      throw new UsageError(`invalid resource type ${resource}; must be one of Pod or Service`);
    }
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
        const service = await client.get({ group: '', version: 'v1', resource: 'services', namespace }, name);
        const message = await channel.unary(GET_OUTBOUND, {
          source_workload: flags.values.get('token') ?? 'default:diagnostics',
          addr: tcpMessage(service.spec?.clusterIP ?? '', port),
        });
        json = goJson(GET_OUTBOUND.response, message);
      }
    } catch (error) {
      if (error instanceof GrpcError) throw new Failure(rpcError(error));
      throw error;
    } finally {
      channel.close();
    }
    const format = flags.values.get('output') ?? 'yaml';
    if (format === 'json') await out(`${JSON.stringify(json, null, 2)}\n`);
    else await out(goYaml(json));
    return 0;
  },
  complete: podsAndServices,
};

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
    if (args.length === 0) throw new UsageError('requires at least 1 arg(s), only received 0');
    const channel = await controller(invocation, 8086);
    const rows: {
      namespace: string;
      ip: string;
      port: number;
      pod: string;
      service: string;
      weight: number;
      labels: Record<string, string>;
    }[] = [];
    try {
      for (const path of args) {
        const update = await first(invocation, channel, GET, {
          scheme: 'http',
          path,
          context_token: flags.values.get('token') ?? '',
        });
        const [service = '', namespace = ''] = path.split('.');
        for (const addr of update?.['add']?.addrs ?? []) {
          const labels: Record<string, string> = { ...update?.['add'].metric_labels, ...addr.metric_labels };
          rows.push({
            namespace: labels['namespace'] ?? namespace,
            ip: ipText(addr.addr?.ip),
            port: addr.addr?.port ?? 0,
            pod: labels['pod'] ?? '',
            service: `${service}.${namespace}`,
            weight: addr.weight ?? 0,
            labels: addr.metric_labels ?? {},
          });
        }
      }
    } catch (error) {
      if (error instanceof GrpcError) throw new Failure(`Destination API error: ${rpcError(error)}`);
      throw error;
    } finally {
      channel.close();
    }
    if (flags.values.get('output') === 'json') {
      await out(
        `${JSON.stringify(
          rows.map(({ labels, ...row }) => ({ ...row, labels })),
          null,
          2,
        )}\n`,
      );
      return 0;
    }
    if (rows.length === 0) {
      await err('No endpoints found.\n');
      return 0;
    }
    await out(
      align([
        ['NAMESPACE', 'IP', 'PORT', 'POD', 'SERVICE'],
        ...rows.map((row) => [row.namespace, row.ip, String(row.port), row.pod, row.service]),
      ]),
    );
    return 0;
  },
};

const profile: Verb = {
  name: 'profile',
  summary: "Introspect Linkerd's service discovery state",
  long: `Introspect Linkerd's service discovery state.

This command provides debug information about the internal state of the
control-plane's destination container. It queries the same Destination service
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
    if (args.length !== 1) throw new UsageError(`accepts 1 arg(s), received ${args.length}`);
    const channel = await controller(invocation, 8086);
    try {
      const request = { scheme: 'http', path: args[0], context_token: flags.values.get('token') ?? '' };
      const message = await first(invocation, channel, GET_PROFILE, request);
      await out(`${JSON.stringify(goJson(GET_PROFILE.response, message ?? {}), null, 2)}\n`);
    } catch (error) {
      if (error instanceof GrpcError) throw new Failure(`Destination API error: ${rpcError(error)}`);
      throw error;
    } finally {
      channel.close();
    }
    return 0;
  },
};

/** Prints each pod's metrics under a heading, as upstream separates them. */
async function printMetrics(
  invocation: Invocation,
  pods: { pod: KubeObject; container?: string; port: number }[],
): Promise<number> {
  const { out } = invocation;
  for (const [i, { pod, container, port }] of pods.entries()) {
    await out(
      `#\n# POD ${pod.metadata.name} (${i + 1} of ${pods.length})\n${container ? `# CONTAINER ${container} \n` : ''}#\n`,
    );
    try {
      await out(await fetchMetrics(invocation, pod, port));
    } catch (error) {
      await out(`# ERROR ${(error as Error).message}\n`);
    }
  }
  return 0;
}

const proxyMetrics: Verb = {
  name: 'proxy-metrics',
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
    const { client, args, namespace } = invocation;
    if (args.length === 0) throw new UsageError('accepts 1 arg(s), received 0');
    const pods = (await podsFor(client, namespace, args)).filter(
      (pod) => proxyOf(pod) && pod.status?.phase === 'Running',
    );
    return printMetrics(
      invocation,
      pods.map((pod) => ({ pod, port: adminPort(proxyOf(pod)) })),
    );
  },
};

const adminPort = (container: KubeObject['spec']): number =>
  container?.ports?.find((each: { name?: string }) => each.name?.endsWith('-admin'))?.containerPort ?? 4191;

const controllerMetrics: Verb = {
  name: 'controller-metrics',
  summary: 'Fetch metrics directly from Linkerd control plane containers',
  long: `Fetch metrics directly from Linkerd control plane containers.

  This command initiates port-forward to each control plane process, and
  queries the /metrics endpoint on them.`,
  flags: [{ name: 'wait', short: 'w', type: 'duration', default: '30s', usage: 'Time allowed to fetch diagnostics' }],
  async run(invocation) {
    const { client, controlPlane } = invocation;
    const target = { group: '', version: 'v1', resource: 'pods', namespace: controlPlane };
    const list = await client.list(target, { labelSelector: `linkerd.io/control-plane-ns=${controlPlane}` });
    const sources = list.items
      .filter((pod) => pod.status?.phase === 'Running')
      .flatMap((pod) =>
        [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
          .filter((each) => each.name !== 'linkerd-init')
          .map((each) => ({ pod, container: each.name as string, port: adminPort(each) }))
          .sort((a, b) => (a.container < b.container ? -1 : 1)),
      );
    return printMetrics(invocation, sources);
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
