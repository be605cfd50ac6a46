import type { Clock } from '#base/clock.ts';
import { timeSuffix } from '#base/ids.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject, OwnerReference } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { Informer } from '#kube/client/informer.ts';

export const TARGETS = {
  pods: { group: '', version: 'v1', resource: 'pods' },
  nodes: { group: '', version: 'v1', resource: 'nodes' },
  services: { group: '', version: 'v1', resource: 'services' },
  endpoints: { group: '', version: 'v1', resource: 'endpoints' },
  namespaces: { group: '', version: 'v1', resource: 'namespaces' },
  persistentvolumes: { group: '', version: 'v1', resource: 'persistentvolumes' },
  persistentvolumeclaims: { group: '', version: 'v1', resource: 'persistentvolumeclaims' },
  configmaps: { group: '', version: 'v1', resource: 'configmaps' },
  secrets: { group: '', version: 'v1', resource: 'secrets' },
  serviceaccounts: { group: '', version: 'v1', resource: 'serviceaccounts' },
  events: { group: '', version: 'v1', resource: 'events' },
  endpointslices: { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' },
  deployments: { group: 'apps', version: 'v1', resource: 'deployments' },
  replicasets: { group: 'apps', version: 'v1', resource: 'replicasets' },
  statefulsets: { group: 'apps', version: 'v1', resource: 'statefulsets' },
  daemonsets: { group: 'apps', version: 'v1', resource: 'daemonsets' },
  controllerrevisions: { group: 'apps', version: 'v1', resource: 'controllerrevisions' },
  jobs: { group: 'batch', version: 'v1', resource: 'jobs' },
  cronjobs: { group: 'batch', version: 'v1', resource: 'cronjobs' },
  clusterroles: { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles' },
  quotas: { group: '', version: 'v1', resource: 'resourcequotas' },
  storageclasses: { group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses' },
  budgets: { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets' },
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;

/** The same event about the same object within ten minutes is one that is counted. Source: client-go/tools/record. */
const SAME_STORY_MS = 600_000;
const REMEMBERED = 500;
const COUNT_EVERY_MS = 500;

interface Told {
  name: Promise<string | undefined>;
  namespace: string;
  count: number;
  at: number;
  writing?: boolean;
}

/** What every controller shares: the client, the clock, one informer a kind, and how events are recorded. */
export class ControllerContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly #informers = new Map<TargetName, Informer>();
  readonly #told = new Map<string, Told>();

  constructor(client: KubeClient, clock: Clock) {
    this.client = client;
    this.clock = clock;
  }

  informer(name: TargetName): Informer {
    let informer = this.#informers.get(name);
    if (!informer) {
      informer = new Informer(this.client, TARGETS[name])
        .addIndex('namespace', ({ metadata }) => [metadata.namespace ?? ''])
        .addIndex('controller', ({ metadata }) => controllerOf(metadata.ownerReferences)?.uid.split(',') ?? []);
      this.#informers.set(name, informer);
    }
    return informer;
  }

  async start(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.start()));
  }

  stop(): void {
    for (const informer of this.#informers.values()) informer.stop();
  }

  now(): string {
    return rfc3339(this.clock.now());
  }

  target(name: TargetName, namespace: string | undefined): Target {
    return namespace ? { ...TARGETS[name], namespace } : TARGETS[name];
  }

  /** Writes the status of an object when it differs. Returns what is stored. */
  async putStatus(name: TargetName, object: KubeObject, status: unknown): Promise<KubeObject> {
    if (JSON.stringify(object.status ?? {}) === JSON.stringify(status)) return object;
    return this.client.update(
      this.target(name, object.metadata.namespace),
      { ...object, status },
      { subresource: 'status', fieldManager: MANAGER },
    );
  }

  /** Removes an object; that it is gone already is fine. */
  async remove(name: TargetName, object: KubeObject): Promise<void> {
    const { uid } = object.metadata;
    await this.client
      .delete(
        this.target(name, object.metadata.namespace),
        object.metadata.name!,
        uid ? { preconditions: { uid } } : {},
      )
      .catch(ignoreGone);
  }

  /** Records an event about an object. Failing to do so is no reason to fail the work. */
  event(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, component: string): void {
    const key = `${object.metadata.uid}/${reason}/${message}`;
    const known = this.#told.get(key);
    if (known && known.at > this.clock.now() - SAME_STORY_MS) {
      known.count++;
      known.at = this.clock.now();
      void this.#again(known);
      return;
    }
    if (this.#told.size >= REMEMBERED) this.#told.delete(this.#told.keys().next().value!);
    const name = this.#record(object, type, reason, message, component);
    this.#told.set(key, { name, count: 1, at: this.clock.now(), namespace: object.metadata.namespace ?? 'default' });
  }

  /** What was told before is told again: one write for all that happened until it is made. */
  async #again(told: Told): Promise<void> {
    if (told.writing) return;
    told.writing = true;
    await this.clock.sleep(COUNT_EVERY_MS);
    told.writing = false;
    const name = await told.name;
    if (name === undefined) return;
    await this.client
      .patch(this.target('events', told.namespace), name, 'merge', { count: told.count, lastTimestamp: this.now() })
      .catch(() => {});
  }

  async #record(
    object: KubeObject,
    type: string,
    reason: string,
    message: string,
    component: string,
  ): Promise<string | undefined> {
    const at = this.now();
    const namespace = object.metadata.namespace ?? 'default';
    const made = await this.client
      .create(this.target('events', namespace), {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `${object.metadata.name}.${timeSuffix(this.clock.now())}`, namespace },
        involvedObject: {
          kind: object.kind,
          ...(object.metadata.namespace ? { namespace: object.metadata.namespace } : {}),
          name: object.metadata.name,
          uid: object.metadata.uid,
          apiVersion: object.apiVersion,
          resourceVersion: object.metadata.resourceVersion,
        },
        reason,
        message,
        source: { component },
        firstTimestamp: at,
        lastTimestamp: at,
        count: 1,
        type,
        eventTime: null,
        reportingComponent: component,
        reportingInstance: '',
      })
      .catch(() => undefined);
    return made?.metadata.name;
  }
}

export const MANAGER = 'kube-controller-manager';

export const controllerOf = (owners: OwnerReference[] | undefined): OwnerReference | undefined =>
  owners?.find((owner) => owner.controller);

export function ignoreGone(error: unknown): void {
  if (error instanceof StatusError && error.code === 404) return;
  throw error;
}

export const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

export function splitKey(key: string): [namespace: string, name: string] {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}

export const isActive = (pod: KubeObject): boolean =>
  !pod.metadata.deletionTimestamp && !['Succeeded', 'Failed'].includes(pod.status?.phase);

export const isReady = (pod: KubeObject): boolean => conditionOf(pod, 'Ready')?.status === 'True';

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: KubeObject, minReadySeconds: number, nowMs: number): boolean {
  const ready = conditionOf(pod, 'Ready');
  if (ready?.status !== 'True') return false;
  return minReadySeconds === 0 || Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1000 <= nowMs;
}

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
}

export const conditionOf = (object: KubeObject, type: string): Condition | undefined =>
  (object.status?.conditions as Condition[] | undefined)?.find((condition) => condition.type === type);
