import type { Clock } from '#base/clock.ts';
import { isAbort } from '#base/errors.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Trigger } from './check.ts';

type WatchTrigger = Extract<Trigger, { resource: string }>;

/** A watch that ended is opened again after this long. */
const AGAIN_MS = 1_000;

/** Tells interested checks that something changed. One watch a resource, however many checks look at it. */
export class Triggers {
  readonly #client: KubeClient;
  readonly #wall: Clock;
  readonly #abort = new AbortController();
  readonly #watches = new Map<string, Set<() => void>>();
  /** Listeners of what the session itself tells: answers and files. */
  readonly #told = new Map<string, Set<() => void>>();

  /** `wall` paces the periodic ones: a person waits on the wall's clock. */
  constructor(client: KubeClient, wall: Clock) {
    this.#client = client;
    this.#wall = wall;
  }

  add(trigger: Trigger, onChange: () => void): void {
    if ('everyMs' in trigger) {
      const timer = this.#wall.setInterval(onChange, trigger.everyMs);
      this.#abort.signal.addEventListener('abort', () => timer.cancel(), { once: true });
      return;
    }
    if ('answer' in trigger || 'file' in trigger) {
      const key = 'answer' in trigger ? `answer ${trigger.answer}` : `file ${trigger.file}`;
      const listeners = this.#told.get(key) ?? new Set();
      this.#told.set(key, listeners.add(onChange));
      return;
    }
    const key = `${trigger.group}/${trigger.version}/${trigger.resource}/${trigger.namespace ?? ''}`;
    const known = this.#watches.get(key);
    if (known) {
      known.add(onChange);
      return;
    }
    const listeners = new Set([onChange]);
    this.#watches.set(key, listeners);
    void this.#watch(trigger, listeners);
  }

  /** The session tells of an answer or a file. */
  tell(key: `answer ${string}` | `file ${string}`): void {
    for (const listener of this.#told.get(key) ?? []) listener();
  }

  close(): void {
    this.#abort.abort(new DOMException('closed', 'AbortError'));
  }

  async #watch(trigger: WatchTrigger, listeners: Set<() => void>): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const { metadata } = await this.#client.list(trigger, { signal });
        for (const listener of listeners) listener();
        const from = metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {};
        for await (const event of this.#client.watch(trigger, { signal, ...from })) {
          if (event.type === 'ERROR') break;
          if (event.type !== 'BOOKMARK') for (const listener of listeners) listener();
        }
      } catch (error) {
        // A kind that is not served (yet) is asked for again: its CRD may come later.
        if (isAbort(error) || signal.aborted) return;
      }
      await this.#wall.sleep(AGAIN_MS, signal).catch(() => {});
    }
  }
}
