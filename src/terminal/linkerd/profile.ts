import { parse, stringify } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { UsageError } from './flags.ts';
import { readText } from './install-flags.ts';
import { Failure, type Verb } from './verb.ts';

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document is plain JSON.
type Json = any;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];

export const profile: Verb = {
  name: 'profile',
  summary: 'Output service profile config for Kubernetes',
  usage: '[flags] (--template | --open-api file) (SERVICE)',
  examples: `  # Output a basic template to apply after modification.
  linkerd profile -n emojivoto --template web-svc

  # Generate a profile from an OpenAPI specification.
  linkerd profile -n emojivoto --open-api web-svc.swagger web-svc`,
  flags: [
    { name: 'ignore-cluster', usage: 'Output a service profile without connecting to the cluster' },
    { name: 'namespace', short: 'n', type: 'string', default: '"default"', usage: 'Namespace of the service' },
    { name: 'open-api', type: 'string', usage: 'Output a service profile based on the given OpenAPI spec file' },
    { name: 'template', usage: 'Output a service profile template' },
  ],
  async run(invocation) {
    const { args, flags, namespace, out } = invocation;
    const [service] = args;
    if (!service || args.length !== 1) throw new UsageError(`accepts 1 arg(s), received ${args.length}`);
    const openApi = flags.values.get('open-api');
    const template = flags.values.get('template') === 'true';
    if (template === (openApi !== undefined)) {
      throw new Failure('You must specify exactly one of --template, --open-api, or --proto');
    }
    const name = `${service}.${namespace}.svc.cluster.local`;
    if (template) {
      await out(templateText(name, namespace));
      return 0;
    }
    const routes = openApiRoutes(parse(await readText(invocation, openApi!)));
    const object: KubeObject = {
      apiVersion: 'linkerd.io/v1alpha2',
      kind: 'ServiceProfile',
      metadata: { name, namespace },
      spec: { routes },
    };
    await out(stringify(object, { sortMapEntries: true, lineWidth: 0, indentSeq: false }));
    return 0;
  },
};

/** One route a path and method; path parameters match one segment. */
function openApiRoutes(document: Json): Json[] {
  const base = String(document?.basePath ?? '').replace(/\/$/, '');
  const routes: Json[] = [];
  for (const path of Object.keys(document?.paths ?? {}).sort()) {
    const item = document.paths[path];
    for (const method of METHODS) {
      if (!item?.[method]) continue;
      const whole = `${base}${path}`;
      const regex = whole
        .split(/\{[^}]*\}/)
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('[^/]*');
      const failures = Object.keys(item[method].responses ?? {})
        .filter((status) => /^5\d\d$/.test(status))
        .map((status) => ({ condition: { status: { min: Number(status), max: Number(status) } }, isFailure: true }));
      routes.push({
        name: `${method.toUpperCase()} ${whole}`,
        condition: { method: method.toUpperCase(), pathRegex: regex },
        ...(failures.length > 0 ? { responseClasses: failures } : {}),
      });
    }
  }
  return routes;
}

const templateText = (name: string, namespace: string): string => `### ServiceProfile for ${name} ###
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
