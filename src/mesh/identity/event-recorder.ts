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
  resourceVersion?: string;
}

interface Seen {
  name: string;
  count: number;
}
interface Similar {
  messages: Set<string>;
  last: number;
}
interface Bucket {
  tokens: number;
  at: number;
}

/** Bounds what is remembered of earlier events (client-go's correlator keeps 4096). */
const MOST_REMEMBERED = 512;
/** So many different messages for one reason and object, each within this time of the one before, are told as one. */
const SIMILAR = 10;
const SIMILAR_WITHIN_MS = 600_000;
/** Events of one type about one object: so many at once, and then one in five minutes. */
const BURST = 25;
const REFILL_MS = 300_000;

/**
 * Writes core/v1 Events as client-go's recorder does (tools/record/events_cache.go): the same words about the same object
 * again raise the count of the first; many different ones become `(combined from similar events)`; more than an object
 * may have are dropped. Events are written one after the other; failures are dropped, an event is never worth more.
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #component: string;
  readonly #seen = new Map<string, Seen>();
  readonly #similar = new Map<string, Similar>();
  readonly #buckets = new Map<string, Bucket>();
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
    const { apiVersion, kind, uid = '' } = about;
    // No part has a newline in it but the message, which is the last.
    const whom = `${apiVersion}\n${kind}\n${about.namespace ?? ''}\n${about.name}\n${uid}\n${type}`;
    const isCombined = this.#isOneOfMany(`${whom}\n${reason}`, message);
    const words = isCombined ? `(combined from similar events): ${message}` : message;
    const key = isCombined ? `${whom}\n${reason}` : `${whom}\n${reason}\n${message}`;
    if (!this.#mayTell(whom)) return;

    const namespace = about.namespace ?? 'default';
    const target: Target = { group: '', version: 'v1', resource: 'events', namespace };
    const stamp = rfc3339(this.#clock.now());
    const known = this.#seen.get(key);
    if (known) {
      known.count++;
      try {
        const changed = { count: known.count, lastTimestamp: stamp, ...(isCombined ? { message: words } : {}) };
        await this.#client.patch(target, known.name, 'strategic', changed);
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
      involvedObject: about,
      reason,
      message: words,
      source: { component: this.#component },
      firstTimestamp: stamp,
      lastTimestamp: stamp,
      count: 1,
      type,
      eventTime: null,
      reportingComponent: this.#component,
      reportingInstance: '',
    });
    remember(this.#seen, key, { name, count: 1 });
  }

  #isOneOfMany(key: string, message: string): boolean {
    const now = this.#clock.now();
    const before = this.#similar.get(key);
    const similar =
      before && now - before.last <= SIMILAR_WITHIN_MS ? before : { messages: new Set<string>(), last: now };
    similar.last = now;
    similar.messages.add(message);
    remember(this.#similar, key, similar);
    if (similar.messages.size < SIMILAR) return false;
    const [any] = similar.messages;
    similar.messages.delete(any!);
    return true;
  }

  #mayTell(key: string): boolean {
    const now = this.#clock.now();
    const { tokens, at } = this.#buckets.get(key) ?? { tokens: BURST, at: now };
    const filled = Math.min(BURST, tokens + (now - at) / REFILL_MS);
    remember(this.#buckets, key, { tokens: filled < 1 ? filled : filled - 1, at: now });
    return filled >= 1;
  }
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (!map.has(key) && map.size >= MOST_REMEMBERED) map.delete(map.keys().next().value as string);
  map.set(key, value);
}
