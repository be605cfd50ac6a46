import { quantityValue, sumOfQuantities } from './quantity.ts';
import type { KubeObject } from './types.ts';

/** Amounts by the name of what is counted: `pods`, `requests.cpu`, `count/deployments.apps`. */
export type Amounts = Record<string, string>;

interface Container {
  name: string;
  resources?: { limits?: Amounts; requests?: Amounts };
}

/** Kinds of the first hours that a quota counts by their bare name. */
const BARE = new Set([
  'configmaps',
  'secrets',
  'persistentvolumeclaims',
  'services',
  'replicationcontrollers',
  'resourcequotas',
]);
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
export const SCOPES = [
  'BestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  'PriorityClass',
  'CrossNamespacePodAffinity',
];

/** What one object takes of a namespace's quotas. `storage` is its kind as the store names it. Source: pkg/quota/v1/evaluator. */
export function usageOf(storage: string, object: KubeObject): Amounts {
  const [group = '', resource = ''] = storage.split('/');
  const used: Amounts = { [`count/${resource}${group ? `.${group}` : ''}`]: '1' };
  if (group !== '') return used;
  if (BARE.has(resource)) used[resource] = '1';
  if (resource === 'pods') Object.assign(used, podUsage(object));
  if (resource === 'services') Object.assign(used, serviceUsage(object));
  if (resource === 'persistentvolumeclaims') {
    const size: string = object.spec?.resources?.requests?.storage ?? '0';
    used['requests.storage'] = size;
    const wanted: string | undefined = object.spec?.storageClassName;
    if (wanted) {
      used[`${wanted}.storageclass.storage.k8s.io/requests.storage`] = size;
      used[`${wanted}.storageclass.storage.k8s.io/persistentvolumeclaims`] = '1';
    }
  }
  return used;
}

function podUsage({ spec, status }: KubeObject): Amounts {
  // What has ended takes nothing but its place in the store.
  if (['Succeeded', 'Failed'].includes(status?.phase)) return {};
  const used: Amounts = { pods: '1' };
  const containers: Container[] = spec?.containers ?? [];
  const first: Container[] = spec?.initContainers ?? [];
  for (const side of ['requests', 'limits'] as const) {
    const names = new Set([...containers, ...first].flatMap((each) => Object.keys(each.resources?.[side] ?? {})));
    for (const name of names) {
      const amounts = (list: Container[]) => list.map((each) => each.resources?.[side]?.[name] ?? '0');
      const together = sumOfQuantities(amounts(containers));
      const most = [together, ...amounts(first)].reduce((a, b) =>
        (quantityValue(b) ?? 0) > (quantityValue(a) ?? 0) ? b : a,
      );
      used[`${side}.${name}`] = most;
      if (side === 'requests' && COMPUTE.includes(name)) used[name] = most;
    }
  }
  return used;
}

function serviceUsage({ spec }: KubeObject): Amounts {
  const ports: unknown[] = spec?.ports ?? [];
  const exposes =
    spec?.type === 'NodePort' || (spec?.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
  return {
    ...(exposes ? { 'services.nodeports': String(ports.length) } : {}),
    ...(spec?.type === 'LoadBalancer' ? { 'services.loadbalancers': '1' } : {}),
  };
}

/** Whether a quota's scopes take an object in; those without scopes take all. */
export function inScope(quota: KubeObject, storage: string, object: KubeObject): boolean {
  const scopes: string[] = quota.spec?.scopes ?? [];
  const expressions: { scopeName: string; operator: string; values?: string[] }[] =
    quota.spec?.scopeSelector?.matchExpressions ?? [];
  if (scopes.length + expressions.length === 0) return true;
  if (storage !== '/pods') return false;
  const matches = (scope: string): boolean => {
    if (scope === 'BestEffort') return isBestEffort(object);
    if (scope === 'NotBestEffort') return !isBestEffort(object);
    const ends = typeof object.spec?.activeDeadlineSeconds === 'number';
    if (scope === 'Terminating') return ends;
    if (scope === 'NotTerminating') return !ends;
    return scope === 'PriorityClass' && !!object.spec?.priorityClassName;
  };
  return (
    scopes.every(matches) &&
    expressions.every(({ scopeName, operator, values = [] }) => {
      if (scopeName !== 'PriorityClass') return matches(scopeName);
      const name: string | undefined = object.spec?.priorityClassName;
      if (operator === 'Exists') return !!name;
      if (operator === 'DoesNotExist') return !name;
      return operator === 'In' ? !!name && values.includes(name) : !name || !values.includes(name);
    })
  );
}

const isBestEffort = ({ spec }: KubeObject): boolean =>
  [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].every(
    ({ resources }: Container) =>
      Object.keys(resources?.limits ?? {}).length + Object.keys(resources?.requests ?? {}).length === 0,
  );

/** What a quota counts among the objects of its namespace, for each of its names. `list` gives those of one kind. */
export function usedOf(quota: KubeObject, kinds: string[], list: (storage: string) => KubeObject[]): Amounts {
  const hard: Amounts = quota.spec?.hard ?? {};
  const sums: Record<string, string[]> = Object.fromEntries(Object.keys(hard).map((name) => [name, ['0']]));
  for (const storage of kinds) {
    if (!Object.keys(hard).some((name) => mayCount(name, storage))) continue;
    for (const object of list(storage)) {
      if (!inScope(quota, storage, object)) continue;
      for (const [name, amount] of Object.entries(usageOf(storage, object))) sums[name]?.push(amount);
    }
  }
  return Object.fromEntries(
    Object.keys(hard)
      .sort()
      .map((name) => [name, sumOfQuantities(sums[name]!)]),
  );
}

function mayCount(name: string, storage: string): boolean {
  const [group = '', resource = ''] = storage.split('/');
  if (name === `count/${resource}${group ? `.${group}` : ''}`) return true;
  if (group !== '' || name.startsWith('count/')) return false;
  if (resource === 'pods')
    return /^(pods|cpu|memory|ephemeral-storage|(requests|limits)\..+)$/.test(name) && name !== 'requests.storage';
  if (resource === 'persistentvolumeclaims')
    return /^(persistentvolumeclaims|requests\.storage|.*storageclass\.storage\.k8s\.io\/.*)$/.test(name);
  return name === resource || name.startsWith(`${resource}.`);
}

/** The names among a quota's that every container of a pod must state, when it is to be counted. */
export const mustStateAll = (hard: Amounts): string[] =>
  Object.keys(hard)
    .filter((name) => /^(cpu|memory|(requests|limits)\.(cpu|memory))$/.test(name))
    .sort();
