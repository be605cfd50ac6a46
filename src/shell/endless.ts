import { setImmediate as turn } from 'node:timers/promises';
import { UnreadableReader } from './pipe.ts';

const CHUNK_BYTES = 16 * 1024;
const FILL: Record<string, (chunk: Uint8Array<ArrayBuffer>) => Uint8Array> = {
  '/dev/zero': (chunk) => chunk,
  '/dev/random': (chunk) => crypto.getRandomValues(chunk),
  '/dev/urandom': (chunk) => crypto.getRandomValues(chunk),
};

/** A device that never ends. Every chunk waits a turn, so that who reads for ever can be interrupted. */
class EndlessReader extends UnreadableReader {
  readonly #fill: (chunk: Uint8Array<ArrayBuffer>) => Uint8Array;
  #front: Uint8Array[] = [];
  #cancelled = false;

  constructor(fill: (chunk: Uint8Array<ArrayBuffer>) => Uint8Array) {
    super();
    this.#fill = fill;
  }

  async read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    await turn();
    signal?.throwIfAborted();
    if (this.#cancelled) return undefined;
    return this.#front.shift() ?? this.#fill(new Uint8Array(CHUNK_BYTES));
  }
  cancel(): void {
    this.#cancelled = true;
  }
  unread(chunk: Uint8Array): void {
    this.#front.unshift(chunk);
  }
}

/** A reader of `/dev/zero`, `/dev/random` or `/dev/urandom`; undefined for other paths. */
export function endlessDevice(path: string): UnreadableReader | undefined {
  const fill = FILL[path];
  return fill && new EndlessReader(fill);
}
