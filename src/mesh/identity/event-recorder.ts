import type { Clock } from '#base/clock.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';

/** Whom an event is about. */
export interface ObjectReference {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
  uid?: string;
}

interface Seen {
  name: string;
  count: number;
}

/** Bounds what is remembered of earlier events (client-go's correlator keeps 4096). */
const MOST_REMEMBERED = 512;

/**
 * Writes core/v1 Events as client-go's recorder does: the same words about the same object again raise the count of the
 * first. Events are written one after the other; failures are dropped, an event is never worth more.
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #component: string;
  readonly #seen = new Map<string, Seen>();
  #tail: Promise<void> = Promise.resolve();
  #order = 0;

  constructor(options: { client: KubeClient; clock: Clock; component: string }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#component = options.component;
  }

  record(about: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#tail = this.#tail.then(() => this.#write(about, type, reason, message)).catch(() => {});
  }

  /** Resolves when everything recorded so far is written. */
  settled(): Promise<void> {
    return this.#tail;
  }

  async #write(about: ObjectReference, type: string, reason: string, message: string): Promise<void> {
    const namespace = about.namespace ?? 'default';
    const target: Target = { group: '', version: 'v1', resource: 'events', namespace };
    const stamp = rfc3339(this.#clock.now());
    const key = JSON.stringify([about, type, reason, message]);
    const known = this.#seen.get(key);
    if (known) {
      known.count++;
      try {
        await this.#client.patch(target, known.name, 'strategic', { count: known.count, lastTimestamp: stamp });
        return;
      } catch {
        this.#seen.delete(key);
      }
    }
    const suffix = (BigInt(Math.floor(this.#clock.now() * 1e6)) + BigInt(this.#order++)).toString(16);
    const name = `${about.name}.${suffix}`;
    await this.#client.create(target, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: { ...about, ...(about.namespace ? {} : {}) },
      reason,
      message,
      source: { component: this.#component },
      firstTimestamp: stamp,
      lastTimestamp: stamp,
      count: 1,
      type,
      eventTime: null,
      reportingComponent: this.#component,
      reportingInstance: '',
    });
    if (this.#seen.size >= MOST_REMEMBERED) this.#seen.delete(this.#seen.keys().next().value as string);
    this.#seen.set(key, { name, count: 1 });
  }
}
