import { el } from './element.ts';

export type PaneKey = 'text' | 'terminal' | 'editor' | 'views';

const TITLES: Record<PaneKey, string> = { text: 'Text', terminal: 'Terminal', editor: 'Editor', views: 'Views' };

/** On a small screen one pane is shown at a time; these are the buttons at the bottom that choose which. */
export class PaneSwitch {
  readonly element = el('nav', { class: 'wb-switch', 'aria-label': 'Panes' });
  readonly #onShow: (pane: PaneKey) => void;

  constructor(onShow: (pane: PaneKey) => void) {
    this.#onShow = onShow;
    for (const [key, title] of Object.entries(TITLES)) {
      this.element.append(
        el('button', { type: 'button', 'data-pane': key, onclick: () => this.show(key as PaneKey) }, title),
      );
    }
    this.show('text');
  }

  show(pane: PaneKey): void {
    document.documentElement.dataset['pane'] = pane;
    for (const button of this.element.querySelectorAll<HTMLElement>('button')) {
      if (button.dataset['pane'] === pane) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }
    this.#onShow(pane);
  }

  clear(): void {
    delete document.documentElement.dataset['pane'];
  }
}
