import { failure } from '#kube/api/status.ts';
import type { KubeObject, UserInfo } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import type { AdmissionAttributes, AdmissionPlugin, Authorizer } from '../seams.ts';
import { type Rule, rulesFor, rulesOf } from './rbac.ts';

const GROUP = 'rbac.authorization.k8s.io';

/** Nobody gives what they do not have, unless they may escalate or bind. Source: pkg/registry/rbac. */
export function escalationAdmission(store: Store, authorize: Authorizer): AdmissionPlugin {
  const may = async (verb: string, attributes: AdmissionAttributes, resource: string, name: string) => {
    const { user, namespace, version } = attributes;
    const asked = {
      user,
      verb,
      isResource: true,
      group: GROUP,
      version,
      resource,
      subresource: '',
      namespace,
      name,
      path: '',
    };
    return (await authorize(asked)).allowed;
  };
  return {
    name: 'RBAC',
    concerns: ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'],
    async validate(attributes, object, old) {
      const { operation, group, resource, user, namespace } = attributes;
      if (group !== GROUP || !object || operation === 'DELETE' || user.groups.includes('system:masters')) return;
      if (resource === 'roles' || resource === 'clusterroles') {
        const rules = (object['rules'] ?? []) as Rule[];
        if (old && JSON.stringify(old['rules']) === JSON.stringify(rules)) return;
        if (await may('escalate', attributes, resource, object.metadata.name!)) return;
        refuse(store, attributes, object, rules, namespace);
      } else if (resource === 'rolebindings' || resource === 'clusterrolebindings') {
        const { kind, name } = object['roleRef'] ?? {};
        if (await may('bind', attributes, kind === 'Role' ? 'roles' : 'clusterroles', name)) return;
        refuse(store, attributes, object, rulesOf(store, object, namespace), namespace);
      }
    },
  };
}

function refuse(
  store: Store,
  { resource, user }: AdmissionAttributes,
  object: KubeObject,
  rules: Rule[],
  namespace: string,
): void {
  const own = rulesFor(store, user, namespace);
  const missing = rules.flatMap(single).filter((wanted) => !own.some((rule) => covered(rule, wanted)));
  if (missing.length === 0) return;
  const name = object.metadata.name!;
  throw failure(
    'Forbidden',
    `${resource}.${GROUP} ${JSON.stringify(name)} is forbidden: user ${JSON.stringify(user.username)} (groups=${goList(user)}) is attempting to grant RBAC permissions not currently held:\n${compact(missing).map(shown).join('\n')}`,
    { name, group: GROUP, kind: resource },
  );
}

const goList = ({ groups }: UserInfo): string => `[${groups.map((group) => JSON.stringify(group)).join(' ')}]`;

/** A rule taken apart: one verb, group and resource each. */
function single({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: Rule): Rule[] {
  const named = resourceNames.length > 0 ? resourceNames.map((name) => [name]) : [[]];
  return [
    ...apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          named.map((names) => ({ verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: names })),
        ),
      ),
    ),
    ...nonResourceURLs.flatMap((url) => verbs.map((verb) => ({ verbs: [verb], nonResourceURLs: [url] }))),
  ];
}

const holds = (list: string[] | undefined, value: string): boolean =>
  (list ?? []).some((each) => each === '*' || each === value);

function covered(rule: Rule, wanted: Rule): boolean {
  if (!holds(rule.verbs, wanted.verbs[0]!)) return false;
  const url = wanted.nonResourceURLs?.[0];
  if (url !== undefined)
    return (rule.nonResourceURLs ?? []).some(
      (own) => own === url || (own.endsWith('*') && url.startsWith(own.slice(0, -1))),
    );
  const names = rule.resourceNames ?? [];
  return (
    holds(rule.apiGroups, wanted.apiGroups![0]!) &&
    holds(rule.resources, wanted.resources![0]!) &&
    (names.length === 0 || names.includes(wanted.resourceNames?.[0] ?? ''))
  );
}

/** Rules on the same thing are said as one, with all their verbs. */
function compact(rules: Rule[]): Rule[] {
  const byThing = new Map<string, Rule>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames, rule.nonResourceURLs]);
    const known = byThing.get(key);
    if (known) known.verbs.push(...rule.verbs);
    else byThing.set(key, { ...rule, verbs: [...rule.verbs] });
  }
  return [...byThing.values()].sort((a, b) => (shown(a) < shown(b) ? -1 : 1));
}

function shown({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: Rule): string {
  const list = (values: string[]) => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
  const parts = [
    ...(nonResourceURLs?.length ? [`NonResourceURLs:${list(nonResourceURLs)}`] : []),
    ...(apiGroups?.length ? [`APIGroups:${list(apiGroups)}`] : []),
    ...(resources?.length ? [`Resources:${list(resources)}`] : []),
    ...(resourceNames?.length ? [`ResourceNames:${list(resourceNames)}`] : []),
    `Verbs:${list(verbs)}`,
  ];
  return `{${parts.join(', ')}}`;
}
