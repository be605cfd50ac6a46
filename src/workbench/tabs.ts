import { el, replace } from './element.ts';

export interface Tab {
  id: string;
  title: string;
  /** A short addition: a count, a mark. */
  note?: string | undefined;
  /** Said in place of the title to a screen reader, where the note needs words. */
  label?: string | undefined;
  /** Id of the panel. */
  controls: string;
  closable?: string | undefined;
}

export interface TabsOptions {
  label: string;
  onSelect(id: string): void;
  onClose?(id: string): void;
  /** Enter or the down arrow: on into the panel. */
  onEnter?(id: string): void;
}

/** A row of tabs with one tab stop, moved in by the arrow keys, as the ARIA practices describe. */
export class Tabs {
  readonly element: HTMLElement;
  readonly #o: TabsOptions;
  #tabs: Tab[] = [];
  #selected = '';
  #drawn = '';

  constructor(options: TabsOptions) {
    this.#o = options;
    this.element = el('div', { class: 'wb-tabs', role: 'tablist', 'aria-label': options.label });
    this.element.addEventListener('keydown', (event) => this.#key(event));
  }

  get selected(): string {
    return this.#selected;
  }

  show(tabs: Tab[], selected: string): void {
    this.#tabs = tabs;
    this.#selected = selected;
    const drawn = JSON.stringify([tabs, selected]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = (document.activeElement as HTMLElement | null)?.dataset['tab'];
    const hadFocus = this.element.contains(document.activeElement);
    replace(
      this.element,
      tabs.map((tab) => this.#draw(tab)),
    );
    if (hadFocus) (this.#button(focused ?? selected) ?? this.#button(selected))?.focus();
  }

  focus(): void {
    this.#button(this.#selected)?.focus();
  }

  #draw(tab: Tab): HTMLElement {
    const selected = tab.id === this.#selected;
    const { closable } = tab;
    return el(
      'div',
      { class: 'wb-tab', role: 'presentation', 'data-selected': selected },
      el(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: `tab-${tab.controls}`,
          'data-tab': tab.id,
          'aria-selected': selected ? 'true' : 'false',
          'aria-controls': tab.controls,
          'aria-label': tab.label,
          'aria-keyshortcuts': closable ? 'Delete' : undefined,
          tabindex: selected ? 0 : -1,
          onclick: () => this.#o.onSelect(tab.id),
        },
        tab.title,
        tab.note && el('em', null, tab.note),
      ),
      // For the mouse only: a row of tabs may hold nothing but tabs, and Delete closes one by keyboard.
      closable &&
        el(
          'button',
          {
            type: 'button',
            class: 'close',
            tabindex: -1,
            'aria-hidden': 'true',
            title: `${closable} (Delete)`,
            onclick: () => this.#o.onClose?.(tab.id),
          },
          '×',
        ),
    );
  }

  #button(id: string): HTMLElement | null {
    return this.element.querySelector<HTMLElement>(`[data-tab="${CSS.escape(id)}"]`);
  }

  #key(event: KeyboardEvent): void {
    const at = this.#tabs.findIndex(({ id }) => id === (event.target as HTMLElement).dataset['tab']);
    if (at < 0) return;
    const last = this.#tabs.length - 1;
    const to =
      event.key === 'ArrowLeft'
        ? (at + last) % (last + 1)
        : event.key === 'ArrowRight'
          ? (at + 1) % (last + 1)
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? last
              : undefined;
    const tab = this.#tabs[at]!;
    if (to !== undefined) {
      event.preventDefault();
      const target = this.#tabs[to]!;
      this.#o.onSelect(target.id);
      this.#button(target.id)?.focus();
    } else if (event.key === 'Delete' && tab.closable) {
      event.preventDefault();
      this.#o.onClose?.(tab.id);
    } else if ((event.key === 'ArrowDown' || event.key === 'Enter') && this.#o.onEnter) {
      event.preventDefault();
      this.#o.onSelect(tab.id);
      this.#o.onEnter(tab.id);
    }
  }
}
