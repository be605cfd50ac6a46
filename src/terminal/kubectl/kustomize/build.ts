import type { IFileSystem } from 'just-bash';
import { parse } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { CliError } from '../errors.ts';
import { sortKeys } from '../json.ts';
import { parseManifests } from '../manifests.ts';
import { generateAll, hashOf } from './generate.ts';
import { inLegacyOrder } from './order.ts';
import { applyPatches } from './patches.ts';
import { renameReferences } from './references.ts';
import { transform } from './transform.ts';

/** An object on its way through a kustomization. */
export interface Resource {
  object: KubeObject;
  /** Every name that it has had, for patches that know it by an older one. */
  names: string[];
  /** Its name ends with a hash of its content. */
  hashed: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a kustomization's fields are read one by one.
export type Kustomization = Record<string, any>;

const FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
const KNOWN = new Set(
  `apiVersion kind metadata resources bases components namespace namePrefix nameSuffix labels commonLabels commonAnnotations
  images replicas configMapGenerator secretGenerator generatorOptions patches patchesStrategicMerge patchesJson6902
  sortOptions buildMetadata`.split(/\s+/),
);
const DEPRECATED: Record<string, string> = {
  bases: 'resources',
  commonLabels: 'labels',
  patchesStrategicMerge: 'patches',
  patchesJson6902: 'patches',
};

/** The objects that the kustomization in a folder makes, with keys in order. `warn` gets one line a deprecated field. */
export async function buildKustomization(
  fs: IFileSystem,
  folder: string,
  warn: (line: string) => void = () => {},
): Promise<KubeObject[]> {
  const { resources, kustomization } = await buildFolder({ fs, warn }, folder, []);
  addHashes(resources);
  const objects = resources.map(({ object }) => sortKeys(object) as KubeObject);
  return kustomization['sortOptions']?.order === 'fifo' ? objects : inLegacyOrder(objects);
}

interface World {
  fs: IFileSystem;
  warn(line: string): void;
}

/** Reads and checks the kustomization of a folder. */
async function read({ fs, warn }: World, folder: string): Promise<Kustomization> {
  const present: string[] = [];
  for (const name of FILES) if (await fs.exists(`${folder}/${name}`)) present.push(name);
  if (present.length === 0) {
    throw new CliError(
      `unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${folder}'`,
    );
  }
  if (present.length > 1) throw new CliError(`Found multiple kustomization files under: ${folder}`);
  const kustomization = (parse(await fs.readFile(`${folder}/${present[0]}`)) ?? {}) as Kustomization;
  for (const field of Object.keys(kustomization)) {
    if (!KNOWN.has(field)) {
      throw new CliError(`the field ${JSON.stringify(field)} of ${present[0]} is not available in this terminal`);
    }
    if (DEPRECATED[field]) {
      warn(
        `# Warning: '${field}' is deprecated. Please use '${DEPRECATED[field]}' instead. Run 'kustomize edit fix' to update your Kustomization automatically.`,
      );
    }
  }
  return kustomization;
}

async function buildFolder(
  world: World,
  folder: string,
  above: string[],
  given: Resource[] = [],
): Promise<{ resources: Resource[]; kustomization: Kustomization }> {
  if (above.includes(folder)) {
    throw new CliError(`cycle detected: candidate root '${folder}' contains visited root '${folder}'`);
  }
  const kustomization = await read(world, folder);
  const resources = [...given];
  for (const path of [...(kustomization['resources'] ?? []), ...(kustomization['bases'] ?? [])] as string[]) {
    for (const each of await accumulate(world, folder, path, [...above, folder])) add(resources, each);
  }
  await generateAll(world.fs, folder, kustomization, resources);
  for (const path of (kustomization['components'] ?? []) as string[]) {
    const inner = await buildFolder(world, world.fs.resolvePath(folder, path), [...above, folder], resources);
    resources.splice(0, resources.length, ...inner.resources);
  }
  await applyPatches(world.fs, folder, kustomization, resources);
  transform(kustomization, resources);
  return { resources, kustomization };
}

function add(resources: Resource[], each: Resource): void {
  const { object } = each;
  const isSame = ({ object: other }: Resource) =>
    other.apiVersion === object.apiVersion &&
    other.kind === object.kind &&
    other.metadata.name === object.metadata.name &&
    other.metadata.namespace === object.metadata.namespace;
  if (resources.some(isSame)) {
    throw new CliError(
      `may not add resource with an already registered id: ${object.kind}.${object.apiVersion.replace('/', '.')}/${object.metadata.name}.${object.metadata.namespace ?? '[noNs]'}`,
    );
  }
  resources.push(each);
}

async function accumulate(world: World, folder: string, path: string, above: string[]): Promise<Resource[]> {
  const { fs } = world;
  if (/^https?:|^git@|^github\.com/.test(path)) {
    throw new CliError(`unable to read ${JSON.stringify(path)}: this terminal has no way out to other hosts`);
  }
  const full = fs.resolvePath(folder, path);
  if (!(await fs.exists(full))) {
    throw new CliError(
      `accumulating resources: accumulation err='accumulating resources from '${path}': open ${full}: no such file or directory': must build at directory: not a valid directory: evalsymlink failure on '${full}' : lstat ${full}: no such file or directory`,
    );
  }
  if ((await fs.stat(full)).isDirectory) return (await buildFolder(world, full, above)).resources;
  const objects = parseManifests(await fs.readFile(full), full);
  return objects.map((object) => ({ object, names: [object.metadata.name ?? ''], hashed: false }));
}

/** Generated objects get the hash of what they hold at the end of their name, once all else is done. */
function addHashes(resources: Resource[]): void {
  const renamed = new Map<string, string>();
  for (const { object, hashed } of resources) {
    if (!hashed) continue;
    const before = object.metadata.name!;
    object.metadata.name = `${before}-${hashOf(object)}`;
    renamed.set(`${object.kind}/${before}`, object.metadata.name);
  }
  renameReferences(resources, renamed);
}
