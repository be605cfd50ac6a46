/** Byte streams of a process. Readers are async iterables; writers apply back-pressure through the returned promise. */
export interface ByteWriter {
  /** Resolves when the consumer can take more. Rejects with code EPIPE when the reader is gone. */
  write(data: Uint8Array | string): Promise<void>;
  /** Ends the stream. */
  end(): void;
}

export interface ByteReader extends AsyncIterable<Uint8Array> {
  /** The next chunk, or undefined at the end. */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** Tells the writer that nobody reads any more; its next write rejects with EPIPE. */
  cancel(): void;
}

export interface TerminalSize {
  columns: number;
  rows: number;
}

/** Present when the streams are a terminal. */
export interface Tty {
  readonly size: TerminalSize;
  onResize(listener: (size: TerminalSize) => void): () => void;
  /** Raw: keys arrive as they are typed, without echo and line editing. Returns a function that restores the mode. */
  setRaw(): () => void;
  /** The terminal's keyboard: stdin itself, or what a pager reads keys from while its stdin is a pipe. */
  readonly keys?: ByteReader;
  /** Whether stdin is this terminal too; false in `… | less`. Absent: it is. */
  readonly isInput?: boolean;
}

export interface Stdio {
  stdin: ByteReader;
  stdout: ByteWriter;
  stderr: ByteWriter;
  tty?: Tty;
}
