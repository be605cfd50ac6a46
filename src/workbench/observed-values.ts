import type { Observation, Observed } from '#schema/observation.ts';
import type { LabStore } from './lab-store.ts';
import { duration } from './words.ts';

/** An age counts on by itself; the server is heard only when something changed. */
const TICK_MS = 1_000;

/**
 * The live values in the text (`<Observe certificate="…">` and the like). The page carries words for the time without a
 * session; while one runs they are replaced by what the cluster shows, and afterwards they come back.
 */
export class ObservedValues {
  /** What the page asks for, each once. */
  readonly wanted: Observation[];
  readonly #store: LabStore;
  readonly #places: { element: HTMLElement; key: string; words: Node[] }[];
  readonly #stop: (() => void)[] = [];

  constructor(store: LabStore) {
    this.#store = store;
    const elements = [...document.querySelectorAll<HTMLElement>('[data-observe]')];
    this.#places = elements.map((element) => ({
      element,
      key: element.dataset['observeKey'] ?? '',
      words: [...element.childNodes],
    }));
    const byKey = new Map(elements.map((element) => [element.dataset['observeKey'], element.dataset['observe']]));
    this.wanted = [...byKey.values()].map((text) => JSON.parse(text ?? '') as Observation);
    if (this.#places.length === 0) return;
    this.#stop.push(store.events.on('observed', () => this.#draw()));
    const timer = setInterval(() => this.#draw(), TICK_MS);
    this.#stop.push(() => clearInterval(timer));
  }

  dispose(): void {
    for (const stop of this.#stop) stop();
    for (const { element, words } of this.#places) back(element, words);
  }

  #draw(): void {
    const now = this.#store.clusterNow();
    for (const { element, key, words } of this.#places) {
      const value = this.#store.observed.get(key);
      if (!value) back(element, words);
      else {
        const text = inWords(value, now);
        if (element.textContent !== text) element.textContent = text;
        element.dataset['observed'] = value.is === 'absent' ? 'absent' : 'live';
      }
    }
  }
}

function back(element: HTMLElement, words: Node[]): void {
  if (element.dataset['observed'] === undefined) return;
  element.replaceChildren(...words);
  delete element.dataset['observed'];
}

/** A value as it stands in a sentence. `now`: the cluster's clock, ms since the epoch. */
export function inWords(value: Observed['value'], now: number): string {
  switch (value.is) {
    case 'text':
      return value.text;
    case 'since':
      return span(now - value.at);
    case 'until':
      return value.at > now ? span(value.at - now) : `none, it ended ${span(now - value.at)} ago`;
    case 'absent':
      return `— (${value.why})`;
  }
}

/** Whole seconds, because a number that changes ten times a second can't be read. */
function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return seconds < 10 ? `${seconds} s` : duration(seconds * 1_000);
}
