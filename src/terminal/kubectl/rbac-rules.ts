export interface Rule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

/**
 * Rules as kubectl lists them: one resource, name or path each, verbs of the same one together, in the order of their
 * content (kubectl/pkg/util/rbac).
 */
export function plainRules(rules: Rule[]): Rule[] {
  const out: Rule[] = [];
  for (const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } of rules) {
    for (const group of apiGroups) {
      for (const resource of resources) {
        const names = resourceNames.length > 0 ? resourceNames : [undefined];
        for (const name of names) addRule(out, group, resource, name, verbs);
      }
    }
    for (const url of nonResourceURLs) out.push({ verbs: [...verbs], nonResourceURLs: [url] });
  }
  return out.sort((a, b) => compare(contentOf(a), contentOf(b)));
}

function addRule(out: Rule[], group: string, resource: string, name: string | undefined, verbs: string[]): void {
  const same = out.find(
    (each) => each.apiGroups?.[0] === group && each.resources?.[0] === resource && each.resourceNames?.[0] === name,
  );
  if (same) same.verbs = [...new Set([...same.verbs!, ...verbs])];
  else {
    const named = name === undefined ? {} : { resourceNames: [name] };
    out.push({ verbs: [...verbs], apiGroups: [group], resources: [resource], ...named });
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function contentOf(rule: Rule): string {
  const list = (name: string, values: string[] = []) => `${name}:[${values.join(' ')}],`;
  return (
    list('Verbs', rule.verbs) +
    list('APIGroups', rule.apiGroups) +
    list('Resources', rule.resources) +
    list('ResourceNames', rule.resourceNames) +
    list('NonResourceURLs', rule.nonResourceURLs)
  );
}

/** The cells of a rule: resource with its group, paths, names, verbs. */
export function ruleCells(rule: Rule): string[] {
  const resources = (rule.resources ?? []).map((resource) => {
    const group = rule.apiGroups?.[0] ?? '';
    const [name, ...rest] = resource.split('/');
    return [group ? `${name}.${group}` : name, ...rest].join('/');
  });
  const list = (values: string[] = []) => `[${values.join(' ')}]`;
  return [resources.join(','), list(rule.nonResourceURLs), list(rule.resourceNames), list(rule.verbs)];
}
