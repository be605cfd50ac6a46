import type { ClusterEvent } from '#schema/evidence.ts';
import { type Child, el, type Props, replace } from '../element.ts';
import type { LabStore } from '../lab-store.ts';
import { duration, instant } from '../words.ts';

/** Whether an event is shown: every word of the filter stands somewhere in it. */
export function matches(event: ClusterEvent, filter: string): boolean {
  const text = `${event.namespace} ${event.object} ${event.reason} ${event.message}`.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** What the cluster said, newest first. */
export class EventsPanel {
  readonly element: HTMLElement;
  readonly #store: LabStore;
  readonly #filter = el('input', {
    type: 'search',
    placeholder: 'Filter: pod, reason, word',
    'aria-label': 'Filter events',
  });
  readonly #warnings = el('input', { type: 'checkbox' });
  readonly #rows = el('tbody');
  readonly #count = el('span', { class: 'count', role: 'status' });

  constructor(store: LabStore) {
    this.#store = store;
    this.#filter.addEventListener('input', () => this.draw());
    this.#warnings.addEventListener('change', () => this.draw());
    this.element = el(
      'div',
      { class: 'wb-view events' },
      el('div', { class: 'filter' }, this.#filter, el('label', null, this.#warnings, ' warnings only'), this.#count),
      el(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Events' },
        el(
          'table',
          { class: 'log', role: 'table' },
          el(
            'thead',
            { role: 'rowgroup' },
            el(
              'tr',
              { role: 'row' },
              ['Seen', 'Kind', 'Reason', 'Object', 'Message'].map((title) =>
                el('th', { scope: 'col', role: 'columnheader' }, title),
              ),
            ),
          ),
          this.#rows,
        ),
      ),
    );
  }

  get note(): string | undefined {
    return undefined;
  }

  draw(): void {
    const all = this.#store.views.events ?? [];
    const filter = this.#filter.value.trim();
    const shown = all.filter((event) => (!this.#warnings.checked || event.warning) && matches(event, filter));
    this.#count.textContent =
      this.#store.views.events === undefined
        ? 'Waiting for events …'
        : shown.length === all.length
          ? `${all.length} events`
          : `${shown.length} of ${all.length} events`;
    const now = this.#store.clusterNow();
    replace(
      this.#rows,
      [...shown]
        .sort((a, b) => b.at - a.at)
        .map((event) =>
          el(
            'tr',
            { 'data-warning': event.warning, role: 'row' },
            cell({ class: 'num', title: instant(event.at, now) }, `${duration(Math.max(0, now - event.at))} ago`),
            cell(null, event.warning ? '⚠ Warning' : 'Normal'),
            cell(null, event.reason, event.count > 1 && ` ×${event.count}`),
            cell(null, el('code', null, `${event.namespace}/${event.object}`)),
            cell(null, event.message),
          ),
        ),
    );
  }
}

/** Roles are written out, because on a narrow screen the rows are laid out as blocks and lose those of a table. */
const cell = (props: Props | null, ...children: Child[]): HTMLElement =>
  el('td', { role: 'cell', ...props }, ...children);
