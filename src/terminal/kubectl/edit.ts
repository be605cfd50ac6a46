import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '#kube/api/types.ts';
import { printChanged, writeOptions } from './changed.ts';
import { CliError, errorText } from './errors.ts';
import { parseManifests } from './manifests.ts';
import { isBuiltInGroup } from './merge-keys.ts';
import { nameOf, withoutManagedFields } from './output.ts';
import { fetchItems, type Item, itemTarget, throwAll } from './targets.ts';
import { mergeDiff, twoWayStrategic } from './three-way.ts';
import type { Invocation } from './verb.ts';
import { toYaml } from './yaml.ts';

const NOTE =
  "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n";

/** Opens live objects in the learner's editor and patches what was changed. A refused change is shown again. */
export async function edit(k: Invocation): Promise<number> {
  const { items, errors } = await fetchItems(k, { allowAll: true });
  throwAll(errors);
  if (items.length === 0) throw new CliError('edit cancelled, no objects found');
  let failed = 0;
  for (const item of items) if (!(await editOne(k, item))) failed++;
  return failed > 0 ? 1 : 0;
}

async function editOne(k: Invocation, item: Item): Promise<boolean> {
  const shown = k.flags.bool('show-managed-fields') ? item.object : withoutManagedFields(item.object);
  const before = toYaml(shown);
  const path = `/tmp/kubectl-edit-${Math.floor(k.clock.now() % 1e9)}.yaml`;
  const { fs } = k.context;
  if (!(await fs.exists('/tmp'))) await fs.mkdir('/tmp', { recursive: true });
  let text = `${NOTE}${before}`;
  let last: string | undefined;
  for (;;) {
    await fs.writeFile(path, text);
    await openEditor(k, path);
    const edited = await fs.readFile(path);
    if (edited === last || stripComments(edited) === before || stripComments(edited).trim() === '') {
      if (last !== undefined && edited === last) {
        await k.err(`A copy of your changes has been stored to ${JSON.stringify(path)}\n`);
        throw new CliError('Edit cancelled, no valid changes were saved.');
      }
      await fs.rm(path);
      await k.err(
        stripComments(edited).trim() === ''
          ? 'Edit cancelled, saved file was empty.\n'
          : 'Edit cancelled, no changes made.\n',
      );
      return true;
    }
    try {
      const [after] = parseManifests(edited, path);
      if (!after) throw new CliError('the edited file has no object in it');
      await save(k, item, shown, after);
      await fs.rm(path);
      return true;
    } catch (error) {
      last = edited;
      const why = errorText(error);
      await k.err(`${why}\n`);
      const title = `# ${item.resource.resource} ${JSON.stringify(item.object.metadata.name)} was not valid:\n`;
      text = `${NOTE}${title}${why
        .split('\n')
        .map((line) => `# * ${line}\n`)
        .join('')}#\n${stripComments(edited)}`;
      last = text;
    }
  }
}

const stripComments = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');

async function openEditor(k: Invocation, path: string): Promise<void> {
  if (k.options.edit) return k.options.edit(path, k.context);
  const editor = k.context.env['KUBE_EDITOR'] || k.context.env['EDITOR'] || 'vi';
  const code = await k.context.run(`${editor} ${path}`);
  if (code !== 0) throw new CliError(`there was a problem with the editor ${JSON.stringify(editor)}`);
}

async function save(k: Invocation, item: Item, before: KubeObject, after: KubeObject): Promise<void> {
  if (after.metadata.name !== before.metadata.name) throw new CliError('metadata.name should not be changed');
  if (isDeepStrictEqual(before, after)) {
    await k.out(`${nameOf(after)} skipped\n`);
    return;
  }
  const isBuiltIn = isBuiltInGroup(item.resource.group);
  const body = isBuiltIn
    ? twoWayStrategic(before, after)
    : mergeDiff(before, after, { deletions: true, changes: true });
  const type = isBuiltIn ? 'strategic' : 'merge';
  const result = await k.client.patch(
    itemTarget(item),
    before.metadata.name!,
    type,
    body,
    writeOptions(k, 'kubectl-edit'),
  );
  await printChanged(k, result, 'edited');
}
