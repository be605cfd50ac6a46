import type { KubeObject } from '#kube/api/types.ts';
import { dryRunOf, printChanged, writeOptions } from './changed.ts';
import { CliError } from './errors.ts';
import { formatLabels } from './table.ts';
import { fetchItems, forEachItem, hasFiles, type Item, itemTarget } from './targets.ts';
import { mergeDiff } from './three-way.ts';
import type { Invocation } from './verb.ts';

interface Changes {
  set: Map<string, string>;
  remove: string[];
}

/** Splits `TYPE NAME k=v k-` into what is meant and what is to change. */
function readChanges(k: Invocation, what: 'label' | 'annotation'): { resources: string[]; changes: Changes } {
  const at = k.args.findIndex((arg) => (arg.includes('=') && !arg.startsWith('=')) || arg.endsWith('-'));
  const words = at < 0 ? [] : k.args.slice(at);
  const resources = at < 0 ? k.args : k.args.slice(0, at);
  const changes: Changes = { set: new Map(), remove: [] };
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals > 0) changes.set.set(word.slice(0, equals), word.slice(equals + 1));
    else if (equals < 0 && word.endsWith('-')) changes.remove.push(word.slice(0, -1));
    else if (equals === 0) throw new CliError(`invalid ${what} format: ${word}`);
    else throw new CliError(`all resources must be specified before ${what} changes: ${word}`);
  }
  for (const key of changes.remove) {
    if (changes.set.has(key)) throw new CliError(`can not both modify and remove ${article(what)} in the same command`);
  }
  return { resources, changes };
}

const article = (what: string): string => (what === 'label' ? 'a label' : 'an annotation');

export const label = (k: Invocation): Promise<void> => change(k, 'label');
export const annotate = (k: Invocation): Promise<void> => change(k, 'annotation');

async function change(k: Invocation, what: 'label' | 'annotation'): Promise<void> {
  const { resources, changes } = readChanges(k, what);
  const list = k.flags.bool('list');
  if (resources.length === 0 && !hasFiles(k)) {
    throw new CliError('one or more resources must be specified as <resource> <name> or <resource>/<name>');
  }
  if (changes.set.size === 0 && changes.remove.length === 0 && !list) {
    throw new CliError(`at least one ${what} update is required`);
  }
  if (what === 'label') for (const [key, value] of changes.set) refuseBadLabel(key, value);
  const selector = k.flags.get('selector');
  if (k.flags.bool('all') && selector) throw new CliError('cannot set --all and --selector at the same time');
  if (k.flags.bool('all') && k.flags.get('field-selector')) {
    throw new CliError('cannot set --all and --field-selector at the same time');
  }
  const { items, errors } = await fetchItems(k, {
    args: resources,
    ...(selector ? { selector } : {}),
    ...(k.flags.get('field-selector') ? { fieldSelector: k.flags.get('field-selector') } : {}),
    allowAll: k.flags.bool('all') || k.flags.get('field-selector') !== '',
    allNamespaces: k.flags.bool('all-namespaces'),
  });
  await forEachItem(items, errors, (item) => changeOne(k, what, item, changes));
}

async function changeOne(k: Invocation, what: 'label' | 'annotation', item: Item, changes: Changes): Promise<void> {
  const field = what === 'label' ? 'labels' : 'annotations';
  const { object } = item;
  const before = object.metadata[field] ?? {};
  if (k.flags.bool('list')) {
    if (items(before).length > 0) await k.out(`${items(before).join('\n')}\n`);
    return;
  }
  if (!k.flags.bool('overwrite')) refuseOverwrite(what, before, changes);
  const after: Record<string, string> = { ...before };
  for (const [key, value] of changes.set) after[key] = value;
  for (const key of changes.remove) {
    if (what === 'label' && !(key in after)) await k.out(`label ${JSON.stringify(key)} not found.\n`);
    delete after[key];
  }
  const wanted: KubeObject = { ...object, metadata: { ...object.metadata, [field]: after } };
  const body = mergeDiff(object, wanted, { deletions: true, changes: true });
  const version = k.flags.get('resource-version');
  if (version) body['metadata'] = { ...(body['metadata'] as object), resourceVersion: version };
  const isSame = Object.keys(body).length === 0;
  const result =
    dryRunOf(k) === 'client' || (isSame && what === 'label')
      ? wanted
      : await k.client.patch(
          itemTarget(item),
          object.metadata.name!,
          'merge',
          body,
          writeOptions(k, `kubectl-${k.path[0]}`),
        );
  await printChanged(k, result, operation(what, before, after));
}

function operation(what: string, before: Record<string, string>, after: Record<string, string>): string {
  if (what === 'annotation') return 'annotated';
  if (formatLabels(before) === formatLabels(after)) return 'not labeled';
  const isOnlyLess = Object.keys(after).every((key) => before[key] === after[key]);
  return isOnlyLess ? 'unlabeled' : 'labeled';
}

const items = (map: Record<string, string>): string[] =>
  Object.entries(map)
    .map(([key, value]) => `${key}=${value}`)
    .sort();

function refuseOverwrite(what: string, before: Record<string, string>, changes: Changes): void {
  const taken = [...changes.set].filter(
    ([key, value]) => before[key] !== undefined && (what === 'annotation' ? true : before[key] !== value),
  );
  if (taken.length === 0) return;
  if (what === 'annotation') {
    const list = taken.map(([key]) => `'${key}' already has a value (${before[key]})`).join('; ');
    throw new CliError(`--overwrite is false but found the following declared annotation(s): ${list}`);
  }
  const list = taken.map(([key]) => `'${key}' already has a value (${before[key]}), and --overwrite is false`);
  throw new CliError(list.length === 1 ? list[0]! : `[${list.join(', ')}]`);
}

function refuseBadLabel(key: string, value: string): void {
  if (value !== '' && !/^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(value)) {
    throw new CliError(
      `invalid label value: ${JSON.stringify(`${key}=${value}`)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    );
  }
}
