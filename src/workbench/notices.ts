import { el } from './element.ts';

export interface Bar {
  level: 'info' | 'warning' | 'error';
  text: string;
  actions?: { label: string; act(): void }[];
  /** The reader may put it away. */
  dismiss?: boolean;
  /** Goes away by itself after this long, ms. */
  forMs?: number;
}

/** Lines above the panes: the connection, the idle warning, what came back after a restart, errors. One for each key. */
export class Notices {
  readonly element = el('div', { class: 'wb-notices' });
  readonly #bars = new Map<string, { element: HTMLElement; drawn: string; timer?: ReturnType<typeof setTimeout> }>();

  show(key: string, bar: Bar): void {
    const drawn = JSON.stringify(bar);
    const old = this.#bars.get(key);
    if (old?.drawn === drawn) return;
    clearTimeout(old?.timer);
    const element = el(
      'div',
      { class: 'wb-notice', 'data-level': bar.level, role: bar.level === 'error' ? 'alert' : 'status' },
      el('p', null, bar.text),
      ...(bar.actions ?? []).map(({ label, act }) => el('button', { type: 'button', onclick: act }, label)),
      bar.dismiss &&
        el('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', onclick: () => this.hide(key) }, '×'),
    );
    if (old) old.element.replaceWith(element);
    else this.element.append(element);
    const timer = bar.forMs === undefined ? undefined : setTimeout(() => this.hide(key), bar.forMs);
    this.#bars.set(key, { element, drawn, ...(timer ? { timer } : {}) });
  }

  hide(key: string): void {
    const bar = this.#bars.get(key);
    clearTimeout(bar?.timer);
    bar?.element.remove();
    this.#bars.delete(key);
  }
}
