import { LAST_APPLIED, withLastApplied } from './apply.ts';
import { dryRunOf, printChanged, writeOptions } from './changed.ts';
import { CliError, usageError } from './errors.ts';
import { sortKeys } from './json.ts';
import { loadManifests } from './manifests.ts';
import { fetchItems, forEachItem, hasFiles, targetOf } from './targets.ts';
import type { Invocation } from './verb.ts';
import { toYaml } from './yaml.ts';

/** What `apply` remembered, as YAML or JSON. */
export async function viewLastApplied(k: Invocation): Promise<void> {
  const output = k.flags.get('output') || 'yaml';
  if (output !== 'yaml' && output !== 'json') {
    throw usageError(k.path, `Unexpected -o output mode: ${output}, the flag 'output' must be one of yaml|json`);
  }
  const selector = k.flags.get('selector');
  const { items, errors } = await fetchItems(k, {
    ...(selector ? { selector } : {}),
    allowAll: k.flags.bool('all'),
  });
  await forEachItem(items, errors, async ({ object }) => {
    const text = object.metadata.annotations?.[LAST_APPLIED];
    if (text === undefined) return;
    const value: unknown = JSON.parse(text);
    await k.out(output === 'yaml' ? toYaml(value) : `${JSON.stringify(sortKeys(value), null, 2)}\n`);
  });
}

export async function setLastApplied(k: Invocation): Promise<void> {
  if (!hasFiles(k)) throw new CliError('must specify one of -f and -k');
  await forEachItem(await loadManifests(k), [], async ({ object, resource, namespace }) => {
    const target = targetOf(resource, namespace);
    const name = object.metadata.name ?? '';
    const live = await k.client.get(target, name);
    if (live.metadata.annotations?.[LAST_APPLIED] === undefined && !k.flags.bool('create-annotation')) {
      throw new CliError(
        `no last-applied-configuration annotation found on resource: ${name}, to create the annotation, run the command with --create-annotation`,
      );
    }
    const { annotations = {} } = withLastApplied(object).metadata;
    const body = { metadata: { annotations: { [LAST_APPLIED]: annotations[LAST_APPLIED]! } } };
    if (dryRunOf(k) !== 'client')
      await k.client.patch(target, name, 'merge', body, writeOptions(k, 'kubectl-last-applied'));
    await printChanged(k, live, 'configured');
  });
}
