import { compareQuantities, sumOfQuantities } from '#kube/api/quantity.ts';
import { type Amounts, inScope, mustStateAll, usageOf, usedOf } from '#kube/api/quota.ts';
import { failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../seams.ts';

const QUOTAS = '/resourcequotas';

/** Refuses what would go over a quota of its namespace. Source: apiserver/pkg/admission/plugin/resourcequota. */
export function quotaAdmission(store: Store): AdmissionPlugin {
  return {
    name: 'ResourceQuota',
    settle(attributes, object, old) {
      const { operation, namespace, group, resource, subresource } = attributes;
      if (!namespace || subresource || (operation !== 'CREATE' && operation !== 'UPDATE')) return;
      const storage = `${group}/${resource}`;
      if (storage === '/events' || store.count(QUOTAS) === 0) return;
      for (const quota of store.list(QUOTAS, namespace)) check(store, quota, storage, attributes, object, old);
    },
  };
}

function check(
  store: Store,
  quota: KubeObject,
  storage: string,
  attributes: AdmissionAttributes,
  object: KubeObject,
  old: KubeObject | undefined,
): void {
  if (!inScope(quota, storage, object)) return;
  const hard: Amounts = quota.spec?.hard ?? {};
  const quotaName = quota.metadata.name!;
  if (storage === '/pods' && attributes.operation === 'CREATE') {
    const missing = unstated(hard, object);
    if (missing) throw refused(attributes, object, `failed quota: ${quotaName}: must specify ${missing}`);
  }
  const before = old ? usageOf(storage, old) : {};
  const grows = Object.entries(usageOf(storage, object))
    .filter(([name, amount]) => hard[name] !== undefined && compareQuantities(amount, before[name] ?? '0') > 0)
    .map(([name, amount]) => [name, before[name] ? sumOfQuantities([amount, `-${before[name]}`]) : amount] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (grows.length === 0) return;
  const used = usedOf(quota, store.kinds(), (kind) => store.list(kind, quota.metadata.namespace));
  const over = grows.filter(
    ([name, amount]) => compareQuantities(sumOfQuantities([used[name]!, amount]), hard[name]!) > 0,
  );
  if (over.length === 0) return;
  const said = (amount: (name: string, wanted: string) => string) =>
    over.map(([name, wanted]) => `${name}=${amount(name, wanted)}`).join(',');
  throw refused(
    attributes,
    object,
    `exceeded quota: ${quotaName}, requested: ${said((_, wanted) => wanted)}, used: ${said((name) => used[name]!)}, limited: ${said((name) => hard[name]!)}`,
  );
}

/** `limits.cpu for: a,b; requests.cpu for: a`, or undefined when every container says what is counted. */
function unstated(hard: Amounts, pod: KubeObject): string | undefined {
  const containers: { name: string; resources?: { limits?: Amounts; requests?: Amounts } }[] = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []),
  ];
  const parts = mustStateAll(hard).flatMap((name) => {
    const side = name.startsWith('limits.') ? 'limits' : 'requests';
    const amount = name.replace(/^(limits|requests)\./, '');
    const silent = containers.filter(({ resources }) => resources?.[side]?.[amount] === undefined);
    return silent.length > 0 ? [`${name} for: ${silent.map((each) => each.name).join(',')}`] : [];
  });
  return parts.length > 0 ? parts.join('; ') : undefined;
}

function refused({ group, resource }: AdmissionAttributes, { metadata }: KubeObject, why: string) {
  const full = group ? `${resource}.${group}` : resource;
  const name = metadata.name!;
  return failure('Forbidden', `${full} ${JSON.stringify(name)} is forbidden: ${why}`, {
    name,
    ...(group ? { group } : {}),
    kind: resource,
  });
}
