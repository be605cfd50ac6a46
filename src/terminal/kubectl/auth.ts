import type { KubeObject } from '#kube/api/types.ts';
import { CliError, usageError } from './errors.ts';
import { formatObject, OBJECT_FORMATS, readOutput } from './output.ts';
import { plainRules, ruleCells } from './rbac-rules.ts';
import { alignRows } from './table.ts';
import type { Invocation } from './verb.ts';

const REVIEWS = { group: 'authorization.k8s.io', version: 'v1' };
const KNOWN_VERBS = new Set(
  'get list watch create update patch delete deletecollection proxy use bind impersonate escalate approve sign attest *'.split(
    ' ',
  ),
);

/** `auth can-i VERB RESOURCE`: yes and no, with exit codes 0 and 1. */
export async function canI(k: Invocation): Promise<number> {
  const { args, flags } = k;
  if (flags.bool('list')) {
    if (args.length > 0) throw usageError(k.path, 'list option must be specified with no arguments');
    await listRules(k);
    return 0;
  }
  if (args.length < 2 || args.length > 3) {
    throw new CliError(
      "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
    );
  }
  const [verb = '', what = '', third] = args;
  if (third !== undefined && what.includes('/')) {
    throw new CliError(
      "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
    );
  }
  const spec = await attributesOf(k, verb, what, third);
  const review: KubeObject = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: {},
    spec,
  };
  const answer = await k.client.create({ ...REVIEWS, resource: 'selfsubjectaccessreviews' }, review);
  const { allowed, reason, evaluationError } = answer['status'] ?? {};
  if (!flags.bool('quiet')) {
    const why = [...(reason ? [reason] : []), ...(evaluationError ? [evaluationError] : [])].join(' - ');
    await k.out(`${allowed ? 'yes' : 'no'}${why ? ` - ${why}` : ''}\n`);
  }
  return allowed ? 0 : 1;
}

async function attributesOf(k: Invocation, verb: string, what: string, third: string | undefined): Promise<object> {
  if (what.startsWith('/')) return { nonResourceAttributes: { path: what, verb } };
  const [word = '', named] = what.split('/');
  const warn = (text: string) => k.err(`Warning: ${text}\n\n`);
  if (!KNOWN_VERBS.has(verb)) await warn(`verb '${verb}' is not a known verb`);
  const found = word === '*' ? undefined : await k.finder.tryFind(word);
  if (!found && word !== '*') {
    await warn(
      word.includes('.')
        ? `the server doesn't have a resource type '${word.split('.')[0]}' in group '${word.split('.').slice(1).join('.')}'`
        : `the server doesn't have a resource type '${word}'`,
    );
  }
  if (found && !found.namespaced && !k.flags.bool('all-namespaces')) {
    await warn(
      found.group
        ? `resource '${found.resource}' is not namespace scoped in group '${found.group}'`
        : `resource '${found.resource}' is not namespace scoped`,
    );
  }
  const name = third ?? named;
  const subresource = k.flags.get('subresource');
  return {
    resourceAttributes: {
      ...(k.flags.bool('all-namespaces') ? {} : { namespace: k.namespace }),
      verb,
      group: found?.group ?? (word === '*' ? '*' : ''),
      resource: found?.resource ?? word,
      ...(subresource ? { subresource } : {}),
      ...(name ? { name } : {}),
    },
  };
}

async function listRules(k: Invocation): Promise<void> {
  const spec = { namespace: k.namespace };
  const review: KubeObject = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    metadata: {},
    spec,
  };
  const answer = await k.client.create({ ...REVIEWS, resource: 'selfsubjectrulesreviews' }, review);
  const { resourceRules = [], nonResourceRules = [], incomplete, evaluationError } = answer['status'] ?? {};
  if (incomplete) {
    await k.err(`warning: the list may be incomplete${evaluationError ? `: ${evaluationError}` : ''}\n`);
  }
  const rows = plainRules([...resourceRules, ...nonResourceRules]).map(ruleCells);
  await k.out(
    alignRows(
      k.flags.bool('no-headers') ? undefined : ['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs'],
      rows,
    ),
  );
}

export async function whoAmI(k: Invocation): Promise<void> {
  const review: KubeObject = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {} };
  const answer = await k.client.create(
    { group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews' },
    review,
  );
  const output = readOutput(k, OBJECT_FORMATS);
  if (output.format !== '') {
    await k.out(await formatObject(k, output, answer));
    return;
  }
  const { username, uid, groups, extra } = answer['status'].userInfo;
  const rows: string[][] = [];
  if (username) rows.push(['Username', username]);
  if (uid) rows.push(['UID', uid]);
  if (groups?.length) rows.push(['Groups', `[${groups.join(' ')}]`]);
  for (const [key, values] of Object.entries((extra ?? {}) as Record<string, string[]>).sort()) {
    rows.push([`Extra: ${key}`, `[${values.join(' ')}]`]);
  }
  await k.out(alignRows(['ATTRIBUTE', 'VALUE'], rows));
}
