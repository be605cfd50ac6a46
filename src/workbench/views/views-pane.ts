import type { EditorPane } from '../editor/editor-pane.ts';
import { el } from '../element.ts';
import type { LabStore, ViewName } from '../lab-store.ts';
import { recall, remember } from '../remembered.ts';
import { Tabs } from '../tabs.ts';
import { CertificatesPanel } from './certificates-view.ts';
import { ClusterChoice } from './cluster-choice.ts';
import { EventsPanel } from './events-view.ts';
import { PolicyPanel } from './policy-view.ts';
import { TrafficPanel } from './traffic-view.ts';

export type PaneName = 'editor' | ViewName;

interface Panel {
  element: HTMLElement;
  note: string | undefined;
  draw(): void;
}

export interface ViewsPaneOptions {
  store: LabStore;
  editor: EditorPane;
  /** What is looked at has changed; the server sends only that. */
  watch(): void;
}

const TITLES: Record<PaneName, string> = {
  editor: 'Editor',
  certificates: 'Certificates',
  policy: 'Policy',
  traffic: 'Traffic',
  events: 'Events',
};
const NAMES = Object.keys(TITLES) as PaneName[];

/** The upper pane: the editor and the views, one at a time. */
export class ViewsPane {
  readonly element: HTMLElement;
  readonly #o: ViewsPaneOptions;
  readonly #tabs: Tabs;
  readonly #panels: Record<ViewName, Panel>;
  readonly #clusters: ClusterChoice;
  readonly #stop: () => void;
  #shown: PaneName;

  constructor(options: ViewsPaneOptions) {
    this.#o = options;
    const { store, editor } = options;
    this.#panels = {
      certificates: new CertificatesPanel(store),
      policy: new PolicyPanel(store),
      traffic: new TrafficPanel(store),
      events: new EventsPanel(store),
    };
    for (const [name, panel] of Object.entries(this.#panels)) {
      panel.element.id = `view-${name}`;
      panel.element.setAttribute('role', 'tabpanel');
      panel.element.setAttribute('aria-labelledby', `tab-view-${name}`);
      panel.element.tabIndex = 0;
    }
    this.#clusters = new ClusterChoice(store, () => options.watch());
    this.#tabs = new Tabs({
      label: 'Editor and views',
      onSelect: (name) => this.show(name as PaneName),
      onEnter: () => this.focus(),
    });
    const before = recall('view') as PaneName | undefined;
    this.#shown = before && NAMES.includes(before) ? before : 'editor';
    this.element = el(
      'section',
      { class: 'wb-pane wb-upper', 'aria-label': 'Editor and views', 'data-pane-name': 'views' },
      el('div', { class: 'wb-bar' }, this.#tabs.element, el('span', { class: 'spring' }), this.#clusters.element),
      el(
        'div',
        { class: 'wb-stack' },
        editor.element,
        Object.values(this.#panels).map((panel) => panel.element),
      ),
    );
    const stops = [
      store.events.on('view', (name) => {
        if (name === this.#shown) this.#panels[name].draw();
        this.#drawTabs();
      }),
      store.events.on('session', () => this.#clusters.draw(this.#shown)),
    ];
    this.#stop = () => {
      for (const stop of stops) stop();
    };
    this.#apply();
  }

  get shown(): PaneName {
    return this.#shown;
  }

  show(name: PaneName): void {
    if (name === this.#shown) return this.#apply();
    this.#shown = name;
    remember('view', name);
    this.#apply();
    this.#o.watch();
  }

  /** Traffic is always looked at: the footer shows it. */
  watched(): ViewName[] {
    return this.#shown === 'editor' || this.#shown === 'traffic' ? ['traffic'] : [this.#shown, 'traffic'];
  }

  focus(): void {
    if (this.#shown === 'editor') this.#o.editor.focus();
    else this.#panels[this.#shown].element.focus();
  }
  focusTab(): void {
    this.#tabs.focus();
  }

  dispose(): void {
    this.#stop();
  }

  #apply(): void {
    this.#o.editor.element.hidden = this.#shown !== 'editor';
    for (const [name, panel] of Object.entries(this.#panels)) panel.element.hidden = name !== this.#shown;
    if (this.#shown === 'editor') this.#o.editor.shown();
    else this.#panels[this.#shown].draw();
    this.#clusters.draw(this.#shown);
    this.#drawTabs();
  }

  #drawTabs(): void {
    this.#tabs.show(
      NAMES.map((name) => ({
        id: name,
        title: TITLES[name],
        note: name === 'editor' ? undefined : this.#panels[name].note,
        controls: `view-${name}`,
      })),
      this.#shown,
    );
  }
}
