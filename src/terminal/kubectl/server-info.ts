import type { ApiResource } from '#kube/client/client.ts';
import { joinApiVersion } from '#kube/client/paths.ts';
import { CliError, isStatus, usageError } from './errors.ts';
import { prettyJson } from './json.ts';
import { alignRows } from './table.ts';
import type { Invocation } from './verb.ts';
import { toYaml } from './yaml.ts';

/** What this kubectl calls itself. */
const CLIENT = { major: '1', minor: '35', gitVersion: 'v1.35.2', platform: 'linux/amd64' };
const KUSTOMIZE = 'v5.7.1';

export async function version(k: Invocation): Promise<void> {
  if (k.args.length > 0) throw new CliError(`extra arguments: [${k.args.join(' ')}]`);
  const output = k.flags.get('output');
  if (output !== '' && output !== 'yaml' && output !== 'json') {
    throw new CliError("--output must be 'yaml' or 'json'");
  }
  const server = k.flags.bool('client')
    ? undefined
    : ((await k.client.raw('GET', '/version')) as Record<string, string>);
  if (output === '') {
    await k.out(`Client Version: ${CLIENT.gitVersion}\nKustomize Version: ${KUSTOMIZE}\n`);
    if (server) await k.out(`Server Version: ${server['gitVersion']}\n`);
    return;
  }
  const value = { clientVersion: CLIENT, kustomizeVersion: KUSTOMIZE, ...(server ? { serverVersion: server } : {}) };
  await k.out(output === 'yaml' ? `${toYaml(value)}\n` : `${JSON.stringify(value, null, 2)}\n`);
}

export async function clusterInfo(k: Invocation): Promise<void> {
  const config = await k.config.read();
  const context = config.contexts.find(({ name }) => name === (k.flags.get('context') || config['current-context']));
  const cluster = config.clusters.find(({ name }) => name === context?.context.cluster)?.cluster;
  await k.client.raw('GET', '/version');
  await k.out(`Kubernetes control plane is running at ${cluster?.server ?? 'http://localhost:8080'}\n`);
  await k.out("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
}

export async function apiVersions(k: Invocation): Promise<void> {
  if (k.args.length > 0) throw usageError(['api-versions'], `unexpected arguments: [${k.args.join(' ')}]`);
  const resources = await k.client.discover({ fresh: true });
  const all = new Set(resources.map(({ group, version: each }) => joinApiVersion(group, each)));
  await k.out(
    [...all]
      .sort()
      .map((each) => `${each}\n`)
      .join(''),
  );
}

const nameOf = ({ resource, group }: ApiResource): string => (group ? `${resource}.${group}` : resource);

export async function apiResources(k: Invocation): Promise<void> {
  const { flags } = k;
  if (k.args.length > 0) throw usageError(['api-resources'], `unexpected arguments: [${k.args.join(' ')}]`);
  const output = flags.get('output');
  if (!['', 'wide', 'name', 'json', 'yaml', 'kyaml'].includes(output)) {
    throw new CliError(
      `unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: json,kyaml,name,wide,yaml`,
    );
  }
  const sort = flags.get('sort-by');
  if (!['', 'name', 'kind'].includes(sort)) throw new CliError('--sort-by accepts only name or kind');
  const all = await selected(k);
  if (sort !== '')
    all.sort((a, b) => compare(sort === 'name' ? a.resource : a.kind, sort === 'name' ? b.resource : b.kind));
  if (output === 'name') await k.out(all.map((each) => `${nameOf(each)}\n`).join(''));
  else if (output === 'json' || output === 'yaml' || output === 'kyaml') await printList(k, all, output);
  else await k.out(table(all, output === 'wide', !flags.bool('no-headers')));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The resources that the flags leave, in the order of groups. */
async function selected(k: Invocation): Promise<ApiResource[]> {
  const { flags } = k;
  const verbs = flags.list('verbs');
  const categories = flags.list('categories');
  const resources = await k.client.discover({ fresh: true });
  const preferred = resources.filter(
    (each) => resources.find(({ group, resource }) => group === each.group && resource === each.resource) === each,
  );
  return preferred
    .filter(({ verbs: own }) => own.length > 0 && verbs.every((verb) => own.includes(verb)))
    .filter(({ categories: own }) => categories.every((category) => own.includes(category)))
    .filter(({ group }) => !flags.has('api-group') || group === flags.get('api-group'))
    .filter(({ namespaced }) => !flags.has('namespaced') || namespaced === flags.bool('namespaced'))
    .sort((a, b) => compare(a.group, b.group) || compare(a.resource, b.resource));
}

function table(all: ApiResource[], wide: boolean, headed: boolean): string {
  const headers = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(wide ? ['VERBS', 'CATEGORIES'] : [])];
  const rows = all.map((each) => [
    each.resource,
    each.shortNames.join(','),
    joinApiVersion(each.group, each.version),
    String(each.namespaced),
    each.kind,
    ...(wide ? [each.verbs.join(','), each.categories.join(',')] : []),
  ]);
  return alignRows(headed ? headers : undefined, rows);
}

async function printList(k: Invocation, all: ApiResource[], format: string): Promise<void> {
  const list = {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: '',
    resources: all.map((each) => ({
      name: each.resource,
      singularName: each.singular,
      namespaced: each.namespaced,
      ...(each.group ? { group: each.group } : {}),
      version: each.version,
      kind: each.kind,
      verbs: each.verbs,
      ...(each.shortNames.length > 0 ? { shortNames: each.shortNames } : {}),
      ...(each.categories.length > 0 ? { categories: each.categories } : {}),
    })),
  };
  if (format === 'json') await k.out(`${prettyJson(list, true)}\n`);
  else if (format === 'yaml') await k.out(toYaml(list));
  else await k.out((await import('./kyaml.ts')).toKyaml(list));
}

/** `kubectl top`: nothing here measures, so it says what kubectl says of a cluster without the metrics API. */
export async function top(k: Invocation): Promise<void> {
  try {
    await k.client.raw('GET', '/apis/metrics.k8s.io/');
  } catch (error) {
    if (isStatus(error, 'NotFound', 'Forbidden')) throw new CliError('Metrics API not available');
    throw error;
  }
  throw new CliError('this terminal cannot read the metrics API of this cluster');
}
