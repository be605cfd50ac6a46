import { availableParallelism } from 'node:os';

/** Sessions that are proved at once. They wait about as much as they work. */
export const SESSIONS_AT_ONCE = Math.max(3, 2 * availableParallelism());

/**
 * Lets so many jobs run at once. Of those that wait, the next is one of whose kind the fewest run, so that the heavy
 * sessions of one lab do not all run together; among these the one that came first.
 */
export class Pool {
  readonly #size: number;
  readonly #running = new Map<string, number>();
  #total = 0;
  readonly #waiting: { kind: string; go: () => void }[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  async run<T>(kind: string, job: () => Promise<T>): Promise<T> {
    // Jobs that are asked for at the same moment are all known before the first is chosen.
    await new Promise<void>((go) => {
      this.#waiting.push({ kind, go });
      setImmediate(() => this.#fill());
    });
    try {
      return await job();
    } finally {
      this.#total--;
      this.#running.set(kind, this.#of(kind) - 1);
      this.#fill();
    }
  }

  #of(kind: string): number {
    return this.#running.get(kind) ?? 0;
  }

  #fill(): void {
    while (this.#total < this.#size && this.#waiting.length > 0) {
      const least = Math.min(...this.#waiting.map(({ kind }) => this.#of(kind)));
      const at = this.#waiting.findIndex(({ kind }) => this.#of(kind) === least);
      const [next] = this.#waiting.splice(at, 1);
      this.#total++;
      this.#running.set(next!.kind, least + 1);
      next!.go();
    }
  }
}
