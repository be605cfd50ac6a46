import type { KubeObject } from '#kube/api/types.ts';
import { CliError } from './errors.ts';
import { targetOf, withKind } from './targets.ts';
import type { Invocation } from './verb.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' };

/** A selector object as the query text of a list. */
export function selectorText(selector: KubeObject['spec']): string {
  const labels = selector?.matchLabels ?? (selector?.matchExpressions ? {} : (selector ?? {}));
  const parts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    if (operator === 'Exists') parts.push(key);
    else if (operator === 'DoesNotExist') parts.push(`!${key}`);
    else parts.push(`${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`);
  }
  return parts.join(',');
}

/** The object that `POD`, `TYPE/NAME` or `TYPE NAME` means. */
export async function namedObject(k: Invocation, word: string): Promise<KubeObject> {
  const [type, name] = word.includes('/') ? word.split('/') : ['pods', word];
  const resource = await k.finder.find(type!);
  return withKind(await k.client.get(targetOf(resource, k.namespace), name!), resource);
}

const POD_OWNERS = new Set('Deployment DaemonSet ReplicaSet ReplicationController StatefulSet Job Service'.split(' '));

/** The pods of an object that has a selector; a Pod itself. `what` begins the refusal of other kinds. */
export async function podsOf(k: Invocation, object: KubeObject, what = 'cannot attach to'): Promise<KubeObject[]> {
  if (object.kind === 'Pod') return [object];
  const namespace = object.metadata.namespace ?? k.namespace;
  const selector = object['spec']?.selector;
  const { kind, metadata } = object;
  if (!POD_OWNERS.has(kind)) throw new CliError(`${what} *v1.${kind}: selector for *v1.${kind} not implemented`);
  if (!selector || Object.keys(selector).length === 0) {
    throw new CliError(
      `${what} *v1.${kind}: invalid service '${metadata.name}': Service is defined without a selector`,
    );
  }
  const list = await k.client.list({ ...PODS, namespace }, { labelSelector: selectorText(selector) });
  return list.items.map((pod) => ({ ...pod, apiVersion: 'v1', kind: 'Pod' }));
}

const isReady = (pod: KubeObject): boolean =>
  pod['status']?.conditions?.some(
    (each: { type: string; status: string }) => each.type === 'Ready' && each.status === 'True',
  ) ?? false;

/** Scheduled before not, running before pending, ready before not, then the one that is ready longest. */
export function bestFirst(pods: KubeObject[]): KubeObject[] {
  const rank = (pod: KubeObject) =>
    (pod['spec'].nodeName ? 0 : 4) + (pod['status']?.phase === 'Running' ? 0 : 2) + (isReady(pod) ? 0 : 1);
  return [...pods].sort(
    (a, b) =>
      rank(a) - rank(b) || (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''),
  );
}

interface Container {
  name: string;
}

const POD_WAIT_MS = 20_000;
const LOOK_AGAIN_MS = 500;

/** The pods of an object, the best first; waits a while for the first one to be made. */
export async function podsSoon(k: Invocation, object: KubeObject, what?: string): Promise<KubeObject[]> {
  const limit = k.clock.now() + (k.flags.duration('pod-running-timeout') || POD_WAIT_MS);
  for (;;) {
    const pods = bestFirst(await podsOf(k, object, what));
    if (pods.length > 0) return pods;
    if (k.clock.now() >= limit) throw new CliError('timed out waiting for the condition');
    await k.clock.sleep(LOOK_AGAIN_MS, k.context.signal);
  }
}

/** The container meant when none is named; says so when there was a choice. */
export async function defaultContainer(k: Invocation, pod: KubeObject): Promise<string> {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod['spec'] as Record<string, Container[]>;
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (annotated && containers.some((each) => each.name === annotated)) return annotated;
  const first = containers[0]?.name ?? '';
  if (containers.length + initContainers.length + ephemeralContainers.length > 1) {
    const names = [
      ...containers.map((each) => each.name),
      ...ephemeralContainers.map((each) => `${each.name} (ephem)`),
      ...initContainers.map((each) => `${each.name} (init)`),
    ];
    await k.err(`Defaulted container ${JSON.stringify(first)} out of: ${names.join(', ')}\n`);
  }
  return first;
}

export const allContainers = (pod: KubeObject): string[] =>
  ['initContainers', 'containers', 'ephemeralContainers'].flatMap((field) =>
    ((pod['spec'][field] ?? []) as Container[]).map((each) => each.name),
  );

export function refuseForeignContainer(pod: KubeObject, container: string): void {
  if (!allContainers(pod).includes(container)) {
    throw new CliError(`container ${container} is not valid for pod ${pod.metadata.name}`);
  }
}
