import type { Duplex } from 'node:stream';
import { AcademyError } from '#base/errors.ts';

export interface ControlEvents {
  /** A pane printed these bytes. */
  onOutput(pane: string, data: Buffer): void;
  onWindowClosed(window: string): void;
  /** The connection is over; what tmux runs may go on. */
  onEnd(): void;
}

interface Waiting {
  resolve(lines: string[]): void;
  reject(error: Error): void;
}

/** A line longer than this is not tmux speaking. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

/**
 * The client's side of tmux's control mode (tmux(1), CONTROL MODE): commands are lines, answered in order between `%begin`
 * and `%end` or `%error`; what panes print comes in `%output` lines with control characters and backslashes as octal numbers.
 */
export class TmuxControl {
  readonly #stream: Duplex;
  readonly #events: ControlEvents;
  readonly #waiting: Waiting[] = [];
  #rest: Buffer = Buffer.alloc(0);
  /** Of the answer that is being read: its number, whether it is to one of our commands, its lines. */
  #block: { end: string; ours: boolean; lines: string[] } | undefined;
  #ended = false;

  constructor(stream: Duplex, events: ControlEvents) {
    this.#stream = stream;
    this.#events = events;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    for (const end of ['end', 'close', 'error'] as const) stream.once(end, () => this.#end());
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** One command of tmux; resolves with the lines it printed. A refusal is `driver/failed`. */
  command(...words: string[]): Promise<string[]> {
    if (this.#ended) return Promise.reject(new AcademyError('driver/failed', 'The terminals are being reconnected.'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#stream.write(`${words.map(quoted).join(' ')}\n`);
    });
  }

  close(): void {
    this.#stream.destroy();
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const { reject } of this.#waiting.splice(0))
      reject(new AcademyError('driver/failed', 'The connection to the terminals broke.'));
    this.#events.onEnd();
  }

  #take(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10)) {
      this.#line(data.subarray(0, at));
      data = data.subarray(at + 1);
    }
    this.#rest = data;
    if (data.length > MAX_LINE_BYTES) this.close();
  }

  #line(line: Buffer): void {
    if (this.#block) {
      const text = line.toString();
      if (text !== `%end ${this.#block.end}` && text !== `%error ${this.#block.end}`) {
        this.#block.lines.push(text);
        return;
      }
      const { ours, lines } = this.#block;
      this.#block = undefined;
      if (!ours) return;
      const waiting = this.#waiting.shift();
      if (text.startsWith('%end')) waiting?.resolve(lines);
      else waiting?.reject(new AcademyError('driver/failed', `tmux: ${lines.join(' ')}`));
      return;
    }
    if (line.subarray(0, 8).equals(OUTPUT)) {
      const space = line.indexOf(32, 8);
      this.#events.onOutput(line.subarray(8, space).toString(), unescaped(line.subarray(space + 1)));
      return;
    }
    const text = line.toString();
    // The last of three numbers is 1 where the answer is to a line of this client.
    const begin = /^%begin (\d+ \d+ (\d))$/.exec(text);
    if (begin) this.#block = { end: begin[1]!, ours: begin[2] === '1', lines: [] };
    const closed = /^%(?:unlinked-)?window-close (@\d+)/.exec(text);
    if (closed) this.#events.onWindowClosed(closed[1]!);
    if (text.startsWith('%exit')) this.close();
  }
}

const OUTPUT = Buffer.from('%output ');

/** `\ooo` is a byte in octal; everything else stands for itself. */
function unescaped(data: Buffer): Buffer {
  if (!data.includes(92)) return data;
  const out = Buffer.allocUnsafe(data.length);
  let length = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 92 && i + 3 < data.length) {
      out[length++] = ((data[i + 1]! - 48) << 6) | ((data[i + 2]! - 48) << 3) | (data[i + 3]! - 48);
      i += 3;
    } else out[length++] = data[i]!;
  }
  return out.subarray(0, length);
}

/** A word of tmux's command language. Words of ours hold no line breaks. */
const quoted = (word: string): string => (/^[\w@%:=.,/+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
