/** What is due at an instant. */
export interface Due {
  /** Ms since the epoch. */
  readonly at: number;
  /** Decides between two of the same instant. */
  readonly order: number;
  /** Its place in the heap; -1 when it is not there. Kept by the heap. */
  index: number;
}

/** Timers, the next one first. Adding one, or taking any of them out, costs the logarithm of how many there are. */
export class TimerHeap<T extends Due> {
  #heap: T[] = [];

  get first(): T | undefined {
    return this.#heap[0];
  }

  add(entry: T): void {
    entry.index = this.#heap.length;
    this.#heap.push(entry);
    this.#up(entry.index);
  }

  /** Does nothing where it is not there. */
  remove(entry: T): void {
    const heap = this.#heap;
    const { index } = entry;
    if (index < 0) return;
    entry.index = -1;
    const last = heap.pop()!;
    if (index === heap.length) return;
    heap[index] = last;
    last.index = index;
    this.#up(index);
    this.#down(index);
  }

  clear(): void {
    for (const entry of this.#heap) entry.index = -1;
    this.#heap = [];
  }

  #up(from: number): void {
    const heap = this.#heap;
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!isSooner(heap[i]!, heap[parent]!)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #down(from: number): void {
    const heap = this.#heap;
    for (let i = from; ; ) {
      const left = 2 * i + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const child = right < heap.length && isSooner(heap[right]!, heap[left]!) ? right : left;
      if (!isSooner(heap[child]!, heap[i]!)) return;
      this.#swap(i, child);
      i = child;
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    const [one, other] = [heap[a]!, heap[b]!];
    heap[a] = other;
    other.index = a;
    heap[b] = one;
    one.index = b;
  }
}

const isSooner = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
