import { isDeepStrictEqual } from 'node:util';
import { rfc3339 } from '#base/rfc3339.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { printChanged, writeOptions } from './changed.ts';
import { podTemplateText } from './describe/pod-template.ts';
import { CliError } from './errors.ts';
import { groupKind, nameOf } from './output.ts';
import { rolloutProgress } from './rollout-progress.ts';
import { tabbed } from './tab-writer.ts';
import { fetchItems, forEachItem, hasFiles, type Item, itemTarget } from './targets.ts';
import type { Invocation } from './verb.ts';
import { watchUntil } from './watching.ts';
import { toYaml } from './yaml.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';
const CAUSE = 'kubernetes.io/change-cause';

export async function rollout(k: Invocation): Promise<void> {
  const verb = k.path[1]!;
  if (k.args.length === 0 && !hasFiles(k)) {
    throw new CliError('required resource not specified');
  }
  const selector = k.flags.get('selector');
  const { items, errors } = await fetchItems(k, {
    ...(selector ? { selector } : {}),
    allowAll: verb === 'status' || verb === 'restart' || verb === 'history',
  });
  if (items.length === 0 && errors.length === 0) {
    await k.err(`No resources found in ${k.namespace} namespace.\n`);
    return;
  }
  const run = VERBS[verb]!;
  await forEachItem(items, errors, (item) => run(k, item));
}

const VERBS: Record<string, (k: Invocation, item: Item) => Promise<void>> = {
  status,
  restart,
  pause: (k, item) => setPaused(k, item, true),
  resume: (k, item) => setPaused(k, item, false),
  history,
  undo,
};

const kindName = ({ resource, object }: Item): string =>
  `${resource.group ? `${resource.resource}.${resource.group}` : resource.resource} ${JSON.stringify(object.metadata.name)}`;

async function status(k: Invocation, item: Item): Promise<void> {
  const timeoutMs = k.flags.duration('timeout') || 7 * 24 * 3600 * 1000;
  const wanted = k.flags.int('revision');
  if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(item.object.kind)) {
    throw new CliError(`no status viewer has been implemented for ${groupKind(item.object)}`);
  }
  const watched = { target: itemTarget(item), name: item.object.metadata.name! };
  await watchUntil(k, watched, timeoutMs, async (object) => {
    if (!object) throw new CliError('object has been deleted');
    if (wanted > 0 && Number(object.metadata.annotations?.[REVISION]) !== wanted) {
      throw new CliError(
        `desired revision (${wanted}) is different from the running revision (${object.metadata.annotations?.[REVISION]})`,
      );
    }
    const { text, done } = rolloutProgress({ ...object, kind: item.object.kind });
    await k.out(text);
    return done || k.flags.get('watch') === 'false';
  });
}

async function restart(k: Invocation, item: Item): Promise<void> {
  const { object } = item;
  if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(object.kind)) {
    throw new CliError(`${kindName(item)} restarting is not supported`);
  }
  if (object['spec'].paused) {
    throw new CliError(`${kindName(item)} can't restart paused deployment (run rollout resume first)`);
  }
  const annotations = { [RESTARTED]: rfc3339(k.clock.now()) };
  if (object['spec'].template.metadata?.annotations?.[RESTARTED] === annotations[RESTARTED]) {
    throw new CliError(
      `failed to create patch for ${object.metadata.name}: if restart has already been triggered within the past second, please wait before attempting to trigger another`,
    );
  }
  const body = { spec: { template: { metadata: { annotations } } } };
  const result = await k.client.patch(
    itemTarget(item),
    object.metadata.name!,
    'strategic',
    body,
    writeOptions(k, 'kubectl-rollout'),
  );
  await printChanged(k, result, 'restarted');
}

async function setPaused(k: Invocation, item: Item, paused: boolean): Promise<void> {
  const { object } = item;
  if (object.kind !== 'Deployment') {
    throw new CliError(`${kindName(item)} ${paused ? 'pausing' : 'resuming'} is not supported`);
  }
  if (Boolean(object['spec'].paused) === paused) {
    throw new CliError(`${kindName(item)} ${paused ? 'is already paused' : 'is not paused'}`);
  }
  const body = { spec: { paused: paused ? true : null } };
  const result = await k.client.patch(
    itemTarget(item),
    object.metadata.name!,
    'strategic',
    body,
    writeOptions(k, 'kubectl-rollout'),
  );
  await printChanged(k, result, paused ? 'paused' : 'resumed');
}

