import type { ByteReader } from '#shell/stdio.ts';
import { previousBoundary, textWidth } from './line/width.ts';

export interface TtyHost {
  /** Prints what is typed, where typing is shown. */
  echo(data: string): void;
  /** Ctrl-C or Ctrl-\ was pressed in cooked mode. */
  interrupt(): void;
  /** Ctrl-Z was pressed in cooked mode. */
  suspend(): void;
}

/** What may wait to be read, bytes; more is refused with a bell, as a kernel does. */
const MOST_WAITING = 1024 * 1024;

const encoder = new TextEncoder();

/**
 * The input side of a terminal while a program runs. Cooked: a line is edited with Backspace, Ctrl-U, Ctrl-W and handed over at Enter,
 * Ctrl-D ends the input. Raw: keys are handed over as they come.
 */
export class TtyInput {
  readonly #host: TtyHost;
  #line = '';
  /** Null: the end of input, once. */
  #queue: (Uint8Array | null)[] = [];
  #waiting = 0;
  /** Typed before the program began, and shown when it asks for input. */
  #ahead = '';
  readonly #readers = new Set<() => void>();
  readonly #raw = new Set<object>();

  constructor(host: TtyHost) {
    this.#host = host;
  }

  get isRaw(): boolean {
    return this.#raw.size > 0;
  }

  setRaw(): () => void {
    const token = {};
    this.#raw.add(token);
    if (this.#line !== '') {
      this.#push(encoder.encode(this.#line));
      this.#line = '';
    }
    return () => this.#raw.delete(token);
  }

  /** Back to cooked, whatever a program that ended has left behind. */
  restore(): void {
    this.#raw.clear();
  }

  /** Input that came together with the command line: the program's if it reads, the next command line's if it does not. */
  feedAhead(data: string): void {
    this.#ahead += data;
  }

  feed(data: string): void {
    if (this.#ahead !== '' && !/[\x03\x1c]/.test(data)) {
      this.#ahead += data;
      return;
    }
    this.#ahead = '';
    if (this.isRaw) return this.#push(encoder.encode(data));
    // A paste is handed over without its marks.
    for (const char of data.replace(/\x1b\[20[01]~/g, '')) this.#cooked(char);
  }

  #cooked(char: string): void {
    switch (char) {
      case '\r':
      case '\n':
        this.#host.echo('\r\n');
        this.#push(encoder.encode(`${this.#line}\n`));
        this.#line = '';
        return;
      case '\x03':
      case '\x1c':
        this.#host.echo(char === '\x03' ? '^C\r\n' : '^\\\r\n');
        this.#line = '';
        this.#queue = [];
        this.#waiting = 0;
        return this.#host.interrupt();
      case '\x1a':
        return this.#host.suspend();
      case '\x04':
        if (this.#line === '') this.#queue.push(null);
        else this.#push(encoder.encode(this.#line));
        this.#line = '';
        return this.#wake();
      case '\x7f':
      case '\b':
        return this.#erase(previousBoundary(this.#line, this.#line.length));
      case '\x15':
        return this.#erase(0);
      case '\x17':
        return this.#erase(/\S*\s*$/.exec(this.#line)?.index ?? 0);
      case '\x11':
      case '\x13':
        return;
      default:
        if (this.#line.length >= 64 * 1024) return this.#host.echo('\x07');
        this.#line += char;
        this.#host.echo(shownTyped(char));
    }
  }

  #erase(from: number): void {
    const cut = [...this.#line.slice(from)].map(shownTyped).join('');
    this.#line = this.#line.slice(0, from);
    this.#host.echo('\b \b'.repeat(textWidth(cut)));
  }

  #push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#waiting + chunk.length > MOST_WAITING) return this.#host.echo('\x07');
    this.#queue.push(chunk);
    this.#waiting += chunk.length;
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#readers]) wake();
  }

  /** Hands over what was typed ahead a line at a time, so that each is shown where it is read. */
  #showAhead(): void {
    const ahead = this.#ahead;
    const end = /[\r\n\x04]/.exec(ahead)?.index ?? ahead.length;
    this.#ahead = '';
    this.feed(ahead.slice(0, end + 1));
    this.#ahead = ahead.slice(end + 1);
  }

  /** What nobody read, as it was typed; it is forgotten here. */
  takeUnread(): string {
    const text = Buffer.concat(this.#queue.filter((each) => each !== null)).toString('utf8') + this.#line + this.#ahead;
    this.#ahead = '';
    this.#queue = [];
    this.#waiting = 0;
    this.#line = '';
    return text;
  }

  /** The standard input of one program run. After `close` its reads find the end. */
  open(): { reader: ByteReader; close(): void } {
    let closed = false;
    const read = async (signal?: AbortSignal): Promise<Uint8Array | undefined> => {
      for (;;) {
        if (closed) return undefined;
        signal?.throwIfAborted();
        if (this.#queue.length === 0 && this.#ahead !== '') this.#showAhead();
        const next = this.#queue.shift();
        if (next === null) return undefined;
        if (next) {
          this.#waiting -= next.length;
          return next;
        }
        await new Promise<void>((resolve) => {
          const wake = () => {
            this.#readers.delete(wake);
            signal?.removeEventListener('abort', wake);
            resolve();
          };
          this.#readers.add(wake);
          signal?.addEventListener('abort', wake, { once: true });
        });
      }
    };
    return {
      reader: {
        read,
        // The terminal outlives its readers.
        cancel() {},
        async *[Symbol.asyncIterator]() {
          for (let chunk = await read(); chunk; chunk = await read()) yield chunk;
        },
      },
      close: () => {
        closed = true;
        this.#wake();
      },
    };
  }
}

function shownTyped(char: string): string {
  const code = char.codePointAt(0)!;
  return code < 0x20 && char !== '\t' ? `^${String.fromCharCode(code + 0x40)}` : char === '\t' ? ' ' : char;
}
