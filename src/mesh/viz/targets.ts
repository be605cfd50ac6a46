import { parseLabelSelector } from '#kube/api/selectors.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { GrpcError, INTERNAL, NOT_FOUND } from '#mesh/api/grpc.ts';
import { selects } from '#mesh/policy/core/selectors.ts';
import { isTapDisabled, isTapEnabled, TAP_DISABLED } from './labels.ts';

const UNIMPLEMENTED = 12;
/** What may be tapped, by the name that tap requests have for it. */
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
  namespace: string;
  type: string;
  /** Empty: all of the type. */
  name: string;
  selector: string;
}

/** The pods to tap. Throws a GrpcError in the words that the command line shows. */
export async function tapTargets(client: KubeClient, wanted: Wanted, controlPlane: string): Promise<KubeObject[]> {
  const { type, name } = wanted;
  const pods = (await podsOf(client, wanted)).filter(
    ({ metadata, status }) =>
      metadata.labels?.['linkerd.io/control-plane-ns'] === controlPlane &&
      ['Pending', 'Running'].includes(status?.phase),
  );
  const disabled = pods.filter(isTapDisabled);
  const enabled = pods.filter((pod) => !isTapDisabled(pod) && isTapEnabled(pod));
  const others = pods.filter((pod) => !isTapDisabled(pod) && !isTapEnabled(pod));
  if (enabled.length > 0) return enabled;
  const lines = (list: KubeObject[]) => list.map(({ metadata }) => `\t* ${metadata.name}\n`).join('');
  let text = `no pods to tap for type=${JSON.stringify(type)} name=${JSON.stringify(name)}\n`;
  if (disabled.length > 0) {
    text += `${disabled.length} pods found with tap disabled via the ${TAP_DISABLED} annotation:\n${lines(disabled)}`;
    text += 'remove this annotation to make these pods valid tap targets\n';
  }
  if (others.length > 0) {
    text += `${others.length} pods found with tap not enabled:\n${lines(others)}`;
    text += 'restart these pods to enable tap and make them valid tap targets\n';
  }
  throw new GrpcError(NOT_FOUND, text);
}

async function podsOf(client: KubeClient, wanted: Wanted): Promise<KubeObject[]> {
  const { type, name, selector } = wanted;
  const kind = KINDS[type];
  if (!kind) throw new GrpcError(UNIMPLEMENTED, `unimplemented resource type: ${type}`);
  const namespace = type === 'namespace' ? '' : wanted.namespace;
  const within = ({ group, resource }: { group: string; resource: string }): Target => ({
    group,
    version: 'v1',
    resource,
    ...(namespace ? { namespace } : {}),
  });
  let objects: KubeObject[];
  try {
    objects = name ? [await client.get(within(kind), name)] : (await client.list(within(kind))).items;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    if (error.code !== 404) throw new GrpcError(INTERNAL, error.message);
    throw new GrpcError(NOT_FOUND, `${type}${kind.group ? `.${kind.group}` : ''} ${JSON.stringify(name)} not found`);
  }
  if (selector) {
    const asked = parseLabelSelector(selector);
    objects = objects.filter(({ metadata }) => asked(metadata.labels));
  }
  if (type === 'pod') return objects;
  const pods = (await client.list(within(KINDS['pod']!))).items;
  if (type === 'namespace') {
    const names = new Set(objects.map(({ metadata }) => metadata.name));
    return pods.filter(({ metadata }) => names.has(metadata.namespace));
  }
  if (type === 'service') {
    return pods.filter((pod) =>
      objects.some(({ spec }) => spec?.selector && selects({ matchLabels: spec.selector }, pod.metadata.labels)),
    );
  }
  const between = BETWEEN[type];
  const owners = between ? ownedBy(objects, (await client.list(within(between))).items) : objects;
  return ownedBy(owners, pods);
}

function ownedBy(owners: KubeObject[], objects: KubeObject[]): KubeObject[] {
  const uids = new Set(owners.map(({ metadata }) => metadata.uid));
  return objects.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uids.has(uid)));
}
