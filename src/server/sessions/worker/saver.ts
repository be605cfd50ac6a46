import type { Clock, Timer } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';

const NAMESPACES = { group: '', version: 'v1', resource: 'namespaces' } as const;
/** While the learner works, a changed cluster is saved this often. */
const BUSY_EVERY_MS = 1_500;
/** What changes by itself (leases, renewals) is saved this often. */
const QUIET_EVERY_MS = 20_000;
/** How long after the last message the learner counts as working. */
const BUSY_FOR_MS = 10_000;

/** Decides when the clusters are worth saving: a moment after one changed, seldom when nobody works in them. */
export class Saver {
  readonly #o: { clients: KubeClient[]; wall: Clock; save: () => Promise<void>; signal: AbortSignal };
  readonly #timer: Timer;
  #touchedAt: number;
  #savedAt = 0;
  #savedVersion = '';
  #saving = false;

  constructor(options: { clients: KubeClient[]; wall: Clock; save: () => Promise<void>; signal: AbortSignal }) {
    this.#o = options;
    this.#touchedAt = options.wall.now();
    this.#timer = options.wall.setInterval(() => void this.#look(), BUSY_EVERY_MS);
    options.signal.addEventListener('abort', () => this.#timer.cancel(), { once: true });
  }

  /** The learner did something. */
  touched(): void {
    this.#touchedAt = this.#o.wall.now();
  }

  async #look(): Promise<void> {
    const { clients, wall, save, signal } = this.#o;
    const now = wall.now();
    const due = now - this.#touchedAt < BUSY_FOR_MS ? BUSY_EVERY_MS : QUIET_EVERY_MS;
    if (this.#saving || now - this.#savedAt < due) return;
    this.#saving = true;
    try {
      const lists = await Promise.all(clients.map((client) => client.list(NAMESPACES, { limit: 1 })));
      const version = lists.map(({ metadata }) => metadata.resourceVersion ?? '').join(' ');
      if (version !== this.#savedVersion && !signal.aborted) {
        await save();
        this.#savedVersion = version;
        this.#savedAt = now;
      }
    } catch {
      // A cluster that can't be read now is tried again at the next turn.
    } finally {
      this.#saving = false;
    }
  }
}
