import { discard, readerOf, type UnreadableReader } from './pipe.ts';
import type { ByteWriter, Tty } from './stdio.ts';

/** What a descriptor stands for. Shared by all descriptors that were duplicated from it; closed with the last of them. */
export class OpenFile {
  readonly reader: UnreadableReader | undefined;
  readonly writer: ByteWriter | undefined;
  readonly tty: Tty | undefined;
  readonly #onClose: (() => void) | undefined;
  #references = 1;

  constructor(o: { reader?: UnreadableReader; writer?: ByteWriter; tty?: Tty | undefined; onClose?: () => void }) {
    this.reader = o.reader;
    this.writer = o.writer;
    this.tty = o.tty;
    this.#onClose = o.onClose;
  }

  retain(): this {
    this.#references++;
    return this;
  }
  release(): void {
    if (--this.#references === 0) this.#onClose?.();
  }
}

/** The read end of a pipe or file that belongs to the shell. */
export function readEnd(reader: UnreadableReader): OpenFile {
  return new OpenFile({ reader, onClose: () => reader.cancel() });
}
/** The write end. */
export function writeEnd(writer: ByteWriter): OpenFile {
  return new OpenFile({ writer, onClose: () => writer.end() });
}
/** /dev/null */
export function nullFile(): OpenFile {
  return new OpenFile({ reader: readerOf(''), writer: discard });
}

/** The descriptors of one shell process. */
export class Descriptors {
  readonly #table = new Map<number, OpenFile>();

  get(fd: number): OpenFile | undefined {
    return this.#table.get(fd);
  }
  /** Takes over the caller's reference. */
  put(fd: number, file: OpenFile | undefined): void {
    const old = this.#table.get(fd);
    if (file) this.#table.set(fd, file);
    else this.#table.delete(fd);
    old?.release();
  }
  /** Replaces without closing what was there; the returned function brings it back. */
  swap(fd: number, file: OpenFile | undefined): () => void {
    const old = this.#table.get(fd);
    if (file) this.#table.set(fd, file);
    else this.#table.delete(fd);
    return () => {
      this.#table.get(fd)?.release();
      if (old) this.#table.set(fd, old);
      else this.#table.delete(fd);
    };
  }
  /** The lowest free descriptor from `from` on. */
  free(from: number): number {
    let fd = from;
    while (this.#table.has(fd)) fd++;
    return fd;
  }
  copy(): Descriptors {
    const copy = new Descriptors();
    for (const [fd, file] of this.#table) copy.#table.set(fd, file.retain());
    return copy;
  }
  closeAll(): void {
    for (const file of this.#table.values()) file.release();
    this.#table.clear();
  }
}
