import { same } from '#kube/api/patch/field-set.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Causes } from './causes.ts';
import type { Rule } from './rule.ts';

const GROUP = 'rbac.authorization.k8s.io';

interface PolicyRule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

function ruleCauses(rules: PolicyRule[], namespaced: boolean, add: Causes): void {
  rules.forEach(({ verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }, i) => {
    const at = `rules[${i}]`;
    if (verbs.length === 0) add.required(`${at}.verbs`, 'verbs must contain at least one value');
    if (nonResourceURLs.length > 0) {
      if (namespaced) {
        add.invalid(`${at}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs');
      }
      if (apiGroups.length + resources.length + resourceNames.length > 0) {
        add.invalid(
          `${at}.nonResourceURLs`,
          nonResourceURLs,
          'rules cannot apply to both regular resources and non-resource URLs',
        );
      }
      return;
    }
    if (apiGroups.length === 0) add.required(`${at}.apiGroups`, 'resource rules must supply at least one api group');
    if (resources.length === 0) add.required(`${at}.resources`, 'resource rules must supply at least one resource');
  });
}

const SUBJECTS = ['ServiceAccount', 'User', 'Group'];

function bindingCauses(object: KubeObject, old: KubeObject | undefined, kinds: string[], add: Causes): void {
  const namespaced = kinds.includes('Role');
  const { roleRef } = object;
  if (roleRef?.apiGroup !== GROUP) add.unsupported('roleRef.apiGroup', roleRef?.apiGroup ?? '', [GROUP]);
  if (!kinds.includes(roleRef?.kind)) add.unsupported('roleRef.kind', roleRef?.kind ?? '', kinds);
  if (!roleRef?.name) add.required('roleRef.name');
  (object['subjects'] ?? []).forEach((subject: Record<string, string>, i: number) => {
    const at = `subjects[${i}]`;
    const { kind = '', name, namespace, apiGroup = '' } = subject;
    if (!name) add.required(`${at}.name`);
    if (kind === 'ServiceAccount') {
      if (apiGroup !== '') add.unsupported(`${at}.apiGroup`, apiGroup, ['']);
      if (!namespace && !namespaced) add.required(`${at}.namespace`);
    } else if (kind === 'User' || kind === 'Group') {
      if (apiGroup !== GROUP) add.unsupported(`${at}.apiGroup`, apiGroup, [GROUP]);
    } else add.unsupported(`${at}.kind`, kind, SUBJECTS);
  });
  if (old && !same(old['roleRef'], roleRef))
    add.invalid(
      'roleRef',
      { APIGroup: roleRef.apiGroup, Kind: roleRef.kind, Name: roleRef.name },
      'cannot change roleRef',
    );
}

const role =
  (namespaced: boolean): Rule =>
  (object, _old, add) =>
    ruleCauses(object['rules'] ?? [], namespaced, add);

export const accessRules: Record<string, Rule> = {
  [`${GROUP}/roles`]: role(true),
  [`${GROUP}/clusterroles`]: role(false),
  [`${GROUP}/rolebindings`]: (object, old, add) => bindingCauses(object, old, ['Role', 'ClusterRole'], add),
  [`${GROUP}/clusterrolebindings`]: (object, old, add) => bindingCauses(object, old, ['ClusterRole'], add),
};
