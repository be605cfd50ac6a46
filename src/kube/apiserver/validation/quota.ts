import { compareQuantities } from '#kube/api/quantity.ts';
import { type Amounts, SCOPES } from '#kube/api/quota.ts';
import type { Causes } from './causes.ts';
import type { Rule } from './rule.ts';

const STANDARD = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'services',
  'services.nodeports',
  'services.loadbalancers',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
]);
/** What quotas on the effort of pods may count. */
const OF_PODS = /^(pods|cpu|memory|(requests|limits)\.(cpu|memory))$/;
const FITS: Record<string, RegExp> = { BestEffort: /^pods$/ };
const NOT_NEGATIVE = 'must be greater than or equal to 0';

const resourceQuota: Rule = ({ spec }, old, add) => {
  const hard: Amounts = spec?.hard ?? {};
  for (const [name, amount] of Object.entries(hard).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const at = `spec.hard[${name}]`;
    if (!name.includes('/') && !STANDARD.has(name) && !/^(requests|limits)\.hugepages-/.test(name)) {
      add.invalid(at, name, 'must be a standard resource type or fully qualified');
      add.invalid(at, name, 'must be a standard resource for quota');
    }
    if (compareQuantities(amount, '0') < 0) add.invalid(at, amount, NOT_NEGATIVE);
  }
  const scopes: string[] = spec?.scopes ?? [];
  for (const scope of scopes) {
    if (!SCOPES.includes(scope)) add.invalid('spec.scopes', scopes, 'unsupported scope');
    else if (!Object.keys(hard).every((name) => (FITS[scope] ?? OF_PODS).test(name)))
      add.invalid('spec.scopes', scopes, 'unsupported scope applied to resource');
  }
  const clash = (a: string, b: string) => scopes.includes(a) && scopes.includes(b);
  if (clash('BestEffort', 'NotBestEffort') || clash('Terminating', 'NotTerminating'))
    add.invalid('spec.scopes', scopes, 'conflicting scopes');
  if (old && JSON.stringify(old.spec?.scopes ?? []) !== JSON.stringify(scopes))
    add.invalid('spec.scopes', scopes, 'field is immutable');
};

interface Limit {
  type?: string;
  max?: Amounts;
  min?: Amounts;
  default?: Amounts;
  defaultRequest?: Amounts;
}

const limitRange: Rule = ({ spec }, _old, add) => {
  const seen = new Set<string>();
  ((spec?.limits ?? []) as Limit[]).forEach((limit, i) => {
    const at = `spec.limits[${i}]`;
    const { type = '', max = {}, min = {} } = limit;
    if (seen.has(type)) add.duplicate(`${at}.type`, type);
    seen.add(type);
    if (type === 'Pod') {
      if (limit.default) add.forbidden(`${at}.default`, "may not be specified when `type` is 'Pod'");
      if (limit.defaultRequest) add.forbidden(`${at}.defaultRequest`, "may not be specified when `type` is 'Pod'");
    }
    if (type === 'PersistentVolumeClaim' && min['storage'] === undefined && max['storage'] === undefined)
      add.required(`${at}.limits`, 'either minimum or maximum storage value is required, but neither was provided');
    ordered(limit, at, add);
  });
};

function ordered(limit: Limit, at: string, add: Causes): void {
  const { max = {}, min = {}, default: most = {}, defaultRequest: asked = {} } = limit;
  const names = new Set([max, min, most, asked].flatMap((amounts) => Object.keys(amounts)));
  for (const name of [...names].sort()) {
    const over = (a: string | undefined, b: string | undefined) =>
      a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
    const [up, low, limited, request] = [max[name], min[name], most[name], asked[name]];
    if (over(low, up)) add.invalid(`${at}.min[${name}]`, low, `min value ${low} is greater than max value ${up}`);
    if (over(low, request))
      add.invalid(
        `${at}.defaultRequest[${name}]`,
        request,
        `min value ${low} is greater than default request value ${request}`,
      );
    if (over(request, up))
      add.invalid(
        `${at}.defaultRequest[${name}]`,
        request,
        `default request value ${request} is greater than max value ${up}`,
      );
    if (over(request, limited))
      add.invalid(
        `${at}.defaultRequest[${name}]`,
        request,
        `default request value ${request} is greater than default limit value ${limited}`,
      );
    if (over(low, limited))
      add.invalid(`${at}.default[${name}]`, low, `min value ${low} is greater than default value ${limited}`);
    if (over(limited, up))
      add.invalid(`${at}.default[${name}]`, up, `default value ${limited} is greater than max value ${up}`);
  }
}

export const quotaRules: Record<string, Rule> = { '/resourcequotas': resourceQuota, '/limitranges': limitRange };
