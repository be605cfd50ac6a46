import type { Clock } from '#base/clock.ts';
import { timeSuffix } from '#base/ids.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';

const MOST_REMEMBERED = 256;

/** Writes Events about objects; the same words about the same object raise the count of the first. None is worth a failure. */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #component: string;
  readonly #known = new Map<string, { name: string; count: number }>();
  #tail: Promise<void> = Promise.resolve();

  constructor(client: KubeClient, clock: Clock, component: string) {
    this.#client = client;
    this.#clock = clock;
    this.#component = component;
  }

  record(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const at = this.#clock.now();
    this.#tail = this.#tail.then(() => this.#write(about, type, reason, message, at)).catch(() => {});
  }

  async #write(about: KubeObject, type: string, reason: string, message: string, at: number): Promise<void> {
    const { name = '', namespace, uid } = about.metadata;
    const target = { group: '', version: 'v1', resource: 'events', namespace: namespace ?? 'default' };
    const stamp = rfc3339(at);
    const key = JSON.stringify([uid, type, reason, message]);
    const known = this.#known.get(key);
    if (known) {
      known.count++;
      try {
        await this.#client.patch(target, known.name, 'merge', { count: known.count, lastTimestamp: stamp });
        return;
      } catch {
        // It has expired: said anew.
        this.#known.delete(key);
      }
    }
    const made = `${name}.${timeSuffix(at)}`;
    await this.#client.create(target, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: made, namespace: target.namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name,
        ...(namespace ? { namespace } : {}),
        ...(uid ? { uid } : {}),
      },
      reason,
      message,
      type,
      source: { component: this.#component },
      firstTimestamp: stamp,
      lastTimestamp: stamp,
      count: 1,
      eventTime: null,
      reportingComponent: this.#component,
      reportingInstance: '',
    });
    if (this.#known.size >= MOST_REMEMBERED) this.#known.delete(this.#known.keys().next().value as string);
    this.#known.set(key, { name: made, count: 1 });
  }
}
