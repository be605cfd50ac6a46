import type { Places } from './places.ts';

/**
 * Lets so many jobs run at once. Of those that wait, the next is one of whose kind the fewest run, so that the heavy
 * sessions of one lab do not all run together; among these the one that came first.
 */
export class Pool {
  readonly #places: Pick<Places, 'size'>;
  readonly #running = new Map<string, number>();
  #total = 0;
  readonly #waiting: { kind: string; go: (begins: boolean) => void }[] = [];
  #drained = false;

  constructor(places: Pick<Places, 'size'> & Partial<Pick<Places, 'onMore' | 'taken'>>) {
    this.#places = places;
    places.onMore = () => this.#fill();
    places.taken = () => this.#total;
  }

  /** Resolves with undefined when the pool was drained before the job's turn came. */
  async run<T>(kind: string, job: () => Promise<T>): Promise<T | undefined> {
    // Jobs that are asked for at the same moment are all known before the first is chosen.
    const begins = await new Promise<boolean>((go) => {
      this.#waiting.push({ kind, go });
      setImmediate(() => this.#fill());
    });
    if (!begins) return undefined;
    try {
      return await job();
    } finally {
      this.#total--;
      this.#running.set(kind, this.#of(kind) - 1);
      this.#fill();
    }
  }

  /** No other job begins; those that run go on. */
  drain(): void {
    this.#drained = true;
    for (const { go } of this.#waiting.splice(0)) go(false);
  }

  #of(kind: string): number {
    return this.#running.get(kind) ?? 0;
  }

  #fill(): void {
    if (this.#drained) return this.drain();
    while (this.#total < this.#places.size && this.#waiting.length > 0) {
      const least = Math.min(...this.#waiting.map(({ kind }) => this.#of(kind)));
      const at = this.#waiting.findIndex(({ kind }) => this.#of(kind) === least);
      const [next] = this.#waiting.splice(at, 1);
      this.#total++;
      this.#running.set(next!.kind, least + 1);
      next!.go(true);
    }
  }
}
