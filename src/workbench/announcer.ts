import { el } from './element.ts';

/** The polite live region. Sentences that come at once are said one after the other, not one in place of the other. */
export class Announcer {
  readonly element = el('div', { class: 'hidden-visually', role: 'status', 'aria-live': 'polite' });
  readonly #waiting: string[] = [];
  #busy = false;

  say(sentence: string): void {
    this.#waiting.push(sentence);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const sentence = this.#waiting.shift();
    this.#busy = sentence !== undefined;
    if (sentence === undefined) return;
    this.element.textContent = sentence;
    setTimeout(() => this.#next(), 400);
  }
}
