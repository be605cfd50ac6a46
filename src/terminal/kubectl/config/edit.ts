import type { Kubeconfig } from '#kube/client/kubeconfig.ts';
import { CliError, usageError } from '../errors.ts';
import { helpText } from '../help.ts';
import type { Invocation } from '../verb.ts';

/** Refuses a wrong number of arguments with the command's help, as kubectl does here. */
export async function exactArgs(k: Invocation, count: number): Promise<string[]> {
  if (k.args.length === count) return k.args;
  await k.out(helpText(k.path));
  throw new CliError(`Unexpected args: [${k.args.join(' ')}]`);
}

export async function setContext(k: Invocation): Promise<void> {
  const { flags } = k;
  const config = await k.config.read();
  if (k.args.length > 1) throw usageError(k.path, `Unexpected args: [${k.args.join(' ')}]`);
  const current = flags.bool('current');
  if (current && k.args.length > 0) throw new CliError('you cannot specify both a context name and --current');
  if (!current && !k.args[0]) throw new CliError('you must specify a non-empty context name or --current');
  const name = current ? config['current-context'] : k.args[0]!;
  if (!name) throw new CliError('no current context is set');
  const old = config.contexts.find((each) => each.name === name);
  const context = { ...old?.context };
  for (const field of ['cluster', 'user', 'namespace'] as const)
    if (flags.has(field)) context[field] = flags.get(field);
  await k.config.write({ ...config, contexts: put(config.contexts, { name, context }) });
  await k.out(`Context ${JSON.stringify(name)} ${old ? 'modified' : 'created'}.\n`);
}

function put<T extends { name: string }>(list: T[], entry: T): T[] {
  return list.some((each) => each.name === entry.name)
    ? list.map((each) => (each.name === entry.name ? entry : each))
    : [...list, entry];
}

export async function useContext(k: Invocation): Promise<void> {
  const [name] = await exactArgs(k, 1);
  const config = await k.config.read();
  if (!config.contexts.some((each) => each.name === name)) {
    throw new CliError(`no context exists with the name: ${JSON.stringify(name)}`);
  }
  await k.config.write({ ...config, 'current-context': name! });
  await k.out(`Switched to context ${JSON.stringify(name)}.\n`);
}

export async function renameContext(k: Invocation): Promise<void> {
  const [from, to] = await exactArgs(k, 2);
  const config = await k.config.read();
  const old = config.contexts.find((each) => each.name === from);
  if (!old) throw new CliError(`cannot rename the context ${JSON.stringify(from)}, it's not in ${k.config.path}`);
  if (config.contexts.some((each) => each.name === to)) {
    throw new CliError(
      `cannot rename the context ${JSON.stringify(from)}, the context ${JSON.stringify(to)} already exists in ${k.config.path}`,
    );
  }
  const contexts = config.contexts.map((each) => (each === old ? { ...each, name: to! } : each));
  const current = config['current-context'] === from ? to! : config['current-context'];
  await k.config.write({ ...config, contexts, 'current-context': current });
  await k.out(`Context ${JSON.stringify(from)} renamed to ${JSON.stringify(to)}.\n`);
}

