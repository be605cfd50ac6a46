import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { LAST_APPLIED, withLastApplied } from './apply.ts';
import { checkOutput, dryRunOf, printChanged, writeOptions } from './changed.ts';
import { CliError, usageError, whileDoing } from './errors.ts';
import { orderedJson } from './json.ts';
import { bind, loadInOrder } from './manifests.ts';
import { forEachItem, hasFiles, targetOf } from './targets.ts';
import type { Invocation } from './verb.ts';

/** `create -f`. */
export async function create(k: Invocation): Promise<void> {
  if (!hasFiles(k)) {
    if (k.args.length > 0) throw usageError(['create'], `Unexpected args: [${k.args.join(' ')}]`);
    throw new CliError('must specify one of -f and -k');
  }
  if (k.args.length > 0) throw usageError(['create'], `Unexpected args: [${k.args.join(' ')}]`);
  checkOutput(k);
  const found = await loadInOrder(k);
  if (found.length === 0) throw new CliError('no objects passed to create');
  await forEachItem(found, [], async (each) => {
    if ('error' in each) throw each.error;
    const { object, resource, namespace, source } = each.manifest;
    const body = k.flags.bool('save-config') ? withLastApplied(object) : object;
    if (dryRunOf(k) === 'client') return printChanged(k, body, 'created');
    try {
      const made = await k.client.create(targetOf(resource, namespace), body, writeOptions(k, 'kubectl-create'));
      await printChanged(k, made, 'created');
    } catch (error) {
      throw whileDoing('creating', source, error);
    }
  });
}

/** The object with the hash of its content at the end of its name. */
async function withHash(object: KubeObject): Promise<KubeObject> {
  const { hashOf } = await import('./kustomize/generate.ts');
  const { name = '' } = object.metadata;
  return { ...object, metadata: { ...object.metadata, name: `${name}-${hashOf(object, name)}` } };
}

/** An object made here is remembered as it is, its fields in their order. */
const remembering = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    annotations: { ...object.metadata.annotations, [LAST_APPLIED]: `${orderedJson(object)}\n` },
  },
});

/**
 * Creates an object that a generator made (`create deployment`, `run`, `expose`). `failed` goes in front of the server's
 * message when it refuses; without it the failure is printed as the server's.
 */
export async function createMade(
  k: Invocation,
  object: KubeObject,
  options: { failed?: string; operation?: string; manager?: string } = {},
): Promise<KubeObject> {
  checkOutput(k);
  const named = k.flags.bool('append-hash') ? await withHash(object) : object;
  const shown = k.flags.bool('save-config') ? remembering(named) : named;
  const operation = options.operation ?? 'created';
  if (dryRunOf(k) === 'client') {
    await printChanged(k, shown, operation, true);
    return shown;
  }
  const { object: bound, resource, namespace } = await bind(k, shown, '');
  try {
    const made = await k.client.create(
      targetOf(resource, namespace),
      bound,
      writeOptions(k, options.manager ?? 'kubectl-create'),
    );
    await printChanged(k, made, operation);
    return made;
  } catch (error) {
    if (options.failed && error instanceof StatusError) throw new CliError(`${options.failed} ${error.message}`);
    throw error;
  }
}
