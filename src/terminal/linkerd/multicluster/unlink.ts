import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import {
  CLUSTER_NAME,
  CREDENTIALS_CLUSTER,
  credentialsOf,
  LINK,
  leaseOf,
  MIRRORED_SERVICE,
  NAMESPACE,
  SECRETS,
  SERVICES,
} from '#mesh/multicluster/labels.ts';
import type { Invocation, Verb } from '../verb.ts';
import { printDocuments } from './documents.ts';
import { OUTPUT, refuse, textOf } from './shared-flags.ts';

const DEPRECATED =
  'Command "unlink" is deprecated, only use for removing service mirror resources created by the (also deprecated) \'linkerd multicluster link\' command (Linkerd 2.17 and earlier), using the flag --only-controller\n';

const named = (apiVersion: string, kind: string, name: string, namespace?: string): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace ? { namespace } : {}) },
});
const RBAC = 'rbac.authorization.k8s.io/v1';

/** Hidden in the list of verbs, as upstream hides what is deprecated. */
export const unlink: Verb = {
  name: 'unlink',
  hidden: true,
  summary: 'Outputs link resources for deletion',
  flags: [
    { name: 'cluster-name', type: 'string', usage: 'Cluster name' },
    {
      name: 'namespace',
      type: 'string',
      default: JSON.stringify(NAMESPACE),
      usage: 'The namespace for the service account',
    },
    {
      name: 'only-controller',
      usage:
        'Only output the service-mirror controller and related resources. Leave out Link CR, credentials, Lease and mirror services.',
    },
    OUTPUT,
  ],
  async run(invocation) {
    await invocation.err(DEPRECATED);
    const cluster = textOf(invocation, 'cluster-name');
    if (cluster === '') refuse('you need to specify cluster name');
    const namespace = textOf(invocation, 'namespace', NAMESPACE);
    const link = await invocation.client.get({ ...LINK, namespace }, cluster).catch((error: unknown) => {
      if (error instanceof StatusError) return refuse(error.message);
      throw error;
    });
    const objects = controllerOf(cluster, namespace);
    if (link.spec?.probeSpec?.path) objects.push(named('v1', 'Service', `probe-gateway-${cluster}`, namespace));
    if (textOf(invocation, 'only-controller') !== 'true') {
      objects.push(
        named('v1', 'Secret', credentialsOf(cluster), namespace),
        named(`${LINK.group}/${LINK.version}`, 'Link', cluster, namespace),
        named('coordination.k8s.io/v1', 'Lease', leaseOf(cluster), namespace),
        ...(await mirrorsOf(invocation, cluster)),
        ...(await credentials(invocation, cluster)),
      );
    }
    return printDocuments(invocation, objects, 'after');
  },
};

/** The controller that the old `link` command made; those of the extension's chart go with the chart. */
function controllerOf(cluster: string, namespace: string): KubeObject[] {
  const access = `linkerd-service-mirror-access-local-resources-${cluster}`;
  const read = `linkerd-service-mirror-read-remote-creds-${cluster}`;
  const mirror = `linkerd-service-mirror-${cluster}`;
  return [
    named(RBAC, 'ClusterRole', access),
    named(RBAC, 'ClusterRoleBinding', access),
    named(RBAC, 'Role', read, namespace),
    named(RBAC, 'RoleBinding', read, namespace),
    named('v1', 'ServiceAccount', mirror, namespace),
    named('apps/v1', 'Deployment', mirror, namespace),
  ];
}

async function mirrorsOf({ client }: Invocation, cluster: string): Promise<KubeObject[]> {
  const labelSelector = `${MIRRORED_SERVICE}=true,${CLUSTER_NAME}=${cluster}`;
  const { items } = await client.list(SERVICES, { labelSelector });
  return items.map(({ metadata }) => named('v1', 'Service', metadata.name ?? '', metadata.namespace));
}

async function credentials({ client, controlPlane }: Invocation, cluster: string): Promise<KubeObject[]> {
  const { items } = await client.list(
    { ...SECRETS, namespace: controlPlane },
    { labelSelector: `${CREDENTIALS_CLUSTER}=${cluster}` },
  );
  return items.map(({ metadata }) => named('v1', 'Secret', metadata.name ?? '', metadata.namespace));
}
