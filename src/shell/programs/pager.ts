import type { Command, CommandContext } from '../command.ts';
import type { ByteReader } from '../stdio.ts';
import { program } from './define.ts';
import { lineGroups, openInput } from './input.ts';
import { cut } from './time.ts';

const decoder = new TextDecoder();

/** Lines that the pager keeps; the rest of a longer stream is not shown. */
const MOST_LINES = 100_000;

/** A pager: space, b, arrows, g, G, /search, n, q. Without a terminal it copies its input. */
async function page(context: CommandContext, name: string): Promise<number> {
  const files = context.args.filter((arg) => !/^[-+]./.test(arg));
  const { tty } = context;
  const keys = tty?.keys;
  if (!tty || !keys) {
    for (const file of files.length > 0 ? files : ['-']) {
      const reader = await openInput(context, file);
      for (let chunk = await reader.read(context.signal); chunk; chunk = await reader.read(context.signal))
        await context.stdout.write(chunk);
    }
    return 0;
  }
  if (files.length === 0 && tty.isInput !== false) {
    await context.stderr.write(`Missing filename ("${name} --help" for help)\n`);
    return 1;
  }
  const pager = new Pager(
    context,
    files.length > 0 ? await openInput(context, files[0]!) : context.stdin,
    files[0] ?? '',
  );
  return pager.run(keys);
}

class Pager {
  readonly #context: CommandContext;
  readonly #input: ByteReader;
  readonly #name: string;
  readonly #lines: string[] = [];
  #isComplete = false;
  #top = 0;
  #search = '';
  #message = '';
  /** Text of a search that is being typed. */
  #typed: string | undefined;
  #isOver = false;

  constructor(context: CommandContext, input: ByteReader, name: string) {
    this.#context = context;
    this.#input = input;
    this.#name = name;
  }

  async run(keys: ByteReader): Promise<number> {
    const { stdout, signal, tty } = this.#context;
    const restore = tty!.setRaw();
    const unsubscribe = tty!.onResize(() => void this.#draw());
    await stdout.write('\x1b[?1049h');
    const loading = this.#load();
    try {
      while (!this.#isOver) {
        const chunk = await keys.read(signal);
        if (!chunk) break;
        for (const key of decoder.decode(chunk).match(/\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|[\s\S]/g) ?? [])
          this.#press(key);
        if (!this.#isOver) await this.#draw();
      }
    } finally {
      this.#isOver = true;
      unsubscribe();
      restore();
      await stdout.write('\x1b[?1049l').catch(() => {});
    }
    void loading;
    return 0;
  }

  async #load(): Promise<void> {
    try {
      for await (const group of lineGroups(this.#input, this.#context.signal)) {
        const isShort = this.#lines.length < this.#top + this.#rows;
        this.#lines.push(...group.slice(0, MOST_LINES - this.#lines.length));
        if (this.#isOver || this.#lines.length >= MOST_LINES) break;
        if (isShort) await this.#draw();
      }
      this.#isComplete = true;
      if (!this.#isOver) await this.#draw();
    } catch {
      // The pager was left, or its input was cut with it.
    }
  }

  get #rows(): number {
    return Math.max(1, this.#context.tty!.size.rows - 1);
  }

  #press(key: string): void {
    if (this.#typed !== undefined) return this.#type(key);
    this.#message = '';
    const page = this.#rows;
    const moves: Record<string, number> = {
      ' ': page,
      f: page,
      '\x06': page,
      '\x1b[6~': page,
      b: -page,
      '\x02': -page,
      '\x1b[5~': -page,
      d: page / 2,
      u: -page / 2,
      j: 1,
      '\r': 1,
      '\n': 1,
      e: 1,
      '\x1b[B': 1,
      '\x1bOB': 1,
      k: -1,
      y: -1,
      '\x1b[A': -1,
      '\x1bOA': -1,
      g: Number.NEGATIVE_INFINITY,
      '<': Number.NEGATIVE_INFINITY,
      '\x1b[H': Number.NEGATIVE_INFINITY,
      G: Number.POSITIVE_INFINITY,
      '>': Number.POSITIVE_INFINITY,
      '\x1b[F': Number.POSITIVE_INFINITY,
    };
    if (key === 'q' || key === 'Q' || key === '\x03') this.#isOver = true;
    else if (key === '/') this.#typed = '';
    else if (key === 'n') this.#find(1);
    else if (key === 'N') this.#find(-1);
    else if (Object.hasOwn(moves, key)) this.#move(moves[key]!);
  }

  #type(key: string): void {
    if (key === '\r' || key === '\n') {
      this.#search = this.#typed || this.#search;
      this.#typed = undefined;
      this.#find(1);
    } else if (key === '\x7f' || key === '\b') this.#typed = this.#typed === '' ? undefined : this.#typed!.slice(0, -1);
    else if (key === '\x1b' || key === '\x03') this.#typed = undefined;
    else if (key >= ' ' && key.length === 1) this.#typed += key;
  }

  #move(by: number): void {
    this.#top = Math.max(0, Math.min(Math.trunc(this.#top + by), Math.max(0, this.#lines.length - this.#rows)));
  }

  #find(direction: 1 | -1): void {
    if (this.#search === '') return;
    const wanted = this.#search.toLowerCase();
    for (let at = this.#top + direction; at >= 0 && at < this.#lines.length; at += direction) {
      if (!this.#lines[at]!.toLowerCase().includes(wanted)) continue;
      this.#top = at;
      return;
    }
    this.#message = 'Pattern not found';
  }

  async #draw(): Promise<void> {
    if (this.#isOver) return;
    const { columns } = this.#context.tty!.size;
    const shown = this.#lines.slice(this.#top, this.#top + this.#rows).map((line) => this.#marked(cut(line, columns)));
    while (shown.length < this.#rows) shown.push('~');
    const isEnd = this.#isComplete && this.#top + this.#rows >= this.#lines.length;
    const status =
      this.#typed !== undefined
        ? `/${this.#typed}`
        : this.#message
          ? `\x1b[7m${this.#message}\x1b[m`
          : isEnd
            ? '\x1b[7m(END)\x1b[m'
            : this.#name && this.#top === 0
              ? `\x1b[7m${this.#name}\x1b[m`
              : ':';
    await this.#context.stdout.write(
      `\x1b[H${shown.map((line) => `${line}\x1b[m\x1b[K`).join('\r\n')}\r\n${status}\x1b[K`,
    );
  }

  #marked(line: string): string {
    if (this.#search === '') return line;
    const at = line.toLowerCase().indexOf(this.#search.toLowerCase());
    return at < 0
      ? line
      : `${line.slice(0, at)}\x1b[7m${line.slice(at, at + this.#search.length)}\x1b[27m${line.slice(at + this.#search.length)}`;
  }
}

export const pagerPrograms: Command[] = ['less', 'more'].map((name) =>
  program(name, 'page through text', (context) => page(context, name)),
);
