import type { ByteReader, ByteWriter } from './stdio.ts';

/** What a pipe holds before a writer waits; Linux's size. */
const PIPE_BYTES = 64 * 1024;
/** What a collector keeps; the rest of the output is refused with a clear error. */
const COLLECTED_BYTES = 64 * 1024 * 1024;

const encoder = new TextEncoder();

/** Error of a write whose reader is gone. */
export function brokenPipe(): Error {
  return Object.assign(new Error('Broken pipe'), { code: 'EPIPE' });
}

export function isBrokenPipe(error: unknown): boolean {
  return (error as { code?: string } | undefined)?.code === 'EPIPE';
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? encoder.encode(data) : data;
}

/** A reader whose unread rest can be put back, so that `read` takes a line and leaves the next one to others. */
export abstract class UnreadableReader implements ByteReader {
  abstract read(signal?: AbortSignal): Promise<Uint8Array | undefined>;
  abstract cancel(): void;
  /** Puts bytes back in front of what comes next. */
  abstract unread(chunk: Uint8Array): void;

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let chunk = await this.read(); chunk; chunk = await this.read()) yield chunk;
  }
}

/** Both ends of a pipe: chunks in a queue, a writer that waits while it is full, a reader that waits while it is empty. */
class Pipe extends UnreadableReader implements ByteWriter {
  readonly #capacity: number;
  #queue: Uint8Array[] = [];
  #size = 0;
  #ended = false;
  #cancelled = false;
  #waitingReaders: (() => void)[] = [];
  #waitingWriters: (() => void)[] = [];

  constructor(capacity: number) {
    super();
    this.#capacity = capacity;
  }

  async write(data: Uint8Array | string): Promise<void> {
    if (this.#cancelled || this.#ended) throw brokenPipe();
    const chunk = bytesOf(data);
    if (chunk.length > 0) {
      this.#queue.push(chunk);
      this.#size += chunk.length;
      this.#wake('readers');
    }
    while (this.#size > this.#capacity) {
      if (this.#cancelled) throw brokenPipe();
      await new Promise<void>((resolve) => this.#waitingWriters.push(resolve));
    }
    if (this.#cancelled) throw brokenPipe();
  }

  end(): void {
    this.#ended = true;
    this.#wake('readers');
  }

  async read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      if (signal?.aborted) throw signal.reason;
      const chunk = this.#queue.shift();
      if (chunk) {
        this.#size -= chunk.length;
        if (this.#size <= this.#capacity) this.#wake('writers');
        return chunk;
      }
      if (this.#ended || this.#cancelled) return undefined;
      await this.#arrival(signal);
    }
  }

  unread(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#queue.unshift(chunk);
    this.#size += chunk.length;
    this.#wake('readers');
  }

  cancel(): void {
    this.#cancelled = true;
    this.#queue = [];
    this.#size = 0;
    this.#wake('readers');
    this.#wake('writers');
  }

  #arrival(signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        const index = this.#waitingReaders.indexOf(wake);
        if (index >= 0) this.#waitingReaders.splice(index, 1);
        resolve();
      };
      this.#waitingReaders.push(wake);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #wake(side: 'readers' | 'writers'): void {
    const waiting = side === 'readers' ? this.#waitingReaders : this.#waitingWriters;
    if (waiting.length === 0) return;
    if (side === 'readers') this.#waitingReaders = [];
    else this.#waitingWriters = [];
    for (const wake of waiting) wake();
  }
}

/**
 * A pipe: what is written comes out of the reader in order. A write resolves when less than `capacityBytes` wait to be
 * read, and rejects with EPIPE once the reader was cancelled.
 */
export function createPipe(capacityBytes: number = PIPE_BYTES): { reader: UnreadableReader; writer: ByteWriter } {
  const pipe = new Pipe(capacityBytes);
  return { reader: pipe, writer: pipe };
}

/** A reader of this content, then the end. */
export function readerOf(content: string | Uint8Array): UnreadableReader {
  const pipe = new Pipe(Number.POSITIVE_INFINITY);
  if (content.length > 0) void pipe.write(content);
  pipe.end();
  return pipe;
}

/** A writer that keeps all it gets, up to `limitBytes`. */
export function collector(
  limitBytes: number = COLLECTED_BYTES,
  what = 'output',
): {
  writer: ByteWriter;
  text(): string;
  bytes(): Uint8Array;
} {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const bytes = () => Buffer.concat(chunks, size);
  return {
    writer: {
      async write(data) {
        const chunk = bytesOf(data);
        if (size + chunk.length > limitBytes)
          throw Object.assign(new Error(`${what} is larger than ${limitBytes} bytes`), { code: 'EFBIG' });
        chunks.push(chunk);
        size += chunk.length;
      },
      end() {},
    },
    bytes,
    text: () => bytes().toString('utf8'),
  };
}

/** A writer that drops everything: /dev/null. */
export const discard: ByteWriter = { write: () => Promise.resolve(), end: () => {} };

/** Any reader with a place to put unread bytes back. */
export function unreadable(source: ByteReader): UnreadableReader {
  return source instanceof UnreadableReader ? source : new PushbackReader(source);
}

class PushbackReader extends UnreadableReader {
  readonly #source: ByteReader;
  readonly #back: Uint8Array[] = [];

  constructor(source: ByteReader) {
    super();
    this.#source = source;
  }
  read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const chunk = this.#back.pop();
    return chunk ? Promise.resolve(chunk) : this.#source.read(signal);
  }
  unread(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#back.push(chunk);
  }
  cancel(): void {
    this.#source.cancel();
  }
}

/** Everything to the end of a stream. Rejects with code EFBIG beyond `limitBytes`. */
export async function readAll(
  reader: ByteReader,
  signal?: AbortSignal,
  limitBytes: number = COLLECTED_BYTES,
): Promise<Uint8Array> {
  const { writer, bytes } = collector(limitBytes, 'input');
  for (let chunk = await reader.read(signal); chunk; chunk = await reader.read(signal)) await writer.write(chunk);
  return bytes();
}
