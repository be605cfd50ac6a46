import type { History } from './history.ts';
import type { Key } from './keys.ts';

export type SearchStep = 'continue' | 'cancel' | 'accept' | 'accept-and-act';

/** Ctrl-R: finds the newest line that holds what is typed; again goes further back. */
export class HistorySearch {
  readonly before: { text: string; cursor: number };
  readonly #history: History;
  #pattern = '';
  #index: number;
  #failed = false;
  #forward = false;

  constructor(history: History, text: string, cursor: number) {
    this.#history = history;
    this.before = { text, cursor };
    this.#index = history.length;
  }

  key(key: Key): SearchStep {
    if (key.type === 'text' || key.type === 'paste') return this.#type(key.text.replace(/[\r\n]+/g, ' '));
    switch (key.name) {
      case 'ctrl-r':
        return this.#again(false);
      case 'ctrl-s':
        return this.#again(true);
      case 'backspace':
      case 'ctrl-h':
        this.#pattern = this.#pattern.slice(0, -1);
        this.#failed = false;
        this.#index = this.#history.length;
        this.#find(false);
        return 'continue';
      case 'ctrl-g':
      case 'ctrl-c':
        return 'cancel';
      case 'escape':
        return 'accept';
      default:
        return 'accept-and-act';
    }
  }

  #type(text: string): SearchStep {
    for (const char of text) {
      this.#pattern += char;
      this.#find(true);
    }
    return 'continue';
  }

  #again(forward: boolean): SearchStep {
    this.#forward = forward;
    if (this.#pattern === '') return 'continue';
    const found = forward
      ? this.#history.searchForward(this.#pattern, this.#index)
      : this.#history.search(this.#pattern, this.#index);
    this.#failed = found < 0;
    if (found >= 0) this.#index = found;
    return 'continue';
  }

  /** `here`: the line shown may stay when it still fits. */
  #find(here: boolean): void {
    if (this.#pattern === '') return;
    const found = this.#history.search(this.#pattern, here ? this.#index + 1 : this.#index);
    this.#failed = found < 0;
    if (found >= 0) this.#index = found;
  }

  /** The line found and where in it the pattern stands; undefined when nothing was found. */
  result(): { line: string; cursor: number; index: number } | undefined {
    const line = this.#history.at(this.#index);
    if (line === undefined) return undefined;
    return { line, cursor: Math.max(0, line.indexOf(this.#pattern)), index: this.#index };
  }

  prompt(): string {
    const way = this.#forward ? 'i-search' : 'reverse-i-search';
    return `(${this.#failed ? 'failed ' : ''}${way})\`${this.#pattern}': `;
  }

  shown(): string {
    return this.result()?.line ?? this.before.text;
  }

  cursor(): number {
    return this.result()?.cursor ?? this.before.cursor;
  }
}