export async function setCluster(k: Invocation): Promise<void> {
  const [name] = await exactArgs(k, 1);
  const config = await k.config.read();
  const { flags } = k;
  const cluster: Record<string, unknown> = { ...config.clusters.find((each) => each.name === name)?.cluster };
  for (const field of ['server', 'tls-server-name', 'proxy-url', 'certificate-authority']) {
    if (flags.has(field)) cluster[field] = flags.get(field);
  }
  if (flags.has('insecure-skip-tls-verify'))
    cluster['insecure-skip-tls-verify'] = flags.bool('insecure-skip-tls-verify');
  if (flags.bool('embed-certs') && flags.has('certificate-authority')) {
    delete cluster['certificate-authority'];
    cluster['certificate-authority-data'] = base64(await k.readFile(flags.get('certificate-authority')));
  }
  await k.config.write({ ...config, clusters: put(config.clusters, { name: name!, cluster }) });
  await k.out(`Cluster ${JSON.stringify(name)} set.\n`);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

export async function setCredentials(k: Invocation): Promise<void> {
  const [name] = await exactArgs(k, 1);
  const config = await k.config.read();
  const { flags } = k;
  const user: Record<string, unknown> = { ...config.users.find((each) => each.name === name)?.user };
  for (const field of ['token', 'username', 'password']) if (flags.has(field)) user[field] = flags.get(field);
  for (const field of ['client-certificate', 'client-key']) {
    if (!flags.has(field)) continue;
    if (flags.bool('embed-certs')) user[`${field}-data`] = base64(await k.readFile(flags.get(field)));
    else user[field] = flags.get(field);
  }
  await k.config.write({ ...config, users: put(config.users, { name: name!, user }) });
  await k.out(`User ${JSON.stringify(name)} set.\n`);
}

type ListName = 'clusters' | 'users' | 'contexts';

async function remove(k: Invocation, list: ListName, what: string): Promise<void> {
  const [name] = await exactArgs(k, 1);
  const config = await k.config.read();
  if (!config[list].some((each) => each.name === name)) {
    throw new CliError(`cannot delete ${what} ${name}, not in ${k.config.path}`);
  }
  if (what === 'context' && config['current-context'] === name) {
    await k.err(
      'warning: this removed your active context, use "kubectl config use-context" to select a different one\n',
    );
  }
  const kept = (config[list] as { name: string }[]).filter((each) => each.name !== name);
  await k.config.write({ ...config, [list]: kept } as Kubeconfig);
  await k.out(`deleted ${what} ${name} from ${k.config.path}\n`);
}

export const deleteCluster = (k: Invocation): Promise<void> => remove(k, 'clusters', 'cluster');
export const deleteContext = (k: Invocation): Promise<void> => remove(k, 'contexts', 'context');
export const deleteUser = (k: Invocation): Promise<void> => remove(k, 'users', 'user');

const FIELDS: Record<ListName, string> = { clusters: 'cluster', users: 'user', contexts: 'context' };

/** Finds the mapping and the last key of `contexts.lab.namespace`; names in it hold no dots. */
function place(config: Kubeconfig, property: string, make: boolean): { holder: Record<string, unknown>; key: string } {
  const [list = '', name, ...rest] = property.split('.');
  if (!(list in FIELDS)) return { holder: config, key: property };
  const entries = config[list as ListName] as Record<string, unknown>[];
  const field = FIELDS[list as ListName];
  if (name === undefined || rest.length === 0)
    throw new CliError('cannot set a map entry as a whole; name a field of it');
  let entry = entries.find((each) => each['name'] === name);
  if (!entry && make) {
    entry = { name, [field]: {} };
    entries.push(entry);
  }
  if (!entry) throw new CliError(`current map key ${JSON.stringify(name)} is invalid`);
  return { holder: entry[field] as Record<string, unknown>, key: rest.join('.') };
}

export async function setProperty(k: Invocation): Promise<void> {
  const [property = '', value = ''] = await exactArgs(k, 2);
  const config = structuredClone(await k.config.read());
  const { holder, key } = place(config, property, true);
  holder[key] = key === 'insecure-skip-tls-verify' ? value === 'true' : value;
  await k.config.write(config);
  await k.out(`Property ${JSON.stringify(property)} set.\n`);
}

export async function unsetProperty(k: Invocation): Promise<void> {
  const [property = ''] = await exactArgs(k, 1);
  const config = structuredClone(await k.config.read());
  const [list = '', name, ...rest] = property.split('.');
  if (list in FIELDS && name !== undefined && rest.length === 0) {
    const kept = (config[list as ListName] as { name: string }[]).filter((each) => each.name !== name);
    Object.assign(config, { [list]: kept });
  } else if (property === 'current-context') config['current-context'] = '';
  else {
    const { holder, key } = place(config, property, false);
    delete holder[key];
  }
  await k.config.write(config);
  await k.out(`Property ${JSON.stringify(property)} unset.\n`);
}
