import { parse } from 'yaml';
import { merged, setPath, setPaths } from '#mesh/install/overrides.ts';
import { MissingLink } from '#mesh/multicluster/install/controllers.ts';
import { renderMulticluster } from '#mesh/multicluster/install/render.ts';
import { HIGH_AVAILABILITY, type MulticlusterValues, multiclusterDefaults } from '#mesh/multicluster/install/values.ts';
import { INSTALL_FLAGS } from '../install-flags.ts';
import { readText } from '../read-text.ts';
import { Failure, type Invocation, type Verb } from '../verb.ts';
import { linkerdValues } from './config.ts';
import { printDocuments } from './documents.ts';
import { isOn, OUTPUT, refuse, textOf } from './shared-flags.ts';

/** Flags that set one number or text of the chart. */
const VALUES: Record<string, { path: string; read: 'number' | 'text' }> = {
  'gateway-port': { path: 'gateway.port', read: 'number' },
  'gateway-probe-port': { path: 'gateway.probe.port', read: 'number' },
  'gateway-probe-seconds': { path: 'gateway.probe.seconds', read: 'number' },
  'gateway-healthcheck-nodeport': { path: 'gateway.healthCheckNodePort', read: 'number' },
  'gateway-service-type': { path: 'gateway.serviceType', read: 'text' },
};

export const install: Verb = {
  name: 'install',
  summary: 'Output Kubernetes configs to install the Linkerd multicluster add-on',
  examples: `  # Default install.
  linkerd multicluster install | kubectl apply -f -

The installation can be configured by using the --set, --values, --set-string and --set-file flags.
A full list of configurable values can be found at https://github.com/linkerd/linkerd2/blob/main/multicluster/charts/linkerd-multicluster/values.yaml
  `,
  flags: [
    { name: 'gateway', default: 'true', usage: 'If the gateway component should be installed' },
    {
      name: 'gateway-healthcheck-nodeport',
      type: 'uint32',
      usage: 'Set the healthCheckNodePort on the gateway service (only used when externalTrafficPolicy is Local)',
    },
    {
      name: 'gateway-port',
      type: 'uint32',
      default: '4143',
      usage: 'The port on the gateway used for all incoming traffic',
    },
    { name: 'gateway-probe-port', type: 'uint32', default: '4191', usage: 'The liveness check port of the gateway' },
    {
      name: 'gateway-probe-seconds',
      type: 'uint32',
      default: '3',
      usage: 'The interval at which the gateway will be checked for being alive in seconds',
    },
    {
      name: 'gateway-service-type',
      type: 'string',
      default: '"LoadBalancer"',
      usage: 'Overwrite Service type for gateway service',
    },
    { name: 'ha', usage: 'Install multicluster extension in High Availability mode.' },
    {
      name: 'ignore-cluster',
      usage: 'Ignore the current Kubernetes cluster when checking for existing cluster configuration (default false)',
    },
    OUTPUT,
    {
      name: 'service-mirror-credentials',
      default: 'true',
      usage:
        'Whether to install the service account which can be used by service mirror components in source clusters to discover exported services',
    },
    ...INSTALL_FLAGS.filter(({ name }) => ['set', 'set-file', 'set-string', 'values'].includes(name)),
    {
      name: 'wait',
      type: 'duration',
      default: '5m0s',
      usage: 'Wait for core control-plane components to be available',
    },
  ],
  async run(invocation) {
    const values = await valuesOf(invocation);
    try {
      return await printDocuments(invocation, renderMulticluster(values));
    } catch (error) {
      if (!(error instanceof MissingLink)) throw error;
      return refuse(`execution error at (linkerd-multicluster/templates/controller/rbac.yaml:3:4): ${error.message}`);
    }
  },
};

async function valuesOf(invocation: Invocation): Promise<MulticlusterValues> {
  const { flags, controlPlane } = invocation;
  let values = multiclusterDefaults();
  values.linkerdNamespace = controlPlane;
  if (textOf(invocation, 'ignore-cluster') !== 'true') {
    const config = await linkerdValues(invocation, (why) => {
      throw new Failure(`Cannot find Linkerd: ${why}
Validate the install with: 'linkerd check'`);
    });
    values.identityTrustDomain = config.identityTrustDomain;
    values.cniEnabled = config.cniEnabled;
  }
  values.gateway.enabled = isOn(invocation, 'gateway');
  values.remoteMirrorServiceAccount = isOn(invocation, 'service-mirror-credentials');
  for (const [name, { path, read }] of Object.entries(VALUES)) {
    const text = flags.values.get(name);
    if (text === undefined) continue;
    if (read === 'number' && !/^\d+$/.test(text)) {
      refuse(
        `invalid argument ${JSON.stringify(text)} for "--${name}" flag: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    }
    setPath(values, path.split('.'), read === 'number' ? Number(text) : text);
  }
  for (const path of flags.all.get('values') ?? []) {
    values = merged(values, parse(await readText(invocation, path)) ?? {});
  }
  try {
    for (const each of flags.all.get('set') ?? []) setPaths(values, each);
    for (const each of flags.all.get('set-string') ?? []) setPaths(values, each, 'string');
  } catch (error) {
    refuse((error as Error).message);
  }
  for (const each of flags.all.get('set-file') ?? []) {
    const [path = '', file = ''] = each.split('=', 2);
    setPath(values, path.split('.'), await readText(invocation, file));
  }
  return flags.values.get('ha') === 'true' ? merged(values, HIGH_AVAILABILITY) : values;
}
