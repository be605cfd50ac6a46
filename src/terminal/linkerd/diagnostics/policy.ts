import { goJson } from '#mesh/api/go-json.ts';
import { GrpcError } from '#mesh/api/grpc.ts';
import { GET_PORT } from '#mesh/api/inbound-api.ts';
import { GET_OUTBOUND } from '#mesh/api/outbound-api.ts';
import { goYaml } from '#mesh/install/config.ts';
import { UsageError } from '../flags.ts';
import { canonicalKind } from '../resources.ts';
import type { Verb } from '../verb.ts';
import { controller, DESTINATION_POD, rpcError } from './controller.ts';
import { jsonText } from './json-text.ts';

const TOKEN = {
  name: 'token',
  type: 'string' as const,
  default: '"default:diagnostics"',
  usage: 'Token to use when querying the policy service',
};

export const policy: Verb = {
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
    { name: 'namespace', short: 'n', type: 'string', default: '"default"', usage: 'Namespace of resource' },
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
