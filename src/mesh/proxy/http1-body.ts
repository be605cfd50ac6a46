import { type Duplex, Readable } from 'node:stream';

/** A body as it comes in on a connection, which waits where nobody reads it. */
export class IncomingBody extends Readable {
  readonly #source: Duplex;
  readonly #onGivenUp: () => void;
  #complete = false;

  /** `onGivenUp` is called when it is destroyed before its end. */
  constructor(source: Duplex, onGivenUp: () => void) {
    super();
    this.#source = source;
    this.#onGivenUp = onGivenUp;
    this.on('error', () => {});
  }

  give(data: Buffer): void {
    if (!this.destroyed && !this.push(data)) this.#source.pause();
  }

  finish(): void {
    this.#complete = true;
    this.push(null);
    // Whatever comes next on this connection is somebody else's to wait for.
    this.#source.resume();
  }

  override _read(): void {
    if (!this.#complete) this.#source.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#complete) this.#onGivenUp();
    done(error);
  }
}