interface Revision {
  number: number;
  cause: string;
  template: KubeObject['spec'];
  object: KubeObject;
}

/** A Deployment's revisions are its ReplicaSets, those of the others ControllerRevisions. */
async function revisionsOf(k: Invocation, { object, namespace }: Item): Promise<Revision[]> {
  const isDeployment = object.kind === 'Deployment';
  const resource = isDeployment ? 'replicasets' : 'controllerrevisions';
  const list = await k.client.list({ group: 'apps', version: 'v1', resource, namespace: namespace! });
  return list.items
    .filter((each) =>
      each.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === object.metadata.uid),
    )
    .map((each) => ({
      number: isDeployment ? Number(each.metadata.annotations?.[REVISION] ?? 0) : Number(each['revision']),
      cause: each.metadata.annotations?.[CAUSE] ?? '',
      template: isDeployment ? each['spec'].template : each['data']?.spec?.template,
      object: each,
    }))
    .sort((a, b) => a.number - b.number);
}

async function history(k: Invocation, item: Item): Promise<void> {
  if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(item.object.kind)) {
    throw new CliError(`no history viewer has been implemented for "${item.object.kind}.${item.resource.group}"`);
  }
  const revisions = await revisionsOf(k, item);
  const wanted = k.flags.int('revision');
  const title = `${nameOf(item.object)} `;
  if (wanted > 0) {
    const found = revisions.find((each) => each.number === wanted);
    if (!found) throw new CliError(`unable to find the specified revision`);
    const output = k.flags.get('output');
    if (output) await k.out(output === 'yaml' ? toYaml(found.object) : `${JSON.stringify(found.object, null, 4)}\n`);
    else
      await k.out(`${nameOf(item.object)} with revision #${wanted}\n${podTemplateText(found.template, found.cause)}\n`);
    return;
  }
  if (revisions.length === 0) {
    await k.out(`${title}\nNo rollout history found.\n`);
    return;
  }
  const rows = revisions.map((each) => [String(each.number), each.cause || '<none>']);
  await k.out(
    `${title}\n${tabbed([['REVISION', 'CHANGE-CAUSE'], ...rows].map((row) => `${row.join('\t')}\n`).join(''))}\n`,
  );
}

/** Annotations that belong to a Deployment, not to one of its revisions. */
const KEPT = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision',
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
]);

function annotationsBack(deployment: KubeObject, revision: KubeObject): Record<string, string> {
  const own = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => KEPT.has(key));
  const old = Object.entries(revision.metadata.annotations ?? {}).filter(([key]) => !KEPT.has(key));
  return Object.fromEntries([...own, ...old]);
}

async function undo(k: Invocation, item: Item): Promise<void> {
  const { object } = item;
  if (object['spec'].paused) {
    throw new CliError(
      "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
    );
  }
  const revisions = await revisionsOf(k, item);
  const wanted = k.flags.int('to-revision');
  const found = wanted > 0 ? revisions.find((each) => each.number === wanted) : revisions.at(-2);
  if (!found)
    throw new CliError(
      wanted > 0
        ? `unable to find specified revision ${wanted} in history`
        : object.kind !== 'Deployment'
          ? 'no last revision to roll back to'
          : `no rollout history found for ${object.kind.toLowerCase()} ${JSON.stringify(object.metadata.name)}`,
    );
  if (k.flags.get('dry-run') === 'client') {
    await k.out(`${nameOf(object)} ${podTemplateText(found.template, '')} (dry run)\n`);
    return;
  }
  const { 'pod-template-hash': _, ...labels } = found.template.metadata?.labels ?? {};
  const template = { ...found.template, metadata: { ...found.template.metadata, labels } };
  if (isDeepStrictEqual(template, object['spec'].template)) {
    await k.out(`${nameOf(object)} skipped rollback (current template already matches revision ${found.number})\n`);
    return;
  }
  const body: object[] = [{ op: 'replace', path: '/spec/template', value: template }];
  if (object.kind === 'Deployment') {
    body.push({ op: 'replace', path: '/metadata/annotations', value: annotationsBack(object, found.object) });
  }
  await k.client.patch(itemTarget(item), object.metadata.name!, 'json', body, writeOptions(k, 'kubectl-rollout'));
  await printChanged(k, object, 'rolled back');
}
