import type { KubeObject } from '#kube/api/types.ts';
import { DRY_RUN_WORDS, dryRunOf, printChanged } from '../changed.ts';
import { CliError, isStatus, throwPlain } from '../errors.ts';
import { forEachItem, type Item } from '../targets.ts';
import type { Invocation } from '../verb.ts';
import { isGone, watchUntil } from '../watching.ts';
import { nodesMeant, setSchedulable } from './cordon.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' };
const RETRY_MS = 5000;

/** Closes a node and evicts what runs there. */
export async function drain(k: Invocation): Promise<void> {
  const { items, errors } = await nodesMeant(k);
  await forEachItem(items, errors, (item) => setSchedulable(k, item, true));
  const failed: { name: string; why: string }[] = [];
  for (const item of items) {
    const name = item.object.metadata.name!;
    try {
      await evictAll(k, await podsToEvict(k, item));
      await printChanged(k, item.object, 'drained');
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      failed.push({ name, why: error.message });
      await k.err(
        `error: unable to drain node ${JSON.stringify(name)} due to error: ${error.message}, continuing command...\n`,
      );
    }
  }
  if (failed.length > 0) {
    await k.err(`There are pending nodes to be drained:\n${failed.map(({ name }) => ` ${name}`).join('\n')}\n`);
    throwPlain(failed.map(({ why }) => why).join('\n'));
  }
}

const controllerOf = ({ metadata }: KubeObject) => metadata.ownerReferences?.find((owner) => owner.controller);
const idOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`;
const isFinished = (pod: KubeObject): boolean => ['Succeeded', 'Failed'].includes(pod['status']?.phase);

/** Why a pod stops the drain, in the order and words of kubectl/pkg/drain/filters.go. */
const OBSTACLES: [flag: string, text: string, stops: (pod: KubeObject) => boolean][] = [
  [
    'delete-emptydir-data',
    'cannot delete Pods with local storage (use --delete-emptydir-data to override)',
    (pod) => !isFinished(pod) && (pod['spec'].volumes ?? []).some((volume: { emptyDir?: unknown }) => volume.emptyDir),
  ],
  [
    'ignore-daemonsets',
    'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)',
    (pod) => controllerOf(pod)?.kind === 'DaemonSet',
  ],
  [
    'force',
    'cannot delete Pods that declare no controller (use --force to override)',
    (pod) => !isFinished(pod) && !controllerOf(pod),
  ],
];

async function podsToEvict(k: Invocation, item: Item): Promise<KubeObject[]> {
  const selector = k.flags.get('pod-selector');
  const list = await k.client.list(PODS, {
    fieldSelector: `spec.nodeName=${item.object.metadata.name}`,
    ...(selector ? { labelSelector: selector } : {}),
  });
  const pods = list.items.filter(({ metadata }) => !metadata.annotations?.['kubernetes.io/config.mirror']);
  const reasons: string[] = [];
  for (const [flag, text, stops] of OBSTACLES) {
    const found = pods.filter(stops);
    if (found.length > 0 && !k.flags.bool(flag)) reasons.push(`${text}: ${found.map(idOf).join(', ')}`);
  }
  if (reasons.length > 0) throw new CliError(reasons.length === 1 ? reasons[0]! : `[${reasons.join(', ')}]`);
  const ignored = pods.filter((pod) => controllerOf(pod)?.kind === 'DaemonSet');
  const alone = pods.filter((pod) => !isFinished(pod) && !controllerOf(pod));
  const warnings: string[] = [];
  if (ignored.length > 0) warnings.push(`ignoring DaemonSet-managed Pods: ${ignored.map(idOf).join(', ')}`);
  if (alone.length > 0) warnings.push(`deleting Pods that declare no controller: ${alone.map(idOf).join(', ')}`);
  if (warnings.length > 0) await k.err(`Warning: ${warnings.join('; ')}\n`);
  return pods.filter((pod) => !ignored.includes(pod));
}

async function evictAll(k: Invocation, pods: KubeObject[]): Promise<void> {
  const dryRun = dryRunOf(k);
  for (const pod of pods) await k.out(`evicting pod ${idOf(pod)}${DRY_RUN_WORDS[dryRun]}\n`);
  if (dryRun !== 'none') return;
  const timeoutMs = k.flags.duration('timeout') || 7 * 24 * 3600 * 1000;
  await Promise.all(pods.map((pod) => evict(k, pod, timeoutMs)));
}

async function evict(k: Invocation, pod: KubeObject, timeoutMs: number): Promise<void> {
  const { name = '', namespace = '', uid } = pod.metadata;
  const target = { ...PODS, namespace };
  const grace = k.flags.int('grace-period');
  const eviction: KubeObject = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    ...(grace >= 0 ? { deleteOptions: { gracePeriodSeconds: grace } } : {}),
  };
  for (;;) {
    try {
      await k.client.create(target, eviction, { subresource: 'eviction' });
      break;
    } catch (error) {
      if (isStatus(error, 'NotFound')) return;
      if (!isStatus(error, 'TooManyRequests')) throw error;
      await k.err(
        `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)} (will retry after 5s): ${error.message}\n`,
      );
      await k.clock.sleep(RETRY_MS, k.context.signal);
      await k.out(`evicting pod ${idOf(pod)}\n`);
    }
  }
  const watched = { target, name, uid };
  await watchUntil(k, watched, timeoutMs, isGone(watched));
  await k.out(`pod/${name} evicted\n`);
}
