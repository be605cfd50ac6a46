import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { LINKERD_VERSION } from '#mesh/install/values.ts';
import { NAMESPACE, SECRETS, SERVICES } from '#mesh/multicluster/labels.ts';
import { credentialsObject, linkObject } from '#mesh/multicluster/link-object.ts';
import type { Flag } from '../flags.ts';
import type { Invocation, Verb } from '../verb.ts';
import { linkerdValues } from './config.ts';
import { sortedYaml } from './documents.ts';
import { isOn, listOf, OUTPUT, refuse, textOf } from './shared-flags.ts';

const ACCOUNT = 'linkerd-service-mirror-remote-access-default';
const text = (name: string, usage: string, otherwise?: string): Flag => ({
  name,
  type: 'string',
  ...(otherwise === undefined ? {} : { default: JSON.stringify(otherwise) }),
  usage,
});

const FLAGS: Flag[] = [
  text('api-server-address', 'The api server address of the target cluster'),
  text('cluster-name', 'Cluster name'),
  { name: 'excluded-annotations', type: 'strings', usage: 'Annotations to exclude when mirroring services' },
  { name: 'excluded-labels', type: 'strings', usage: 'Labels to exclude when mirroring services' },
  text(
    'federated-service-selector',
    'Selector (label query) for federated service members in the target cluster',
    'mirror.linkerd.io/federated=member',
  ),
  {
    name: 'gateway',
    default: 'true',
    usage: 'If false, allows a link to be created against a cluster that does not have a gateway service',
  },
  text(
    'gateway-addresses',
    'If specified, overwrites gateway addresses when gateway service is not type LoadBalancer (comma separated list)',
  ),
  text('gateway-name', 'The name of the gateway service', 'linkerd-gateway'),
  text('gateway-namespace', 'The namespace of the gateway service', NAMESPACE),
  {
    name: 'gateway-port',
    type: 'uint32',
    usage: 'If specified, overwrites gateway port when gateway service is not type LoadBalancer',
  },
  text('namespace', 'The namespace for the service account', NAMESPACE),
  OUTPUT,
  text(
    'remote-discovery-selector',
    'Selector (label query) to filter which services in the target cluster to mirror in remote discovery mode',
    'mirror.linkerd.io/exported=remote-discovery',
  ),
  {
    ...text(
      'selector',
      'Selector (label query) to filter which services in the target cluster to mirror',
      'mirror.linkerd.io/exported=true',
    ),
    short: 'l',
  },
  text('service-account-name', 'The name of the service account associated with the credentials', ACCOUNT),
];

export const linkGen: Verb = {
  name: 'link-gen',
  summary: 'Outputs a Link manifest and credentials for another cluster to mirror services from this one',
  long: `Outputs a Link manifest and credentials for another cluster to mirror services from this one.

Note that the Link resource applies only in one direction. In order for two
clusters to mirror each other, a Link resource will have to be generated for
each cluster and applied to the other.`,
  examples: `  # To link the west cluster to east
  linkerd --context=east multicluster link-gen --cluster-name east | kubectl --context=west apply -f -
  `,
  flags: FLAGS,
  run,
};

async function run(invocation: Invocation): Promise<number> {
  const { controlPlane, out } = invocation;
  const cluster = textOf(invocation, 'cluster-name');
  if (cluster === '') refuse('you need to specify cluster name');
  const config = await linkerdValues(invocation, () =>
    refuse('you need Linkerd to be installed on a cluster in order to get its credentials'),
  );
  const format = textOf(invocation, 'output', 'yaml');
  if (format !== 'yaml' && format !== 'json') refuse(`output format ${format} not supported`);
  const namespace = textOf(invocation, 'namespace', NAMESPACE);
  const kubeconfig = await kubeconfigOf(invocation, namespace);
  const domains = { trustDomain: config.identityTrustDomain, clusterDomain: config.clusterDomain };
  const objects = [
    credentialsObject({ cluster, namespace, kubeconfig }),
    credentialsObject({ cluster, namespace: controlPlane, kubeconfig, domains }),
    await linkOf(invocation, cluster, namespace, config.clusterDomain),
  ];
  for (const object of objects) {
    await out(format === 'json' ? `${JSON.stringify(object)}\n` : `${sortedYaml(object)}---\n`);
  }
  return 0;
}

async function linkOf(
  invocation: Invocation,
  cluster: string,
  namespace: string,
  clusterDomain: string,
): Promise<KubeObject> {
  const gateway = isOn(invocation, 'gateway')
    ? await found(
        invocation.client.get(
          { ...SERVICES, namespace: textOf(invocation, 'gateway-namespace', NAMESPACE) },
          textOf(invocation, 'gateway-name', 'linkerd-gateway'),
        ),
      )
    : undefined;
  const addresses = textOf(invocation, 'gateway-addresses');
  const port = textOf(invocation, 'gateway-port');
  try {
    return linkObject({
      cluster,
      namespace,
      controlPlane: invocation.controlPlane,
      clusterDomain,
      createdBy: `linkerd/cli ${LINKERD_VERSION}`,
      selector: textOf(invocation, 'selector', 'mirror.linkerd.io/exported=true'),
      remoteDiscoverySelector: textOf(
        invocation,
        'remote-discovery-selector',
        'mirror.linkerd.io/exported=remote-discovery',
      ),
      federatedServiceSelector: textOf(invocation, 'federated-service-selector', 'mirror.linkerd.io/federated=member'),
      excludedAnnotations: listOf(invocation, 'excluded-annotations'),
      excludedLabels: listOf(invocation, 'excluded-labels'),
      ...(gateway ? { gateway } : {}),
      ...(addresses ? { gatewayAddresses: addresses } : {}),
      ...(port ? { gatewayPort: Number(port) } : {}),
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** With the account's lasting token, under the names that the own kubeconfig has for the cluster. */
async function kubeconfigOf(invocation: Invocation, namespace: string): Promise<string> {
  const { client, meant } = invocation;
  const account = textOf(invocation, 'service-account-name', ACCOUNT);
  await found(client.get({ group: '', version: 'v1', resource: 'serviceaccounts', namespace }, account));
  const secrets = await client.list(
    { ...SECRETS, namespace },
    { fieldSelector: 'type=kubernetes.io/service-account-token' },
  );
  const secret = secrets.items.find(
    ({ metadata }) => metadata.annotations?.['kubernetes.io/service-account.name'] === account,
  );
  if (!secret) return refuse(`could not find service account token secret for ${account}`);
  const token: string | undefined = secret['data']?.token;
  if (!token) {
    return refuse(`could not find the token data in service account secret ${secret.metadata.name}`);
  }
  if (!meant?.context) return refuse('could not extract current context from config');
  const server = textOf(invocation, 'api-server-address') || meant.server;
  return sortedYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: meant.cluster ?? meant.context,
        cluster: {
          ...(meant.ca ? { 'certificate-authority-data': Buffer.from(meant.ca).toString('base64') } : {}),
          ...(server ? { server } : {}),
        },
      },
    ],
    contexts: [
      {
        name: meant.context,
        context: {
          cluster: meant.cluster ?? meant.context,
          ...(meant.namespace ? { namespace: meant.namespace } : {}),
          user: account,
        },
      },
    ],
    'current-context': meant.context,
    users: [{ name: account, user: { token: Buffer.from(token, 'base64').toString() } }],
  });
}

/** What is not there is said with the usage, as all errors of the extension's verbs. */
async function found<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof StatusError) return refuse(error.message);
    throw error;
  }
}
