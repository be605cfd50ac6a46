/** Lines kept, as bash's HISTSIZE. */
const MOST = 1_000;

/**
 * The command lines of a learner, oldest first, shared by all terminals. A line equal to the one before it, and one that starts with
 * a blank, is not kept (bash's `ignoreboth`).
 */
export class History {
  readonly #lines: string[];
  /** Number of the oldest line, as `history` counts. */
  #first = 1;
  readonly #onLine: (line: string) => void;

  constructor(lines: readonly string[], onLine: (line: string) => void) {
    this.#lines = lines.slice(-MOST);
    this.#onLine = onLine;
  }

  get length(): number {
    return this.#lines.length;
  }

  add(line: string): void {
    if (line.trim() === '' || line.startsWith(' ') || line === this.#lines.at(-1)) return;
    this.#lines.push(line);
    this.#onLine(line);
    if (this.#lines.length <= MOST) return;
    this.#lines.shift();
    this.#first++;
  }

  /** The line at an index from 0; undefined outside. */
  at(index: number): string | undefined {
    return this.#lines[index];
  }

  clear(): void {
    this.#lines.length = 0;
    this.#first = 1;
  }

  /** `[number, line]` as `history` lists them, the last `count` only. */
  numbered(count = this.#lines.length): [number, string][] {
    const from = Math.max(0, this.#lines.length - count);
    return this.#lines.slice(from).map((line, i) => [this.#first + from + i, line]);
  }

  /** The line with that number; negative counts from the end. */
  byNumber(number: number): string | undefined {
    return number < 0 ? this.#lines.at(number) : this.#lines[number - this.#first];
  }

  /** The newest line before `before` that holds `text`; its index, or -1. */
  search(text: string, before = this.#lines.length): number {
    for (let i = Math.min(before, this.#lines.length) - 1; i >= 0; i--) if (this.#lines[i]!.includes(text)) return i;
    return -1;
  }

  searchForward(text: string, after: number): number {
    for (let i = after + 1; i < this.#lines.length; i++) if (this.#lines[i]!.includes(text)) return i;
    return -1;
  }

  startingWith(text: string): string | undefined {
    return this.#lines.findLast((line) => line.startsWith(text));
  }
}
