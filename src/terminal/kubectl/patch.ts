import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { goJsonProblem } from '#kube/api/go-json.ts';
import { failure } from '#kube/api/status.ts';
import type { PatchType } from '#kube/client/client.ts';
import { PATCH_CONTENT_TYPES } from '#kube/client/create.ts';
import { dryRunOf, printChanged, writeOptions } from './changed.ts';
import { CliError, isStatus } from './errors.ts';
import { fetchItems, forEachItem, itemTarget } from './targets.ts';
import type { Invocation } from './verb.ts';

const TYPES = ['json', 'merge', 'strategic'];

export async function patch(k: Invocation): Promise<void> {
  const type = (k.flags.get('type') || 'strategic').toLowerCase();
  if (!TYPES.includes(type))
    throw new CliError(`--type must be one of [json merge strategic], not ${JSON.stringify(type)}`);
  const file = k.flags.get('patch-file');
  const text = file ? await k.readFile(file) : k.flags.get('patch');
  if (k.flags.has('patch') && file) throw new CliError('cannot specify --patch and --patch-file together');
  if (!text) throw new CliError('must specify --patch or --patch-file containing the contents of the patch');
  const body = readPatch(text);
  const { items, errors } = await fetchItems(k);
  const subresource = k.flags.get('subresource');
  await forEachItem(items, errors, async (item) => {
    if (dryRunOf(k) === 'client') return printChanged(k, item.object, 'patched');
    const after = await k.client
      .patch(itemTarget(item), item.object.metadata.name!, type as PatchType, body, {
        ...writeOptions(k, 'kubectl-patch'),
        ...(subresource ? { subresource } : {}),
      })
      .catch((error: unknown) => {
        if (!isStatus(error, 'UnsupportedMediaType')) throw error;
        const { group, version } = item.resource;
        throw new CliError(
          `${PATCH_CONTENT_TYPES[type as PatchType]} is not supported by ${group}/${version}, Kind=${item.object.kind}: ${error.message}`,
        );
      });
    const changed = !isDeepStrictEqual(withoutMeta(item.object), withoutMeta(after));
    await printChanged(k, after, changed ? 'patched' : 'patched (no change)');
  });
}

/** JSON as it is, YAML otherwise. */
function readPatch(text: string): unknown {
  if (text.trimStart().startsWith('{')) {
    const problem = goJsonProblem(text);
    if (problem !== undefined) throw failure('BadRequest', problem);
    return JSON.parse(text);
  }
  try {
    return parse(text);
  } catch (error) {
    throw new CliError(`unable to parse ${JSON.stringify(text)}: ${(error as Error).message.split('\n')[0]}`);
  }
}

function withoutMeta(object: { metadata: object }): unknown {
  const { managedFields: _, ...metadata } = object.metadata as Record<string, unknown>;
  return { ...object, metadata };
}
