import type { KubeObject, UserInfo } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import type { Attributes, Authorizer } from '../seams.ts';

const GROUP = 'rbac.authorization.k8s.io';

export interface Rule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}
interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

/** Bounds whose rules are remembered. */
const MOST_REMEMBERED = 256;

/** RBAC over the roles and bindings of the store. Members of system:masters may do everything. Source: plugin/pkg/auth/authorizer/rbac. */
export function createRbac(store: Store): Authorizer {
  // Asked at every request, and changed hardly ever.
  const remembered = new Map<string, { rules: Rule[]; decided: Map<string, boolean> }>();
  for (const kind of ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'])
    store.watch(`${GROUP}/${kind}`, () => remembered.clear());
  return (attributes) => {
    const { user, namespace } = attributes;
    if (user.groups.includes('system:masters')) return { allowed: true };
    const key = `${namespace}\n${user.username}\n${user.groups.join('\n')}`;
    let known = remembered.get(key);
    if (!known) {
      known = { rules: rulesFor(store, user, namespace), decided: new Map() };
      if (remembered.size >= MOST_REMEMBERED) remembered.clear();
      remembered.set(key, known);
    }
    const { rules, decided } = known;
    // The path of a request says all that is decided by. What is asked in a review has none, or one that may be anything.
    const { verb, path, isResource } = attributes;
    const what = path && isResource ? `${verb} ${path}` : '';
    let allowed = decided.get(what);
    if (allowed === undefined) {
      allowed = rules.some((rule) => covers(rule, attributes));
      if (!what) return { allowed };
      if (decided.size >= MOST_REMEMBERED) decided.clear();
      decided.set(what, allowed);
    }
    return { allowed };
  };
}

/** Every rule that applies to a user in a namespace (cluster-wide ones when it is empty). */
export function rulesFor(store: Store, user: UserInfo, namespace: string): Rule[] {
  const rules: Rule[] = [];
  for (const binding of store.list(`${GROUP}/clusterrolebindings`))
    if (names(binding, user, '')) rules.push(...rulesOf(store, binding, ''));
  if (namespace)
    for (const binding of store.list(`${GROUP}/rolebindings`, namespace))
      if (names(binding, user, namespace)) rules.push(...rulesOf(store, binding, namespace));
  return rules;
}

function names(binding: KubeObject, user: UserInfo, namespace: string): boolean {
  return ((binding.subjects ?? []) as Subject[]).some(({ kind, name, namespace: own }) => {
    if (kind === 'User') return name === user.username;
    if (kind === 'Group') return user.groups.includes(name);
    return kind === 'ServiceAccount' && user.username === `system:serviceaccount:${own ?? namespace}:${name}`;
  });
}

export function rulesOf(store: Store, { roleRef }: KubeObject, namespace: string): Rule[] {
  const role =
    roleRef?.kind === 'Role'
      ? store.get(`${GROUP}/roles`, namespace, roleRef.name)
      : store.get(`${GROUP}/clusterroles`, '', roleRef?.name ?? '');
  return (role?.rules ?? []) as Rule[];
}

export function covers(rule: Rule, a: Attributes): boolean {
  if (!has(rule.verbs, a.verb)) return false;
  if (!a.isResource)
    return (rule.nonResourceURLs ?? []).some(
      (url) => url === '*' || url === a.path || (url.endsWith('*') && a.path.startsWith(url.slice(0, -1))),
    );
  const resource = a.subresource ? `${a.resource}/${a.subresource}` : a.resource;
  const named = rule.resourceNames ?? [];
  return (
    has(rule.apiGroups, a.group) &&
    (rule.resources ?? []).some(
      (known) => known === '*' || known === resource || (a.subresource && known === `*/${a.subresource}`),
    ) &&
    (named.length === 0 || named.includes(a.name))
  );
}

const has = (list: string[] | undefined, value: string): boolean =>
  (list ?? []).some((item) => item === '*' || item === value);
