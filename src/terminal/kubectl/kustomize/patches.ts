import type { IFileSystem } from 'just-bash';
import { parse } from 'yaml';
import { jsonPatch } from '#kube/api/patch/json.ts';
import { mergePatch } from '#kube/api/patch/merge.ts';
import { strategicMerge } from '#kube/api/patch/strategic.ts';
import { builtInSchema } from '#kube/api/schemas.ts';
import { parseLabelSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { CliError } from '../errors.ts';
import { parseManifests } from '../manifests.ts';
import type { Kustomization, Resource } from './build.ts';

/** Applies `patches`, `patchesStrategicMerge` and `patchesJson6902` in that order of fields. */
export async function applyPatches(
  fs: IFileSystem,
  folder: string,
  kustomization: Kustomization,
  resources: Resource[],
): Promise<void> {
  const load = async (path: string) => fs.readFile(fs.resolvePath(folder, path));
  for (const each of (kustomization['patchesStrategicMerge'] ?? []) as string[]) {
    const text = each.includes('\n') ? each : await load(each);
    for (const patch of parseManifests(text, each)) mergeInto(resources, patch);
  }
  const patches = [...(kustomization['patches'] ?? []), ...(kustomization['patchesJson6902'] ?? [])];
  for (const { patch, path, target } of patches as Kustomization[]) {
    const text: string = patch ?? (await load(path));
    const value: unknown = parse(text);
    if (Array.isArray(value)) {
      if (!target) throw new CliError('must specify a target for JSON patch [...]');
      for (const each of resources.filter((one) => isMeant(one, target))) {
        each.object = jsonPatch(each.object, value) as KubeObject;
      }
    } else if (target) {
      for (const each of resources.filter((one) => isMeant(one, target)))
        mergeOne(resources, each, value as KubeObject);
    } else for (const one of parseManifests(text, path ?? 'patch')) mergeInto(resources, one);
  }
}

const splitGroup = (apiVersion: string): [string, string] =>
  apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];

function isMeant({ object, names }: Resource, target: Kustomization): boolean {
  const [group, version] = splitGroup(object.apiVersion);
  const whole = (pattern: string, text: string) => new RegExp(`^(?:${pattern})$`).test(text);
  if (target['group'] !== undefined && target['group'] !== group) return false;
  if (target['version'] !== undefined && target['version'] !== version) return false;
  if (target['kind'] !== undefined && !whole(target['kind'], object.kind)) return false;
  if (target['namespace'] !== undefined && !whole(target['namespace'], object.metadata.namespace ?? '')) return false;
  if (target['name'] !== undefined && !names.some((name) => whole(target['name'], name))) return false;
  if (target['labelSelector'] && !parseLabelSelector(target['labelSelector'])(object.metadata.labels)) return false;
  if (target['annotationSelector']) {
    return parseLabelSelector(target['annotationSelector'])(object.metadata.annotations);
  }
  return true;
}

function mergeInto(resources: Resource[], patch: KubeObject): void {
  const name = patch.metadata.name ?? '';
  const found = resources.filter(
    ({ object, names }) =>
      object.kind === patch.kind &&
      splitGroup(object.apiVersion)[0] === splitGroup(patch.apiVersion)[0] &&
      names.includes(name) &&
      (patch.metadata.namespace === undefined || patch.metadata.namespace === object.metadata.namespace),
  );
  if (found.length === 0) {
    const [group, version] = splitGroup(patch.apiVersion);
    const id = [patch.kind, version, group || undefined].filter((each) => each !== undefined).join('.');
    throw new CliError(
      `no resource matches strategic merge patch "${id}/${name}.${patch.metadata.namespace ?? '[noNs]'}": no matches for Id ${id}/${name}.${patch.metadata.namespace ?? '[noNs]'}; failed to find unique target for patch ${id}/${name}.${patch.metadata.namespace ?? '[noNs]'}`,
    );
  }
  for (const each of found) mergeOne(resources, each, patch);
}

function mergeOne(resources: Resource[], each: Resource, patch: KubeObject): void {
  if ((patch as Kustomization)['$patch'] === 'delete') {
    resources.splice(resources.indexOf(each), 1);
    return;
  }
  const { object } = each;
  const { metadata, ...rest } = patch;
  const { name: _name, namespace: _namespace, ...meta } = metadata ?? {};
  const body = { ...rest, metadata: meta };
  const schema = builtInSchema(...splitGroup(object.apiVersion), object.kind);
  each.object = (schema ? strategicMerge(object, body, schema) : mergePatch(object, body)) as KubeObject;
}
