import { nextBoundary, previousBoundary } from './width.ts';

/** Cut text that Ctrl-Y brings back, newest last; shared by all lines of a terminal. */
export class KillRing {
  readonly #entries: string[] = [];
  #at = 0;

  /** `join`: the cut before this one was the last thing done, and the two are one. */
  add(text: string, where: 'before' | 'after', join: boolean): void {
    if (text === '') return;
    const last = this.#entries.at(-1);
    if (join && last !== undefined) this.#entries.push(where === 'before' ? text + this.#pop() : this.#pop() + text);
    else this.#entries.push(text);
    if (this.#entries.length > 30) this.#entries.shift();
    this.#at = this.#entries.length - 1;
  }

  #pop(): string {
    return this.#entries.pop() ?? '';
  }

  current(): string | undefined {
    return this.#entries[this.#at];
  }

  rotate(): string | undefined {
    if (this.#entries.length === 0) return undefined;
    this.#at = (this.#at + this.#entries.length - 1) % this.#entries.length;
    return this.#entries[this.#at];
  }
}

const isWordChar = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}]/u.test(char);
/** Longest line that can be typed, UTF-16 units. */
const LONGEST = 1024 * 1024;

/** A line being edited. The cursor always stands between two characters as a person counts them. */
export class EditBuffer {
  text = '';
  cursor = 0;
  #undo: { text: string; cursor: number }[] = [];

  set(text: string, cursor = text.length): void {
    this.text = text;
    this.cursor = cursor;
  }

  reset(): void {
    this.set('');
    this.#undo = [];
  }

  /** Remembers the present state, for undo. */
  remember(): void {
    const last = this.#undo.at(-1);
    if (last?.text === this.text) return;
    this.#undo.push({ text: this.text, cursor: this.cursor });
    if (this.#undo.length > 200) this.#undo.shift();
  }

  undo(): boolean {
    const last = this.#undo.pop();
    if (!last) return false;
    this.set(last.text, last.cursor);
    return true;
  }

  insert(text: string): boolean {
    if (this.text.length + text.length > LONGEST) return false;
    this.text = this.text.slice(0, this.cursor) + text + this.text.slice(this.cursor);
    this.cursor += text.length;
    return true;
  }

  /** Removes what lies between two positions and returns it. */
  cut(from: number, to: number): string {
    const removed = this.text.slice(from, to);
    this.text = this.text.slice(0, from) + this.text.slice(to);
    this.cursor = from;
    return removed;
  }

  left(): void {
    this.cursor = previousBoundary(this.text, this.cursor);
  }
  right(): void {
    this.cursor = nextBoundary(this.text, this.cursor);
  }
  lineStart(): number {
    return this.text.lastIndexOf('\n', this.cursor - 1) + 1;
  }
  lineEnd(): number {
    const end = this.text.indexOf('\n', this.cursor);
    return end < 0 ? this.text.length : end;
  }

  /** Start of the word before the cursor; words are letters and digits, as Alt-B counts. */
  wordLeft(): number {
    let at = this.cursor;
    while (at > 0 && !isWordChar(this.#before(at))) at = previousBoundary(this.text, at);
    while (at > 0 && isWordChar(this.#before(at))) at = previousBoundary(this.text, at);
    return at;
  }

  wordRight(): number {
    let at = this.cursor;
    while (at < this.text.length && !isWordChar(this.#after(at))) at = nextBoundary(this.text, at);
    while (at < this.text.length && isWordChar(this.#after(at))) at = nextBoundary(this.text, at);
    return at;
  }

  /** Start of the word before the cursor; words are parted by blanks, as Ctrl-W counts. */
  blankWordLeft(): number {
    let at = this.cursor;
    while (at > 0 && /\s/.test(this.text[at - 1]!)) at--;
    while (at > 0 && !/\s/.test(this.text[at - 1]!)) at--;
    return at;
  }

  transpose(): boolean {
    const end = this.cursor === this.text.length ? previousBoundary(this.text, this.cursor) : this.cursor;
    const start = previousBoundary(this.text, end);
    if (start === end) return false;
    const after = nextBoundary(this.text, end);
    const swapped = this.text.slice(end, after) + this.text.slice(start, end);
    this.text = this.text.slice(0, start) + swapped + this.text.slice(after);
    this.cursor = after;
    return true;
  }

  /** Changes the word from the cursor on: Alt-U, Alt-L, Alt-C. */
  recase(change: (word: string) => string): void {
    const end = this.wordRight();
    this.text = this.text.slice(0, this.cursor) + change(this.text.slice(this.cursor, end)) + this.text.slice(end);
    this.cursor = end;
  }

  #before(at: number): string | undefined {
    return this.text.slice(previousBoundary(this.text, at), at);
  }
  #after(at: number): string | undefined {
    return this.text.slice(at, nextBoundary(this.text, at));
  }
}
