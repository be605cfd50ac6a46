import type { ByteReader } from './stdio.ts';

/** What somebody pushed and a program has not read yet. */
export class Inbox implements ByteReader {
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#wake?.();
  }
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
  async read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && !this.#ended) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return this.#chunks.shift();
  }
  cancel(): void {
    this.#chunks.length = 0;
    this.end();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.read(); chunk; chunk = await this.read()) yield chunk;
  }
}
