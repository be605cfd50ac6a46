import type { KubeObject } from '#kube/api/types.ts';
import { goDuration } from '../age.ts';
import { createMade } from '../create.ts';
import { CliError, throwPlain } from '../errors.ts';
import type { Invocation } from '../verb.ts';
import { metaOf, nameArgument } from './name.ts';

const RBAC = 'rbac.authorization.k8s.io';
const KNOWN_VERBS = new Set(
  'get list watch create update patch delete deletecollection proxy use bind impersonate escalate approve sign attest head post put options *'.split(
    ' ',
  ),
);

/** Rules of `create role`: resources of one group share a rule. */
async function rulesOf(k: Invocation): Promise<Record<string, string[]>[]> {
  const verbs = [...new Set(k.flags.list('verb'))];
  const resources = [...new Set(k.flags.list('resource'))];
  const names = k.flags.list('resource-name');
  const urls = k.flags.list('non-resource-url');
  for (const verb of verbs) {
    if (!KNOWN_VERBS.has(verb)) await k.err(`Warning: '${verb}' is not a standard resource verb\n`);
  }
  if (verbs.length === 0) throw new CliError('at least one verb must be specified');
  if (resources.length === 0 && urls.length === 0) {
    throw new CliError('at least one resource must be specified');
  }
  const byGroup = new Map<string, string[]>();
  for (const each of resources) {
    const [word = '', subresource] = each.split('/');
    if (word === '*') {
      byGroup.set('', [...(byGroup.get('') ?? []), each]);
      continue;
    }
    const found = await k.finder.tryFind(word);
    if (!found) throwPlain(`the server doesn't have a resource type ${JSON.stringify(word)}`);
    const list = byGroup.get(found.group) ?? [];
    list.push(subresource ? `${found.resource}/${subresource}` : found.resource);
    byGroup.set(found.group, list);
  }
  const rules: Record<string, string[]>[] = [...byGroup].map(([group, list]) => ({
    verbs,
    apiGroups: [group],
    resources: list,
    ...(names.length > 0 ? { resourceNames: names } : {}),
  }));
  if (urls.length > 0) rules.push({ verbs, nonResourceURLs: urls });
  return rules;
}

export async function createRole(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const rules = await rulesOf(k);
  await createMade(k, { kind: 'Role', apiVersion: `${RBAC}/v1`, metadata: metaOf(k, name), rules });
}

export async function createClusterRole(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const gathered = k.flags.list('aggregation-rule').join(',');
  if (gathered !== '') {
    const matchLabels = Object.fromEntries(gathered.split(',').map((each) => each.split('=', 2)));
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels }] };
    const object = { kind: 'ClusterRole', apiVersion: `${RBAC}/v1`, metadata: { name }, rules: null, aggregationRule };
    await createMade(k, object);
    return;
  }
  const rules = await rulesOf(k);
  await createMade(k, { kind: 'ClusterRole', apiVersion: `${RBAC}/v1`, metadata: { name }, rules });
}

function subjectsOf(k: Invocation): Record<string, string>[] {
  const accounts = k.flags.list('serviceaccount').map((each) => {
    const [namespace, name, ...rest] = each.split(':');
    if (!namespace || !name || rest.length > 0) {
      throw new CliError('serviceaccount must be <namespace>:<name>');
    }
    return { kind: 'ServiceAccount', name, namespace };
  });
  return [
    ...k.flags.all('user').map((name) => ({ kind: 'User', apiGroup: RBAC, name })),
    ...k.flags.all('group').map((name) => ({ kind: 'Group', apiGroup: RBAC, name })),
    ...accounts,
  ];
}

export async function createRoleBinding(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const [role, clusterRole] = [k.flags.get('role'), k.flags.get('clusterrole')];
  if (!role === !clusterRole) throw new CliError('exactly one of clusterrole or role must be specified');
  const roleRef = { apiGroup: RBAC, kind: role ? 'Role' : 'ClusterRole', name: role || clusterRole };
  const object = {
    kind: 'RoleBinding',
    apiVersion: `${RBAC}/v1`,
    metadata: metaOf(k, name),
    ...withSubjects(k),
    roleRef,
  };
  await createMade(k, object, { failed: 'failed to create rolebinding:' });
}

export async function createClusterRoleBinding(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const clusterRole = k.flags.get('clusterrole');
  if (!clusterRole) throw new CliError('required flag(s) "clusterrole" not set');
  const roleRef = { apiGroup: RBAC, kind: 'ClusterRole', name: clusterRole };
  const object = {
    kind: 'ClusterRoleBinding',
    apiVersion: `${RBAC}/v1`,
    metadata: { name },
    ...withSubjects(k),
    roleRef,
  };
  await createMade(k, object, { failed: 'failed to create clusterrolebinding:' });
}

function withSubjects(k: Invocation): { subjects?: Record<string, string>[] } {
  const subjects = subjectsOf(k);
  return subjects.length > 0 ? { subjects } : {};
}

export async function createToken(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const duration = k.flags.duration('duration');
  if (duration < 0) throw new CliError(`--duration must be greater than or equal to 0`);
  if (duration % 1000 !== 0)
    throw new CliError(`--duration cannot be expressed in units less than seconds (${goDuration(duration)})`);
  const spec = {
    audiences: k.flags.list('audience'),
    ...(duration > 0 ? { expirationSeconds: duration / 1000 } : {}),
  };
  const target = { group: '', version: 'v1', resource: 'serviceaccounts', namespace: k.namespace };
  const request: KubeObject = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name },
    spec,
  };
  const answer = await k.client.create(target, request, { subresource: 'token' }).catch((error: Error) => {
    throw new CliError(
      error.message.includes(`serviceaccounts ${JSON.stringify(name)} not found`)
        ? `failed to create token: serviceaccounts ${JSON.stringify(name)} not found`
        : `failed to create token: ${error.message}`,
    );
  });
  const output = k.flags.get('output');
  // Into a pipe or a file goes the token alone.
  if (output === '') await k.out(`${answer['status'].token}${k.context.tty ? '\n' : ''}`);
  else {
    const { formatObject, OBJECT_FORMATS, readOutput } = await import('../output.ts');
    await k.out(await formatObject(k, readOutput(k, OBJECT_FORMATS), answer));
  }
}
