const MOST_GONE = 256;

/** What a container printed, by line with its time, up to a limit; the oldest goes first. */
export class LogBuffer {
  #lines: { at: number; text: string }[] = [];
  /** Where the oldest line is: those before it are gone, and leave the list many at a time. */
  #first = 0;
  readonly #listeners = new Set<() => void>();
  readonly #decoder = new TextDecoder();
  #partial = '';
  #bytes = 0;
  #dropped = 0;
  #ended = false;

  static readonly LIMIT_BYTES = 256 * 1024;

  get ended(): boolean {
    return this.#ended;
  }

  append(data: Uint8Array | string, at: number): void {
    // What programs mostly print: one whole line.
    if (typeof data === 'string' && this.#partial === '' && data !== '' && data.indexOf('\n') === data.length - 1) {
      this.#push(data.slice(0, -1), at);
      this.#tell();
      return;
    }
    const text = this.#partial + (typeof data === 'string' ? data : this.#decoder.decode(data, { stream: true }));
    const parts = text.split('\n');
    this.#partial = parts.pop()!;
    // A line without end does not grow for ever; a runtime cuts it as well.
    if (this.#partial.length > 16 * 1024) {
      parts.push(this.#partial);
      this.#partial = '';
    }
    for (const line of parts) this.#push(line, at);
    if (parts.length > 0) this.#tell();
  }

  end(at: number): void {
    if (this.#partial) this.#push(this.#partial, at);
    this.#partial = '';
    this.#ended = true;
    this.#tell();
  }

  /** Number of the line after the newest, counted from the first ever. */
  get next(): number {
    return this.#dropped + this.#lines.length - this.#first;
  }

  /** Lines from a number on that are still kept. */
  from(number: number): { at: number; text: string }[] {
    return this.#lines.slice(this.#first + Math.max(0, number - this.#dropped));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #push(text: string, at: number): void {
    this.#lines.push({ at, text });
    this.#bytes += text.length + 1;
    while (this.#bytes > LogBuffer.LIMIT_BYTES && this.#lines.length - this.#first > 1) {
      this.#bytes -= this.#lines[this.#first++]!.text.length + 1;
      this.#dropped++;
    }
    if (this.#first > MOST_GONE) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
  }
  #tell(): void {
    if (this.#listeners.size > 0) for (const listener of [...this.#listeners]) listener();
  }
}
