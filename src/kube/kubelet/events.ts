import type { Clock } from '#base/clock.ts';
import { timeSuffix } from '#base/ids.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';

const EVENTS = { group: '', version: 'v1', resource: 'events' } as const;
/** Repeated events become one with a count; so many kinds of them are remembered for a pod. */
const REMEMBERED = 100;

interface Told {
  name: Promise<string | undefined>;
  count: number;
}

/** Records the kubelet's events about one pod. What is told again is counted. Source: client-go/tools/record. */
export class PodEvents {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #node: string;
  readonly #told = new Map<string, Told>();

  constructor(client: KubeClient, clock: Clock, node: string) {
    this.#client = client;
    this.#clock = clock;
    this.#node = node;
  }

  /** `field` names the container: `spec.containers{web}`. Failing to record is no reason to fail the work. */
  tell(pod: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, field?: string): void {
    const key = `${type}/${reason}/${field}/${message}`;
    const before = this.#told.get(key);
    if (before) {
      before.count++;
      void this.#again(pod, before);
      return;
    }
    if (this.#told.size >= REMEMBERED) this.#told.clear();
    this.#told.set(key, { count: 1, name: this.#create(pod, type, reason, message, field) });
  }

  async #create(
    pod: KubeObject,
    type: string,
    reason: string,
    message: string,
    field: string | undefined,
  ): Promise<string | undefined> {
    const { name, namespace, uid, resourceVersion } = pod.metadata;
    const at = this.#now();
    const made = await this.#client
      .create(
        { ...EVENTS, namespace: namespace! },
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: `${name}.${timeSuffix(this.#clock.now())}`, namespace: namespace! },
          involvedObject: {
            kind: 'Pod',
            namespace,
            name,
            uid,
            apiVersion: 'v1',
            resourceVersion,
            ...(field ? { fieldPath: field } : {}),
          },
          reason,
          message,
          source: { component: 'kubelet', host: this.#node },
          firstTimestamp: at,
          lastTimestamp: at,
          count: 1,
          type,
          eventTime: null,
          reportingComponent: 'kubelet',
          reportingInstance: this.#node,
        },
      )
      .catch(() => undefined);
    return made?.metadata.name;
  }

  async #again(pod: KubeObject, told: Told): Promise<void> {
    const { count } = told;
    const name = await told.name;
    if (name === undefined || told.count !== count) return;
    await this.#client
      .patch({ ...EVENTS, namespace: pod.metadata.namespace! }, name, 'merge', { count, lastTimestamp: this.#now() })
      .catch(() => {});
  }

  #now(): string {
    return rfc3339(this.#clock.now());
  }
}
