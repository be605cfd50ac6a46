import type { Clock } from '#base/clock.ts';

const MIB = 1024 * 1024;
/** What a terminal may print for long, UTF-16 units a second: as much as a page can draw. */
const PER_SECOND = 2 * MIB;
/** What it may print at once before its writers wait. */
const BURST = MIB / 2;
/** A batch of this size goes out without waiting for the end of the turn. */
const BATCH = 64 * 1024;
/** After this much in one turn a writer lets others have a turn. */
const TURN = 16 * 1024;

/**
 * The output side of a terminal. Newlines become CR LF, as a kernel does it (ONLCR); what is printed in one turn goes out as one piece;
 * and a program that prints more than the page can take waits.
 */
export class TerminalOutput {
  readonly #send: (data: string) => void;
  readonly #wall: Clock;
  readonly #decoder = new TextDecoder();
  #batch: string[] = [];
  #batchSize = 0;
  #turnSize = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #level = 0;
  #levelAt: number;
  #closed = false;
  /** Whether the cursor stands at the start of a row, as far as can be told without drawing. */
  isAtLineStart = true;

  constructor(send: (data: string) => void, wall: Clock) {
    this.#send = send;
    this.#wall = wall;
    this.#levelAt = wall.now();
  }

  /** Prints terminal output as it is; for the line editor, which keeps account of the screen itself. */
  print(data: string): void {
    if (data === '' || this.#closed) return;
    this.#batch.push(data);
    this.#batchSize += data.length;
    this.#turnSize += data.length;
    this.#fill(data.length);
    this.#follow(data);
    if (this.#batchSize >= BATCH) this.flush();
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#turnSize = 0;
      this.flush();
    });
  }

  /** Prints what a program wrote. Resolves when it may write more. */
  async write(data: Uint8Array | string): Promise<void> {
    if (this.#closed) throw Object.assign(new Error('Input/output error'), { code: 'EIO' });
    const text = typeof data === 'string' ? data : this.#decoder.decode(data, { stream: true });
    this.print(text.replaceAll('\n', '\r\n'));
    if (this.#level > BURST) await this.#wall.sleep(((this.#level - BURST) / PER_SECOND) * 1000 + 1);
    else if (this.#turnSize > TURN) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  flush(): void {
    if (this.#batch.length === 0) return;
    const data = this.#batch.join('');
    this.#batch = [];
    this.#batchSize = 0;
    this.#send(data);
  }

  close(): void {
    this.flush();
    this.#closed = true;
    clearImmediate(this.#scheduled);
  }

  #fill(size: number): void {
    const now = this.#wall.now();
    this.#level = Math.max(0, this.#level - ((now - this.#levelAt) / 1000) * PER_SECOND) + size;
    this.#levelAt = now;
  }

  #follow(data: string): void {
    const tail = data
      .slice(-256)
      .replace(/\x1b\[[0-9;?]*[A-GI-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x07\x1b]/g, '');
    // Leaving the alternate screen puts the cursor back to where a program began, on a row of its own.
    if (/\x1b\[\?1049l(\x1b\[[0-9;?]*[A-Za-z])*$/.test(data)) this.isAtLineStart = true;
    if (tail === '' || /\x1b\[\?1049l/.test(data.slice(-32))) return;
    this.isAtLineStart = /[\n\r]$|\[[0-9;]*H$/.test(tail);
  }
}
