import type { ByteReader, ByteWriter, Stdio, TerminalSize, Tty } from '#shell/stdio.ts';

/** What the terminal driver does with the keys that mean something to it. */
type Signal = 'SIGINT' | 'SIGQUIT';

/**
 * The terminal driver between a client's terminal, which sends every key as it is typed, and a program of a container:
 * echo, one line at a time with erase and kill, ^C and ^D, and `\n` out as `\r\n`. Raw mode passes everything.
 */
export class TerminalDriver {
  readonly stdio: Stdio;
  readonly #out: ByteWriter;
  readonly #onSignal: (signal: Signal) => void;
  readonly #lines: Uint8Array[] = [];
  readonly #resizes = new Set<(size: TerminalSize) => void>();
  #line: string[] = [];
  #rawDepth = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #size: TerminalSize;

  constructor(keys: ByteReader, out: ByteWriter, size: TerminalSize, onSignal: (signal: Signal) => void) {
    this.#out = out;
    this.#onSignal = onSignal;
    this.#size = size;
    const written: ByteWriter = { write: (data) => out.write(this.#cooked(data)), end() {} };
    const driver = this;
    const tty: Tty = {
      get size() {
        return driver.#size;
      },
      onResize: (listener) => {
        this.#resizes.add(listener);
        return () => this.#resizes.delete(listener);
      },
      setRaw: () => {
        this.#rawDepth++;
        if (this.#line.length > 0) this.#give(this.#line.splice(0).join(''));
        let restored = false;
        return () => {
          if (!restored) this.#rawDepth--;
          restored = true;
        };
      },
    };
    this.stdio = { stdin: this.#reader(), stdout: written, stderr: written, tty };
    void this.#follow(keys);
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    for (const listener of [...this.#resizes]) listener(size);
  }

  async #follow(keys: ByteReader): Promise<void> {
    const decoder = new TextDecoder();
    for (let chunk = await keys.read(); chunk; chunk = await keys.read()) {
      if (this.#rawDepth > 0) this.#give(chunk);
      else this.#typed(decoder.decode(chunk, { stream: true }));
    }
    this.#ended = true;
    this.#wake?.();
  }

  #typed(text: string): void {
    let echo = '';
    for (const key of text) {
      switch (key) {
        case '\r':
        case '\n':
          echo += '\r\n';
          this.#give(`${this.#line.splice(0).join('')}\n`);
          break;
        case '\x7f':
        case '\b':
          if (this.#line.pop() !== undefined) echo += '\b \b';
          break;
        case '\x15':
          echo += '\b \b'.repeat(this.#line.splice(0).length);
          break;
        case '\x03':
        case '\x1c':
          echo += key === '\x03' ? '^C' : '^\\';
          this.#line = [];
          this.#onSignal(key === '\x03' ? 'SIGINT' : 'SIGQUIT');
          break;
        case '\x04':
          if (this.#line.length > 0) this.#give(this.#line.splice(0).join(''));
          else {
            this.#ended = true;
            this.#wake?.();
          }
          break;
        default:
          // Cursor keys and their kind have no meaning to a driver that edits one line.
          if (key >= ' ' || key === '\t') {
            this.#line.push(key);
            echo += key;
          }
      }
      // A program that asked for raw keys in between gets the rest as it is.
    }
    if (echo) void this.#out.write(echo).catch(() => {});
  }

  #cooked(data: Uint8Array | string): string | Uint8Array {
    if (this.#rawDepth > 0) return data;
    if (typeof data === 'string') return data.replace(/\r?\n/g, '\r\n');
    if (!data.includes(0x0a)) return data;
    return Buffer.from(Buffer.from(data).toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
  }

  #give(data: string | Uint8Array): void {
    this.#lines.push(typeof data === 'string' ? Buffer.from(data) : data);
    this.#wake?.();
  }

  #reader(): ByteReader {
    const read = async (signal?: AbortSignal): Promise<Uint8Array | undefined> => {
      while (this.#lines.length === 0) {
        if (this.#ended) {
          // ^D ends one read, not the terminal.
          return undefined;
        }
        signal?.throwIfAborted();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          signal?.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      return this.#lines.shift();
    };
    return {
      read,
      cancel: () => {
        this.#ended = true;
        this.#wake?.();
      },
      async *[Symbol.asyncIterator]() {
        for (let chunk = await read(); chunk; chunk = await read()) yield chunk;
      },
    };
  }
}
