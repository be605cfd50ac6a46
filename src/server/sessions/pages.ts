import { observationKey } from '#schema/observation.ts';
import type { ClientMessage, ServerMessage } from '#schema/protocol.ts';

/** A connected page. */
export interface Page {
  /** A name that the page keeps when it reconnects. */
  id?: string;
  send(message: ServerMessage): void;
}

type WatchMessage = Extract<ClientMessage, { type: 'views.watch' }>;

/** Pages whose input is remembered; a learner who reloads often leaves the oldest behind. */
const MOST_PAGES = 100;

/** The pages that look at one session: how far each one's input has come, and what it watches. */
export class Pages {
  readonly #pages = new Set<Page>();
  /** Number of the last input that each page has sent, by the page's name. */
  readonly #received = new Map<string, number>();
  readonly #watching = new Map<Page, WatchMessage>();

  add(page: Page): void {
    this.#pages.add(page);
  }

  /** True when it watched something. */
  remove(page: Page): boolean {
    this.#pages.delete(page);
    return this.#watching.delete(page);
  }

  send(message: ServerMessage): void {
    for (const page of this.#pages) page.send(message);
  }

  /** How far a page's numbered input has arrived. */
  received(page: Page): number {
    return (page.id !== undefined && this.#received.get(page.id)) || 0;
  }

  /** Takes note of a numbered input; false when it arrived before, on a connection that broke. */
  isNew(n: number | undefined, page: Page | undefined): boolean {
    if (n === undefined || page?.id === undefined) return true;
    if (n <= this.received(page)) return false;
    this.#received.delete(page.id);
    this.#received.set(page.id, n);
    if (this.#received.size > MOST_PAGES) this.#received.delete(this.#received.keys().next().value!);
    return true;
  }

  /** Takes note of what a page watches; returns what all of them do. */
  watch(page: Page, message: WatchMessage): WatchMessage {
    this.#watching.set(page, message);
    return this.watched();
  }

  /** What any of the pages looks at. */
  watched(): WatchMessage {
    const all = [...this.#watching.values()];
    const values = new Map(all.flatMap(({ observe }) => observe.map((one) => [observationKey(one), one])));
    return {
      type: 'views.watch',
      views: [...new Set(all.flatMap(({ views }) => views))],
      observe: [...values.values()],
      clusters: [...new Set(all.flatMap(({ clusters }) => clusters))],
    };
  }
}
