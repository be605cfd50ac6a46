import { availableParallelism } from 'node:os';

/** Sessions that are proved at once. They wait about as much as they work. */
export const SESSIONS_AT_ONCE = Math.max(3, 2 * availableParallelism());

/** Lets so many jobs run at once; the others wait in the order in which they came. */
export class Pool {
  readonly #size: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#size) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#running++;
    try {
      return await job();
    } finally {
      // Whoever waits takes this place; the number that run stays.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
