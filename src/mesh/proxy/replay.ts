import { PassThrough, type Readable } from 'node:stream';

/** Bodies beyond this are not sent a second time. */
const MOST_BYTES = 64 * 1024;

/** A request's body that can be sent more than once, as long as it stays small. */
export class ReplayBody {
  readonly #source: Readable;
  #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;
  #current: PassThrough | undefined;

  constructor(source: Readable, onData: () => void = () => {}) {
    this.#source = source;
    source.on('data', (chunk: Buffer) => {
      onData();
      this.#size += chunk.length;
      if (this.canReplay) this.#chunks.push(chunk);
      else this.#chunks = [];
      if (this.#current?.write(chunk) === false) source.pause();
    });
    source.on('end', () => {
      this.#ended = true;
      this.#current?.end();
    });
    source.on('error', (error) => this.#current?.destroy(error));
    source.on('aborted', () => this.#current?.destroy(new Error('the client has gone')));
    source.pause();
  }

  get canReplay(): boolean {
    return this.#size <= MOST_BYTES;
  }

  /** The body from its beginning; what was handed out before is given up. Call only while {@link canReplay}. */
  open(): Readable {
    this.#current?.destroy();
    const out = new PassThrough();
    out.on('error', () => {});
    out.on('drain', () => this.#source.resume());
    for (const chunk of this.#chunks) out.write(chunk);
    this.#current = out;
    if (this.#ended) out.end();
    else this.#source.resume();
    return out;
  }
}
