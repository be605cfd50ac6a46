import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { checkOutput, dryRunOf, printChanged, writeOptions } from './changed.ts';
import { CliError, isStatus, usageError, whileDoing } from './errors.ts';
import { compactJson } from './json.ts';
import { loadAll, type Manifest } from './manifests.ts';
import { isBuiltInGroup } from './merge-keys.ts';
import { formatObject, OBJECT_FORMATS, readOutput } from './output.ts';
import { forEachItem, hasFiles, targetOf } from './targets.ts';
import { threeWayMerge, threeWayStrategic } from './three-way.ts';
import type { Invocation } from './verb.ts';

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const MANAGER = 'kubectl-client-side-apply';

export async function apply(k: Invocation): Promise<void> {
  const { flags } = k;
  if (k.args.length > 0) throw usageError(['apply'], `Unexpected args: [${k.args.join(' ')}]`);
  if (flags.bool('prune')) {
    if (!flags.bool('all') && !flags.get('selector')) {
      throw new CliError(
        'all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector',
      );
    }
    throw new CliError(
      '--prune is not available in this terminal; delete what is no longer wanted with kubectl delete',
    );
  }
  if (flags.bool('force-conflicts') && !flags.bool('server-side')) {
    throw new CliError('--force-conflicts only works with --server-side');
  }
  if (dryRunOf(k) === 'client' && flags.bool('server-side')) {
    throw new CliError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
  }
  if (!hasFiles(k)) throw new CliError('must specify one of -f and -k');
  checkOutput(k);
  const { manifests, errors } = await loadAll(k);
  if (manifests.length === 0 && errors.length === 0) throw new CliError('no objects passed to apply');
  const applied: KubeObject[] = [];
  await forEachItem(manifests, errors, async (manifest) => {
    if (!flags.bool('server-side')) {
      applied.push(await applyHere(k, manifest));
      return;
    }
    const { applyOnServer } = await import('./apply-on-server.ts');
    const result = await applyOnServer(k, manifest);
    await say(k, result, 'serverside-applied');
    applied.push(result);
  }).finally(() => printAll(k, applied));
}

/** With -o, everything applied is printed at the end, several objects as one List. */
async function printAll(k: Invocation, objects: KubeObject[]): Promise<void> {
  const output = readOutput(k, OBJECT_FORMATS);
  if (output.format === '' || objects.length === 0) return;
  const list = { apiVersion: 'v1', items: objects, kind: 'List', metadata: {} } as unknown as KubeObject;
  await k.out(await formatObject(k, output, objects.length === 1 ? objects[0]! : list));
}

async function say(k: Invocation, object: KubeObject, operation: string): Promise<void> {
  if (readOutput(k, OBJECT_FORMATS).format === '') await printChanged(k, object, operation);
}

async function applyHere(k: Invocation, manifest: Manifest): Promise<KubeObject> {
  const { object, resource, namespace, source } = manifest;
  const target = targetOf(resource, namespace);
  const name = object.metadata.name;
  if (object.metadata.generateName) {
    throw new CliError(`from ${object.metadata.generateName}: cannot use generate name with apply`);
  }
  if (!name) throw new CliError(`${retrievalOf(manifest)}: resource name may not be empty`);
  const modified = withLastApplied(object);
  const dryRun = dryRunOf(k);
  let current: KubeObject;
  try {
    current = await k.client.get(target, name);
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw retrieving(error, manifest);
    const created =
      dryRun === 'client'
        ? modified
        : await k.client.create(target, modified, writeOptions(k, MANAGER)).catch((failure: unknown) => {
            throw whileDoing('creating', source, failure);
          });
    await say(k, created, 'created');
    return created;
  }
  const annotations = current.metadata.annotations ?? {};
  if (annotations[LAST_APPLIED] === undefined) {
    await k.err(
      `Warning: resource ${resource.resource}/${name} is missing the ${LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.\n`,
    );
  }
  const patch = patchFor(resource.group, annotations[LAST_APPLIED], modified, current);
  if (Object.keys(patch).length === 0) {
    await say(k, current, 'unchanged');
    return current;
  }
  const type = isBuiltInGroup(resource.group) ? 'strategic' : 'merge';
  const result =
    dryRun === 'client'
      ? current
      : await k.client.patch(target, name, type, patch, writeOptions(k, MANAGER)).catch((failure: unknown) => {
          throw patching(failure, patch, manifest);
        });
  await say(k, result, 'configured');
  return result;
}

/** The object as it is applied, remembering itself in an annotation. */
export function withLastApplied(object: KubeObject): KubeObject {
  const remembered = withoutLastApplied(object);
  const annotations = { ...remembered.metadata.annotations, [LAST_APPLIED]: `${compactJson(remembered)}\n` };
  return { ...remembered, metadata: { ...remembered.metadata, annotations } };
}

/** The object as it is remembered: with annotations, if only empty ones, but without the memory itself. */
export function withoutLastApplied(object: KubeObject): KubeObject {
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata.annotations ?? {};
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** The patch that brings the live object to what is applied, without fields that only the server writes. */
export function patchFor(
  group: string,
  lastApplied: string | undefined,
  modified: KubeObject,
  current: KubeObject,
): Record<string, unknown> {
  const original: unknown = lastApplied ? JSON.parse(lastApplied) : {};
  return isBuiltInGroup(group)
    ? threeWayStrategic(original, modified, current)
    : threeWayMerge(original, modified, current);
}

const gvOf = ({ resource }: Manifest): string => `${resource.group}/${resource.version}`;

function retrievalOf(manifest: Manifest): string {
  const { resource, object, namespace, source } = manifest;
  const gvk = gvOf(manifest);
  return `error when retrieving current configuration of:\nResource: "${gvk}, Resource=${resource.resource}", GroupVersionKind: "${gvk}, Kind=${resource.kind}"\nName: ${JSON.stringify(object.metadata.name ?? '')}, Namespace: ${JSON.stringify(namespace ?? '')}\nfrom server for: ${JSON.stringify(source)}`;
}

function retrieving(error: unknown, manifest: Manifest): unknown {
  if (!(error instanceof StatusError)) return error;
  return new StatusError({ ...error.status, message: `${retrievalOf(manifest)}: ${error.message}` });
}

function patching(error: unknown, patch: unknown, manifest: Manifest): unknown {
  if (!(error instanceof StatusError)) return error;
  const { resource, object, namespace, source } = manifest;
  const gvk = gvOf(manifest);
  const text = `error when applying patch:\n${compactJson(patch)}\nto:\nResource: "${gvk}, Resource=${resource.resource}", GroupVersionKind: "${gvk}, Kind=${resource.kind}"\nName: ${JSON.stringify(object.metadata.name ?? '')}, Namespace: ${JSON.stringify(namespace ?? '')}\nfor: ${JSON.stringify(source)}: error when patching ${JSON.stringify(source)}: ${error.message}`;
  return new StatusError({ ...error.status, message: text });
}
