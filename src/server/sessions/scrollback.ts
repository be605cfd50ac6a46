/** What one terminal printed, kept up to a limit, addressed by the offset from the terminal's first character. */
export class Scrollback {
  #chunks: string[] = [];
  #kept = 0;
  #end: number;
  readonly #limit: number;

  /** `start` is the offset of the first character. Two lives of one terminal must not share offsets, or a page that
   *  knew the first would take up the second in its middle. */
  constructor(limit = 256 * 1024, start = 0) {
    this.#limit = limit;
    this.#end = start;
  }

  /** Offset after the last character. */
  get end(): number {
    return this.#end;
  }

  /** Returns the offset at which `data` begins. */
  append(data: string): number {
    const offset = this.#end;
    this.#chunks.push(data);
    this.#kept += data.length;
    this.#end += data.length;
    while (this.#kept > this.#limit && this.#chunks.length > 1) this.#kept -= this.#chunks.shift()!.length;
    if (this.#chunks.length > 4096) this.#chunks = [this.#chunks.join('')];
    return offset;
  }

  /** What came after `offset`; `reset` is true when that is no longer all there, and everything kept is returned. */
  since(offset: number): { offset: number; data: string; reset: boolean } {
    const oldest = this.#end - this.#kept;
    const all = this.#chunks.join('');
    if (offset < oldest || offset > this.#end) return { offset: oldest, data: all, reset: true };
    return { offset, data: all.slice(offset - oldest), reset: false };
  }
}
