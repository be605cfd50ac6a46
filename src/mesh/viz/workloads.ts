import { parseLabelSelector } from '#kube/api/selectors.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { GrpcError, INTERNAL, NOT_FOUND } from '#mesh/api/grpc.ts';
import { selects } from '#mesh/policy/core/selectors.ts';

const UNIMPLEMENTED = 12;
/** What the extension is asked about, by the name that requests have for it. */
const KINDS: Record<string, { group: string; resource: string }> = {
  namespace: { group: '', resource: 'namespaces' },
  pod: { group: '', resource: 'pods' },
  replicationcontroller: { group: '', resource: 'replicationcontrollers' },
  service: { group: '', resource: 'services' },
  daemonset: { group: 'apps', resource: 'daemonsets' },
  deployment: { group: 'apps', resource: 'deployments' },
  replicaset: { group: 'apps', resource: 'replicasets' },
  statefulset: { group: 'apps', resource: 'statefulsets' },
  job: { group: 'batch', resource: 'jobs' },
  cronjob: { group: 'batch', resource: 'cronjobs' },
};
/** Kinds whose pods belong to something between. */
const BETWEEN: Record<string, { group: string; resource: string }> = {
  deployment: KINDS['replicaset']!,
  cronjob: KINDS['job']!,
};

export interface Wanted {
  /** Empty: all of them. */
  namespace: string;
  type: string;
  /** Empty: all of the type. */
  name: string;
  selector: string;
}

const within = ({ group, resource }: { group: string; resource: string }, namespace: string): Target => ({
  group,
  version: 'v1',
  resource,
  ...(namespace ? { namespace } : {}),
});

/** The objects that are meant. Throws a GrpcError in the words that the command line shows. */
export async function objectsOf(client: KubeClient, wanted: Wanted): Promise<KubeObject[]> {
  const { type, name, selector } = wanted;
  const kind = KINDS[type];
  if (!kind) throw new GrpcError(UNIMPLEMENTED, `unimplemented resource type: ${type}`);
  const target = within(kind, type === 'namespace' ? '' : wanted.namespace);
  let objects: KubeObject[];
  try {
    objects = name ? [await client.get(target, name)] : (await client.list(target)).items;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    if (error.code !== 404) throw new GrpcError(INTERNAL, error.message);
    throw new GrpcError(NOT_FOUND, `${type}${kind.group ? `.${kind.group}` : ''} ${JSON.stringify(name)} not found`);
  }
  if (!selector) return objects;
  const asked = parseLabelSelector(selector);
  return objects.filter(({ metadata }) => asked(metadata.labels));
}

/** The pods of these objects, which are all of one type: themselves, those that they select, or those that they own. */
export async function podsOf(
  client: KubeClient,
  { type, namespace }: Pick<Wanted, 'type' | 'namespace'>,
  objects: KubeObject[],
): Promise<KubeObject[]> {
  if (type === 'pod') return objects;
  const pods = (await client.list(within(KINDS['pod']!, type === 'namespace' ? '' : namespace))).items;
  if (type === 'namespace') {
    const names = new Set(objects.map(({ metadata }) => metadata.name));
    return pods.filter(({ metadata }) => names.has(metadata.namespace));
  }
  if (type === 'service') return pods.filter((pod) => objects.some((service) => isBehind(service, pod)));
  const between = BETWEEN[type];
  const owners = between ? ownedBy(objects, (await client.list(within(between, namespace))).items) : objects;
  return ownedBy(owners, pods);
}

/** Whether a Service selects a pod. */
export const isBehind = ({ metadata, spec }: KubeObject, pod: KubeObject): boolean =>
  metadata.namespace === pod.metadata.namespace &&
  Boolean(spec?.selector) &&
  selects({ matchLabels: spec.selector }, pod.metadata.labels);

function ownedBy(owners: KubeObject[], objects: KubeObject[]): KubeObject[] {
  const uids = new Set(owners.map(({ metadata }) => metadata.uid));
  return objects.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uids.has(uid)));
}
