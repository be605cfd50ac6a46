import { parse } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { goYaml } from '#mesh/install/config.ts';
import { UsageError } from './flags.ts';
import { openApiRoutes, protoRoutes } from './profile-routes.ts';
import { readText } from './read-text.ts';
import type { Invocation, Verb } from './verb.ts';

export const profile: Verb = {
  name: 'profile',
  summary: 'Output service profile config for Kubernetes',
  long: 'Output service profile config for Kubernetes.',
  usage: '[flags] (--template | --open-api file | --proto file) (SERVICE)',
  examples: `  # Output a basic template to apply after modification.
  linkerd profile -n emojivoto --template web-svc

  # Generate a profile from an OpenAPI specification.
  linkerd profile -n emojivoto --open-api web-svc.swagger web-svc

  # Generate a profile from a protobuf definition.
  linkerd profile -n emojivoto --proto Voting.proto vote-svc
`,
  flags: [
    { name: 'ignore-cluster', usage: 'Output a service profile through offline generation' },
    { name: 'namespace', short: 'n', type: 'string', usage: 'Namespace of the service' },
    { name: 'open-api', type: 'string', usage: 'Output a service profile based on the given OpenAPI spec file' },
    { name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format. One of: yaml, json' },
    { name: 'proto', type: 'string', usage: 'Output a service profile based on the given Protobuf spec file' },
    { name: 'template', usage: 'Output a service profile template' },
  ],
  takes: { least: 1, most: 1 },
  async run(invocation) {
    const { args, flags, namespace, out } = invocation;
    const service = args[0]!;
    const openApi = flags.values.get('open-api');
    const proto = flags.values.get('proto');
    const template = flags.values.get('template') === 'true';
    if ([template, Boolean(openApi), Boolean(proto)].filter(Boolean).length !== 1)
      throw new UsageError('You must specify exactly one of --template or --open-api or --proto');
    checkNames(service, namespace);
    const domain = flags.values.get('ignore-cluster') === 'true' ? 'cluster.local' : await clusterDomain(invocation);
    const name = `${service}.${namespace}.svc.${domain}`;
    const format = flags.values.get('output') ?? 'yaml';
    if (format !== 'yaml' && format !== 'json') throw new UsageError(`unknown output format: ${format}`);
    if (template) {
      const text = templateText(name, namespace, `${service}.${namespace}`);
      await out(format === 'json' ? `${JSON.stringify(sorted(parse(text)))}\n` : text);
      return 0;
    }
    const routes = openApi
      ? openApiRoutes(parse(await readText(invocation, openApi)))
      : protoRoutes(await readText(invocation, proto!));
    const object: KubeObject = {
      apiVersion: 'linkerd.io/v1alpha2',
      kind: 'ServiceProfile',
      metadata: { name, namespace },
      spec: { routes },
    };
    await out(format === 'json' ? JSON.stringify(object) : goYaml(object));
    return 0;
  },
};

const LABEL_1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1123 =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

function checkName(name: string, what: string, pattern: RegExp, words: string): void {
  if (!pattern.test(name)) throw new UsageError(`invalid ${what} ${JSON.stringify(name)}: [${words}]`);
}

/** Throws a UsageError for what is no name of a Service or of a namespace. */
export function checkNames(service: string, namespace: string): void {
  checkName(service, 'service', /^[a-z]([-a-z0-9]*[a-z0-9])?$/, LABEL_1035);
  checkName(namespace, 'namespace', /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, LABEL_1123);
}

async function clusterDomain({ client, controlPlane }: Invocation): Promise<string> {
  const target = { group: '', version: 'v1', resource: 'configmaps', namespace: controlPlane };
  const { data } = await client.get(target, 'linkerd-config');
  return parse(data?.values ?? '')?.clusterDomain || 'cluster.local';
}

// biome-ignore lint/suspicious/noExplicitAny: a manifest is plain JSON.
const sorted = (value: any): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
};

const templateText = (name: string, namespace: string, short: string): string => `### ServiceProfile for ${short} ###
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  # One entry a kind of request. Requests are matched from the top; the name is what metrics show.
  routes:
  - name: '/authors/{id}'
    # All that is given must hold. pathRegex covers the whole path.
    condition:
      pathRegex: '/authors/\\d+'
      method: POST
    # What counts as a failure; without this, statuses from 500 to 599 do.
    responseClasses:
    - condition:
        status:
          min: 500
          max: 599
      isFailure: true
    # Failed requests of this route may be sent again.
    # isRetryable: true
    # After this long the request ends with 504.
    # timeout: 250ms
`;
