import type { KubeObject } from '#kube/api/types.ts';
import type { Kubeconfig } from '#kube/client/kubeconfig.ts';
import { CliError } from '../errors.ts';
import { formatObject, OBJECT_FORMATS, readOutput } from '../output.ts';
import { alignRows } from '../table.ts';
import type { Invocation } from '../verb.ts';
import { exactArgs } from './edit.ts';

const SECRETS = new Set(['token', 'password']);
const DATA = new Set(['client-certificate-data', 'client-key-data', 'certificate-authority-data']);

export async function view(k: Invocation): Promise<void> {
  if (k.args.length > 0) throw new CliError(`unexpected arguments: [${k.args.join(' ')}]`);
  let config = await k.config.read();
  if (k.flags.bool('minify')) config = minified(config, k.flags.get('context') || config['current-context']);
  const shown = k.flags.bool('raw') || k.flags.bool('flatten') ? config : covered(config);
  const output = readOutput(k, OBJECT_FORMATS);
  const wanted = output.format === '' ? { ...output, format: 'yaml' } : output;
  await k.out(await formatObject(k, wanted, ordered(shown) as unknown as KubeObject, true));
}

/** The fields in the order in which kubectl's own type has them; empty ones are left out. */
function ordered(config: Kubeconfig): Record<string, unknown> {
  const pick = (object: Record<string, unknown>, fields: string[]) =>
    Object.fromEntries(
      [...fields, ...Object.keys(object).filter((key) => !fields.includes(key))]
        .filter((key) => object[key] !== undefined && object[key] !== '')
        .map((key) => [key, object[key]]),
    );
  const orNull = <T extends { name: string }>(list: T[]) =>
    list.length > 0 ? list.sort((a, b) => (a.name < b.name ? -1 : 1)) : null;
  return {
    kind: 'Config',
    apiVersion: 'v1',
    clusters: orNull(
      config.clusters.map(({ name, cluster }) => ({
        name,
        cluster: pick(cluster, ['server', 'tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority']),
      })),
    ),
    users: orNull(config.users.map(({ name, user }) => ({ name, user: pick(user, ['client-certificate']) }))),
    contexts: orNull(
      config.contexts.map(({ name, context }) => ({ name, context: pick(context, ['cluster', 'user', 'namespace']) })),
    ),
    'current-context': config['current-context'],
  };
}

/** Keys and tokens are not shown. */
function covered(config: Kubeconfig): Kubeconfig {
  const cover = (fields: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [
        key,
        SECRETS.has(key) ? 'REDACTED' : DATA.has(key) ? 'DATA+OMITTED' : value,
      ]),
    );
  return {
    ...config,
    clusters: config.clusters.map(({ name, cluster }) => ({ name, cluster: cover(cluster) })),
    users: config.users.map(({ name, user }) => ({ name, user: cover(user) })),
  };
}

function minified(config: Kubeconfig, name: string): Kubeconfig {
  const entry = config.contexts.find((each) => each.name === name);
  if (!entry) throw new CliError('current-context must exist in order to minify');
  const { cluster, user } = entry.context;
  return {
    ...config,
    contexts: [entry],
    clusters: config.clusters.filter((each) => each.name === cluster),
    users: config.users.filter((each) => each.name === user),
    'current-context': name,
  };
}

export async function currentContext(k: Invocation): Promise<void> {
  const name = (await k.config.read())['current-context'];
  if (!name) throw new CliError('current-context is not set');
  await k.out(`${name}\n`);
}

export async function getContexts(k: Invocation): Promise<number> {
  const config = await k.config.read();
  const output = k.flags.get('output');
  if (output !== '' && output !== 'name') {
    throw new CliError(
      `--output ${output} is not available in kubectl config get-contexts; resetting to default output format`,
    );
  }
  const wanted = k.args.length > 0 ? k.args : config.contexts.map((each) => each.name).sort();
  const missing = wanted.filter((name) => !config.contexts.some((each) => each.name === name));
  const found = config.contexts.filter((each) => wanted.includes(each.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (output === 'name') await k.out(found.map(({ name }) => `${name}\n`).join(''));
  else {
    const rows = found.map(({ name, context }) => [
      name === config['current-context'] ? '*' : '',
      name,
      context.cluster ?? '',
      context.user ?? '',
      context.namespace ?? '',
    ]);
    const headers = ['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'];
    await k.out(alignRows(k.flags.bool('no-headers') ? undefined : headers, rows));
  }
  if (missing.length === 0) return 0;
  const texts = missing.map((name) => `context ${name} not found`);
  throw new CliError(texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`);
}

async function names(k: Invocation, list: 'clusters' | 'users'): Promise<void> {
  await exactArgs(k, 0);
  const found = (await k.config.read())[list].map((each) => each.name).sort();
  await k.out(['NAME', ...found].map((name) => `${name}\n`).join(''));
}

export const getClusters = (k: Invocation): Promise<void> => names(k, 'clusters');
export const getUsers = (k: Invocation): Promise<void> => names(k, 'users');
