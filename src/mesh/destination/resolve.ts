import type { KubeObject } from '#kube/api/types.ts';
import type { Endpoint } from './addresses.ts';
import type { Authority, ClusterView } from './cluster-view.ts';
import type { RemoteClusters } from './remote-clusters.ts';

const REMOTE_DISCOVERY = 'multicluster.linkerd.io/remote-discovery';
const REMOTE_SERVICE = 'multicluster.linkerd.io/remote-service';
const LOCAL_DISCOVERY = 'multicluster.linkerd.io/local-discovery';

/** A member of a federated Service in another cluster. */
export interface Member {
  service: string;
  cluster: string;
}

/** Reads `api@west,api@north`; what is no member is left out. */
export function membersOf(service: KubeObject): Member[] {
  const list = service.metadata.annotations?.[REMOTE_DISCOVERY] ?? '';
  return list.split(',').flatMap((each) => {
    const [name, cluster, more] = each.split('@');
    return name && cluster && more === undefined ? [{ service: name, cluster }] : [];
  });
}

export const isFederated = (service: KubeObject): boolean => {
  const annotations = service.metadata.annotations ?? {};
  return annotations[REMOTE_DISCOVERY] !== undefined || annotations[LOCAL_DISCOVERY] !== undefined;
};

/**
 * The endpoints of a Service port wherever they are: of a federated Service the members' of all clusters, of a flat
 * mirror those of the Service it stands for, else its own. Undefined when there is no such Service, or no such cluster.
 */
export function resolveEndpoints(
  view: ClusterView,
  remotes: Pick<RemoteClusters, 'get'> | undefined,
  authority: Authority,
): Endpoint[] | undefined {
  const service = view.service(authority.namespace, authority.service);
  if (!service) return undefined;
  if (isFederated(service)) {
    const { hostname: _, ...whole } = authority;
    const local = service.metadata.annotations?.[LOCAL_DISCOVERY];
    const own = local ? (view.endpoints({ ...whole, service: local }) ?? []) : [];
    const others = membersOf(service).flatMap(
      (member) => remotes?.get(member.cluster)?.view.endpoints({ ...whole, service: member.service }) ?? [],
    );
    return [...own, ...others];
  }
  const cluster = service.metadata.labels?.[REMOTE_DISCOVERY];
  if (cluster === undefined) return view.endpoints(authority);
  const remote = service.metadata.labels?.[REMOTE_SERVICE];
  return remote ? remotes?.get(cluster)?.view.endpoints({ ...authority, service: remote }) : undefined;
}
