import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { selects } from '#mesh/policy/core/selectors.ts';
import { UsageError } from './flags.ts';

const KINDS: Record<string, { group: string; resource: string }> = {
  pod: { group: '', resource: 'pods' },
  service: { group: '', resource: 'services' },
  namespace: { group: '', resource: 'namespaces' },
  deployment: { group: 'apps', resource: 'deployments' },
  daemonset: { group: 'apps', resource: 'daemonsets' },
  statefulset: { group: 'apps', resource: 'statefulsets' },
  replicaset: { group: 'apps', resource: 'replicasets' },
  job: { group: 'batch', resource: 'jobs' },
  cronjob: { group: 'batch', resource: 'cronjobs' },
  replicationcontroller: { group: '', resource: 'replicationcontrollers' },
};
const SHORT: Record<string, string> = {
  po: 'pod',
  svc: 'service',
  ns: 'namespace',
  deploy: 'deployment',
  ds: 'daemonset',
  sts: 'statefulset',
  rs: 'replicaset',
  cj: 'cronjob',
  rc: 'replicationcontroller',
};

/** The singular of a kind however it is spelled (`deploy`, `deployments`, `Deployment`); undefined when unknown. */
export function canonicalKind(text: string): string | undefined {
  const lower = text.toLowerCase();
  const name = SHORT[lower] ?? lower;
  if (name in KINDS) return name;
  return name.endsWith('s') && name.slice(0, -1) in KINDS ? name.slice(0, -1) : undefined;
}

export interface Resource {
  kind: string;
  /** Absent: all of the kind. */
  name?: string;
}

/** Reads `deploy/web`, `deploy web`, `deploy`. */
export function parseResource(args: string[]): Resource {
  const [first, second] = args;
  if (!first) throw new UsageError('no resource arguments provided');
  const [kindText, name] = first.includes('/') ? first.split('/', 2) : [first, second];
  const kind = canonicalKind(kindText!);
  if (!kind) throw new UsageError(`cannot find Kubernetes canonical name from friendly name [${kindText}]`);
  return { kind, ...(name ? { name } : {}) };
}

export async function objectsOf(client: KubeClient, namespace: string, resource: Resource): Promise<KubeObject[]> {
  const kind = KINDS[resource.kind]!;
  const version = 'v1';
  const target = resource.kind === 'namespace' ? { ...kind, version } : { ...kind, version, namespace };
  if (resource.name) return [await client.get(target, resource.name)];
  return (await client.list(target)).items;
}

const WORKLOADS = [
  'cronjob',
  'daemonset',
  'deployment',
  'job',
  'pod',
  'replicaset',
  'replicationcontroller',
  'statefulset',
];

/** The pods of one named workload, `TYPE/NAME`: what it owns, itself or through what it owns. */
export async function podsOfWorkload(client: KubeClient, namespace: string, resource: string): Promise<KubeObject[]> {
  const parts = resource.split('/');
  if (parts.length === 1) throw new UsageError('no resource name provided');
  if (parts.length !== 2) throw new UsageError(`invalid resource string: ${resource}`);
  const [kindText = '', name = ''] = parts;
  const kind = canonicalKind(kindText);
  if (!kind) throw new UsageError(`cannot find Kubernetes canonical name from friendly name [${kindText}]`);
  if (!WORKLOADS.includes(kind)) throw new UsageError(`unsupported resource type: ${name}`);
  const object = await client.get({ ...KINDS[kind]!, version: 'v1', namespace }, name);
  if (kind === 'pod') return [object];
  const owners = new Set([object.metadata.uid]);
  const owned = ({ metadata }: KubeObject) => metadata.ownerReferences?.some(({ uid }) => owners.has(uid)) === true;
  const between = kind === 'deployment' ? KINDS['replicaset'] : kind === 'cronjob' ? KINDS['job'] : undefined;
  if (between) {
    const { items } = await client.list({ ...between, version: 'v1', namespace });
    const mine = items.filter(owned);
    owners.clear();
    for (const { metadata } of mine) owners.add(metadata.uid);
  }
  return (await client.list({ ...KINDS['pod']!, version: 'v1', namespace })).items.filter(owned);
}

/** The running pods that a resource stands for: itself, those it selects, or those it owns. */
export async function podsFor(client: KubeClient, namespace: string, args: string[]): Promise<KubeObject[]> {
  const resource = parseResource(args);
  const objects = await objectsOf(client, namespace, resource);
  if (resource.kind === 'pod') return objects;
  const where = resource.kind === 'namespace' ? (resource.name ?? namespace) : namespace;
  const pods = (await client.list({ group: '', version: 'v1', resource: 'pods', namespace: where })).items;
  if (resource.kind === 'namespace') return pods;
  return pods.filter((pod) =>
    objects.some((object) => {
      if (pod.metadata.ownerReferences?.some((owner) => owner.uid === object.metadata.uid)) return true;
      const selector = resource.kind === 'service' ? object.spec?.selector : object.spec?.selector?.matchLabels;
      return selector && selects({ matchLabels: selector }, pod.metadata.labels);
    }),
  );
}
