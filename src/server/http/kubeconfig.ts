import { stringify } from 'yaml';
import { clusterNames } from '#schema/cluster-names.ts';
import type { ClusterSettings } from '#schema/lab.ts';

/** How one cluster is reached from outside. */
export interface ApiAccess {
  token: string;
  api: { url: string; ca: string };
}

/** What a kubeconfig names: a cluster, a user and a context of one name. */
export interface NamedAccess extends ApiAccess {
  name: string;
  /** PEM of the cluster's own CA, for those who take the CA from here and reach the API from inside, as a link between meshes does. */
  innerCa?: string | undefined;
}

/** A kubeconfig for the learner's own tools; the first context is the current one. The tokens in it end with their session. */
export function kubeconfigOf(clusters: NamedAccess[]): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: clusters.map(({ name, api, innerCa }) => ({
      name,
      cluster: {
        server: api.url,
        'certificate-authority-data': Buffer.from(innerCa ? `${api.ca.trimEnd()}\n${innerCa}` : api.ca).toString(
          'base64',
        ),
      },
    })),
    users: clusters.map(({ name, token }) => ({ name, user: { token } })),
    contexts: clusters.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
    'current-context': clusters[0]?.name ?? '',
  });
}

/** The same for a cluster that is alone. */
export const kubeconfigFor = (lab: string, access: ApiAccess): string =>
  kubeconfigOf([{ ...access, name: `academy-${lab}` }]);

/** The same for all clusters of a lab. `innerCa`: by the cluster's name. */
export function kubeconfigOfLab(
  lab: { id: string; definition: { cluster: ClusterSettings } },
  access: ApiAccess & { others: Record<string, ApiAccess> },
  innerCa: Record<string, string>,
): string {
  const [main, ...others] = clusterNames(lab.definition.cluster);
  if (main === undefined) return kubeconfigFor(lab.id, access);
  return kubeconfigOf([
    { name: main, token: access.token, api: access.api, innerCa: innerCa[main] },
    ...others.map((name) => ({ name, ...access.others[name]!, innerCa: innerCa[name] })),
  ]);
}
