import { createHash } from 'node:crypto';
import type { IFileSystem } from 'just-bash';
import type { KubeObject } from '#kube/api/types.ts';
import { CliError } from '../errors.ts';
import { compactJson } from '../json.ts';
import type { Kustomization, Resource } from './build.ts';

/** Adds what `configMapGenerator` and `secretGenerator` make, or merges it into what is there already. */
export async function generateAll(
  fs: IFileSystem,
  folder: string,
  kustomization: Kustomization,
  resources: Resource[],
): Promise<void> {
  for (const [field, kind] of [
    ['configMapGenerator', 'ConfigMap'],
    ['secretGenerator', 'Secret'],
  ] as const) {
    for (const wish of (kustomization[field] ?? []) as Kustomization[]) {
      const made = await generate(fs, folder, kind, wish, kustomization['generatorOptions'] ?? {});
      place(resources, made, wish['behavior'] ?? 'create');
    }
  }
}

function place(resources: Resource[], made: Resource, behavior: string): void {
  const { kind, metadata } = made.object;
  const at = resources.findIndex(({ object, names }) => object.kind === kind && names.includes(metadata.name!));
  if (behavior === 'create') {
    if (at >= 0) throw new CliError(`behavior create: id ${kind}/${metadata.name} exists; cannot create it again`);
    resources.push(made);
    return;
  }
  if (at < 0)
    throw new CliError(`behavior ${behavior}: id ${kind}/${metadata.name} does not exist; cannot ${behavior}`);
  const old = resources[at]!.object;
  const data = behavior === 'merge' ? { ...old['data'], ...made.object['data'] } : made.object['data'];
  resources[at] = { ...resources[at]!, object: { ...old, data }, hashed: resources[at]!.hashed || made.hashed };
}

async function generate(
  fs: IFileSystem,
  folder: string,
  kind: 'ConfigMap' | 'Secret',
  wish: Kustomization,
  common: Kustomization,
): Promise<Resource> {
  const values = await valuesOf(fs, folder, wish);
  const data: Record<string, string> = {};
  for (const [key, bytes] of values) data[key] = Buffer.from(bytes).toString(kind === 'Secret' ? 'base64' : 'utf8');
  const labels = { ...common['labels'], ...wish['options']?.labels };
  const annotations = { ...common['annotations'], ...wish['options']?.annotations };
  const object: KubeObject = {
    apiVersion: 'v1',
    kind,
    metadata: {
      name: wish['name'],
      ...(wish['namespace'] ? { namespace: wish['namespace'] } : {}),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    ...(Object.keys(data).length > 0 ? { data } : {}),
    ...(kind === 'Secret' ? { type: wish['type'] ?? 'Opaque' } : {}),
    ...((wish['options']?.immutable ?? common['immutable']) ? { immutable: true } : {}),
  };
  const plain = wish['options']?.disableNameSuffixHash ?? common['disableNameSuffixHash'] ?? false;
  return { object, names: [wish['name']], hashed: !plain };
}

async function valuesOf(fs: IFileSystem, folder: string, wish: Kustomization): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  for (const literal of (wish['literals'] ?? []) as string[]) {
    const equals = literal.indexOf('=');
    if (equals <= 0) throw new CliError(`invalid literal source ${literal}, expected key=value`);
    values.set(literal.slice(0, equals), Buffer.from(literal.slice(equals + 1).replace(/^(['"])(.*)\1$/s, '$2')));
  }
  for (const source of (wish['files'] ?? []) as string[]) {
    const equals = source.indexOf('=');
    const path = equals < 0 ? source : source.slice(equals + 1);
    const key = equals < 0 ? path.slice(path.lastIndexOf('/') + 1) : source.slice(0, equals);
    values.set(key, await fs.readFileBuffer(fs.resolvePath(folder, path)));
  }
  for (const path of [...(wish['envs'] ?? []), ...(wish['env'] ? [wish['env']] : [])] as string[]) {
    for (const line of (await fs.readFile(fs.resolvePath(folder, path))).split('\n')) {
      const text = line.trim();
      if (text === '' || text.startsWith('#')) continue;
      const equals = text.indexOf('=');
      if (equals > 0) values.set(text.slice(0, equals), Buffer.from(text.slice(equals + 1)));
    }
  }
  return values;
}

const LETTERS: Record<string, string> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' };

/**
 * Ten letters of the content's SHA-256 without vowels and their look-alikes (kustomize/api/hasher). Kustomize hashes
 * without the name, `kubectl create --append-hash` with it.
 */
export function hashOf(object: KubeObject, name = ''): string {
  const { kind, data = '', binaryData, stringData, type } = object as Kustomization;
  const shown = {
    kind,
    name,
    data,
    ...(kind === 'Secret' ? { type: type ?? '' } : {}),
    ...(binaryData ? { binaryData } : {}),
    ...(stringData ? { stringData } : {}),
  };
  const digest = createHash('sha256').update(compactJson(shown)).digest('hex');
  return [...digest.slice(0, 10)].map((letter) => LETTERS[letter] ?? letter).join('');
}
