import type { KubeObject } from '#kube/api/types.ts';
import { CliError } from '../errors.ts';
import { readStdin } from '../manifests.ts';
import { type Container, containersOf, type EnvVar, isMeant, patchItem, podSpecOf } from '../pod-template.ts';
import { forEachItem, type Item, targetOf } from '../targets.ts';
import type { Invocation } from '../verb.ts';
import { fetchForSet } from './image.ts';

interface Changes {
  set: EnvVar[];
  remove: string[];
}

export async function setEnv(k: Invocation): Promise<void> {
  const { flags } = k;
  const at = k.args.findIndex((arg) => isChange(arg));
  const resources = at < 0 ? k.args : k.args.slice(0, at);
  const words = [...(at < 0 ? [] : k.args.slice(at)), ...flags.all('env')];
  for (const word of words) {
    if (!isChange(word)) throw new CliError(`all resources must be specified before environment changes: ${word}`);
  }
  const changes = await readChanges(k, words);
  const { items, errors } = await fetchForSet(k, resources, '');
  const from = flags.get('from') ? await variablesFrom(k) : [];
  await forEachItem(items, errors, async (item) => {
    if (flags.bool('list')) return list(k, item);
    await patchItem(k, item, 'env updated', async (copy) => {
      const containers = await meant(k, copy);
      for (const container of containers) apply(container, { ...changes, set: [...from, ...changes.set] }, k);
    });
  });
}

const isChange = (arg: string): boolean =>
  (arg.includes('=') && !arg.startsWith('=')) || /^.+-$/.test(arg) || arg === '-';

async function readChanges(k: Invocation, words: string[]): Promise<Changes> {
  const changes: Changes = { set: [], remove: [] };
  const take = (text: string) => {
    const equals = text.indexOf('=');
    changes.set.push({ name: text.slice(0, equals), value: text.slice(equals + 1) });
  };
  for (const word of words) {
    if (word === '-') {
      for (const line of (await readStdin(k)).split('\n')) if (line.includes('=')) take(line.trim());
    } else if (word.includes('=')) take(word);
    else changes.remove.push(word.slice(0, -1));
  }
  for (const { name } of changes.set) {
    if (changes.remove.includes(name)) {
      throw new CliError(`can not both modify and remove the following environment variables: ${name}`);
    }
  }
  return changes;
}

/** The containers that -c means; says so when there are none. */
async function meant(k: Invocation, item: Item): Promise<Container[]> {
  const pattern = k.flags.get('containers') || '*';
  const all = containersOf(podSpecOf(item));
  const found = all.filter((each) => isMeant(pattern, each.name));
  if (found.length === 0) {
    await k.err(
      `Warning: ${item.object.kind}/${item.object.metadata.name} does not have any containers matching ${JSON.stringify(pattern)}\n`,
    );
  }
  return found;
}

function apply(container: Container, { set, remove }: Changes, k: Invocation): void {
  const env = [...(container.env ?? [])];
  for (const variable of set) {
    const at = env.findIndex((each) => each.name === variable.name);
    if (at < 0) env.push(variable);
    else if (k.flags.get('overwrite') !== 'false') env[at] = variable;
  }
  const kept = env.filter((each) => !remove.includes(each.name));
  if (kept.length > 0) container.env = kept;
  else delete container.env;
}

/** Variables for the keys of a ConfigMap or Secret. */
async function variablesFrom(k: Invocation): Promise<EnvVar[]> {
  const [type = '', name = ''] = k.flags.get('from').split('/');
  const resource = await k.finder.find(type);
  if (resource.kind !== 'ConfigMap' && resource.kind !== 'Secret') {
    throw new CliError(`unsupported resource specified in --from`);
  }
  const source = await k.client.get(targetOf(resource, k.namespace), name);
  const wanted = k.flags.list('keys');
  const field = resource.kind === 'Secret' ? 'secretKeyRef' : 'configMapKeyRef';
  const out: EnvVar[] = [];
  for (const key of Object.keys(source['data'] ?? {}).sort()) {
    if (wanted.length > 0 && !wanted.includes(key)) continue;
    const plain = key.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
    if (plain !== key) await k.err(`Warning: key ${key} transferred to ${plain}\n`);
    out.push({ name: `${k.flags.get('prefix')}${plain}`, valueFrom: { [field]: { name, key } } });
  }
  return out;
}

async function list(k: Invocation, item: Item): Promise<void> {
  const { object } = item;
  for (const container of await meant(k, item)) {
    await k.out(`# ${object.kind} ${object.metadata.name}, container ${container.name}\n`);
    for (const variable of container.env ?? []) {
      if (!variable.valueFrom) await k.out(`${variable.name}=${variable.value ?? ''}\n`);
      else if (k.flags.bool('resolve')) await k.out(`${variable.name}=${await resolve(k, variable, object)}\n`);
      else await k.out(`# ${variable.name} from ${sourceOf(variable)}\n`);
    }
  }
}

function sourceOf({ valueFrom = {} }: EnvVar): string {
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (fieldRef) return `field path ${fieldRef.fieldPath}`;
  if (resourceFieldRef) {
    const container = resourceFieldRef.containerName;
    return container
      ? `resource field ${container}/${resourceFieldRef.resource}`
      : `resource field ${resourceFieldRef.resource}`;
  }
  if (secretKeyRef) return `secret ${secretKeyRef.name}, key ${secretKeyRef.key}`;
  if (configMapKeyRef) return `configmap ${configMapKeyRef.name}, key ${configMapKeyRef.key}`;
  return 'invalid valueFrom';
}

async function resolve(k: Invocation, { valueFrom = {} }: EnvVar, object: KubeObject): Promise<string> {
  const { fieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  const namespace = object.metadata.namespace ?? k.namespace;
  if (fieldRef) {
    const { JsonPath, relaxed } = await import('../jsonpath.ts');
    return new JsonPath(relaxed(fieldRef.fieldPath ?? ''), { allowMissing: true }).print(object);
  }
  const reference = secretKeyRef ?? configMapKeyRef;
  if (!reference) return '';
  const target = { group: '', version: 'v1', resource: secretKeyRef ? 'secrets' : 'configmaps', namespace };
  const source = await k.client.get(target, reference.name!);
  const value: string = source['data']?.[reference.key!] ?? '';
  return secretKeyRef ? Buffer.from(value, 'base64').toString('utf8') : value;
}
