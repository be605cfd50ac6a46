import { DRY_RUN_WORDS, dryRunOf } from './changed.ts';
import { CliError, isStatus, whileDoing } from './errors.ts';
import { loadAll } from './manifests.ts';
import { fetchItems, hasFiles, type Item, itemTarget, NOTHING_GIVEN, throwAll } from './targets.ts';
import type { Invocation } from './verb.ts';
import { isGone, type Watched, watchUntil } from './watching.ts';

type Cascade = 'Background' | 'Foreground' | 'Orphan';

export async function remove(k: Invocation): Promise<void> {
  const { flags } = k;
  const all = flags.bool('all');
  const selector = flags.get('selector');
  if (all && selector) {
    throw new CliError("setting 'all' parameter but found a non empty selector. ");
  }
  if (k.args.length === 0 && !hasFiles(k)) throw new CliError(NOTHING_GIVEN);
  const grace = gracePeriod(k);
  const cascade = cascadeOf(k);
  if (flags.bool('force') && grace === 0) {
    await k.err(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n',
    );
  }
  const { items, errors } = hasFiles(k)
    ? await named(k)
    : await fetchItems(k, {
        ...(selector ? { selector } : {}),
        ...(flags.get('field-selector') ? { fieldSelector: flags.get('field-selector') } : {}),
        allowAll: all || flags.get('field-selector') !== '',
        allNamespaces: flags.bool('all-namespaces'),
      });
  const missing = errors.filter((error) => !isStatus(error, 'NotFound'));
  const tolerant = flags.bool('ignore-not-found') || (all && !flags.has('ignore-not-found'));
  const failures = tolerant ? missing : errors;
  const gone: Watched[] = [];
  for (const item of items as Doomed[]) {
    try {
      const { uid } = await removeOne(k, item, grace, cascade);
      if (dryRunOf(k) === 'none') gone.push({ target: itemTarget(item), name: item.object.metadata.name!, uid });
    } catch (error) {
      if (!(tolerant && isStatus(error, 'NotFound'))) failures.push(whileDoing('deleting', item.source ?? '', error));
    }
  }
  if (items.length === 0 && failures.length === 0 && errors.length === 0) await k.out('No resources found\n');
  if (flags.get('wait') !== 'false') {
    const timeoutMs = flags.duration('timeout') || 168 * 3600 * 1000;
    for (const each of gone) await watchUntil(k, each, timeoutMs, isGone(each));
  }
  throwAll(failures);
}

type Doomed = Item & { source?: string };

/** What files name, without asking for it first. */
async function named(k: Invocation): Promise<{ items: Doomed[]; errors: unknown[] }> {
  const { manifests, errors } = await loadAll(k);
  return { items: manifests, errors };
}

function gracePeriod(k: Invocation): number | undefined {
  const { flags } = k;
  const given = flags.int('grace-period');
  if (flags.bool('now')) {
    if (given !== -1) throw new CliError('--now and --grace-period cannot be specified together');
    return 1;
  }
  if (flags.bool('force') && given > 0) {
    throw new CliError('--force and --grace-period greater than 0 cannot be specified together');
  }
  if (flags.bool('force') && given < 0) return 0;
  if (given === 0 && !flags.bool('force')) return 1;
  return given < 0 ? undefined : given;
}

function cascadeOf(k: Invocation): Cascade {
  const value = k.flags.get('cascade');
  if (value === 'background' || value === 'true') return 'Background';
  if (value === 'foreground') return 'Foreground';
  if (value === 'orphan' || value === 'false') return 'Orphan';
  throw new CliError(`invalid cascade value (${value}). Must be "background", "foreground", or "orphan"`);
}

/** Deletes one object and says so; gives back the uid of what goes. */
async function removeOne(
  k: Invocation,
  item: Item,
  grace: number | undefined,
  cascade: Cascade,
): Promise<{ uid: string | undefined }> {
  let { uid } = item.object.metadata;
  const dryRun = dryRunOf(k);
  const name = item.object.metadata.name!;
  if (dryRun !== 'client') {
    const answer = await k.client.delete(itemTarget(item), name, {
      propagationPolicy: cascade,
      ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
      ...(dryRun === 'server' ? { dryRun: true } : {}),
    });
    uid ??= answer.metadata?.uid ?? (answer as unknown as { details?: { uid?: string } }).details?.uid;
  }
  const { kind, group, namespaced } = item.resource;
  const type = group ? `${kind.toLowerCase()}.${group}` : kind.toLowerCase();
  if (k.flags.get('output') === 'name') {
    await k.out(`${type}/${name}\n`);
    return { uid };
  }
  const where = namespaced ? ` from ${item.namespace} namespace` : '';
  const how = grace === 0 ? 'force deleted' : 'deleted';
  await k.out(`${type} ${JSON.stringify(name)} ${how}${where}${DRY_RUN_WORDS[dryRun]}\n`);
  return { uid };
}
