import { currentScheme, onSchemeChange } from '../colour-scheme.ts';
import type { Connection } from '../connection.ts';
import { el } from '../element.ts';
import type { LabStore } from '../lab-store.ts';
import { recall, recallNumber, remember } from '../remembered.ts';
import { Tabs } from '../tabs.ts';
import { cutInput, type Offsets, type Print } from './offsets.ts';
import { TerminalView } from './terminal-view.ts';

export interface TerminalPaneOptions {
  connection: Connection;
  store: LabStore;
  offsets: Offsets;
  say(sentence: string): void;
}

const SMALLEST = 10;
const LARGEST = 22;
const MOST_TERMINALS = 8;
const HELP_KEY = 'terminal-hint';

/** The terminals of the session, one tab each. */
export class TerminalPane {
  readonly element: HTMLElement;
  readonly #o: TerminalPaneOptions;
  readonly #views = new Map<string, TerminalView>();
  /** Those that the session knows; the others are on their way to it. */
  readonly #known = new Set<string>();
  readonly #tabs: Tabs;
  readonly #stack = el('div', { class: 'wb-terms' });
  readonly #empty: HTMLElement;
  readonly #hint = el('p', { class: 'wb-term-hint', hidden: true }, 'Leave the terminal with ');
  #selected = '';
  /** The learner closed the last one; do not open another by ourselves. */
  #wantsNone = false;
  #screenReader = recall('screen-reader') === 'on';
  #fontSize = recallNumber('font-size', 13);
  readonly #stop: (() => void)[] = [];

  constructor(options: TerminalPaneOptions) {
    this.#o = options;
    this.#tabs = new Tabs({
      label: 'Terminals',
      onSelect: (id) => this.select(id),
      onClose: (id) => this.#o.connection.send({ type: 'terminal.close', terminal: id }),
      onEnter: () => this.focus(),
    });
    this.#empty = el(
      'div',
      { class: 'wb-empty', hidden: true },
      el('p', null, 'No shell is open.'),
      el('button', { type: 'button', onclick: () => this.openAnother() }, 'Open a shell'),
    );
    this.#hint.append(el('kbd', null, 'Ctrl-Shift-Esc'), ', go from pane to pane with ', el('kbd', null, 'F6'), '.');
    this.element = el(
      'section',
      { class: 'wb-pane wb-lower', 'aria-label': 'Terminal', 'data-pane-name': 'terminal' },
      el(
        'div',
        { class: 'wb-bar' },
        this.#tabs.element,
        el(
          'button',
          {
            type: 'button',
            class: 'wb-plus',
            'aria-label': 'Open another shell',
            title: 'Open another shell',
            onclick: () => {
              this.openAnother();
              this.focus();
            },
          },
          '+',
        ),
        el('span', { class: 'spring' }),
        this.#hint,
      ),
      el('div', { class: 'wb-stack' }, this.#stack, this.#empty),
    );
    const observer = new ResizeObserver(() => this.fit());
    observer.observe(this.#stack);
    this.#stop.push(
      () => observer.disconnect(),
      onSchemeChange((scheme) => {
        for (const view of this.#views.values()) view.setScheme(scheme);
      }),
    );
    void document.fonts.load('13px "JetBrains Mono Variable"').then(() => {
      for (const view of this.#views.values()) view.setFontSize(this.#fontSize);
    });
  }

  get screenReader(): boolean {
    return this.#screenReader;
  }
  get count(): number {
    return this.#views.size;
  }
  get selectedTitle(): string {
    return this.#selected ? titleOf(this.#selected) : 'terminal';
  }

  /** A terminal is there, whoever opened it: this page, another tab, or an earlier visit. */
  opened(id: string): void {
    this.#wantsNone = false;
    this.#known.add(id);
    if (!this.#views.has(id)) this.#add(id);
    if (!this.#selected) this.select(id);
    this.#draw();
  }

  /** The line to the session is gone: which terminals it has is not known until it is back. */
  detached(): void {
    this.#known.clear();
  }

  /** The session has named its terminals: those on this page that it does not have are opened there. */
  attached(): void {
    for (const view of this.#views.values()) {
      if (this.#known.has(view.id)) continue;
      this.#o.connection.send({ type: 'terminal.open', terminal: view.id, ...view.size });
      this.#known.add(view.id);
    }
  }

  closed(id: string): void {
    const view = this.#views.get(id);
    if (!view) return;
    const hadFocus =
      view.element.contains(document.activeElement) || this.#tabs.element.contains(document.activeElement);
    this.#views.delete(id);
    this.#known.delete(id);
    view.dispose();
    if (this.#selected === id) this.#selected = [...this.#views.keys()].at(-1) ?? '';
    if (this.#selected) this.select(this.#selected);
    this.#draw();
    if (!hadFocus) return;
    if (this.#selected) this.#tabs.focus();
    else this.#empty.querySelector('button')?.focus();
  }

  print(id: string, print: Print): void {
    if (!this.#views.has(id)) this.opened(id);
    this.#views.get(id)!.print(print);
  }

  /** Opens the first shell when the session has none. */
  ensureOne(): void {
    if (this.#views.size === 0 && !this.#wantsNone) this.openAnother();
  }

  /** The learner ended the last shell: it stays so until another is asked for. */
  leaveEmpty(): void {
    this.#wantsNone = true;
    this.#draw();
  }
  forgetAll(): void {
    for (const id of [...this.#views.keys()]) this.closed(id);
    this.#wantsNone = false;
  }

  openAnother(): void {
    this.#wantsNone = false;
    if (this.#views.size >= MOST_TERMINALS) return this.#o.say(`There are ${MOST_TERMINALS} shells open already.`);
    let n = 1;
    while (this.#views.has(`shell-${n}`)) n++;
    const id = `shell-${n}`;
    const view = this.#add(id);
    this.select(id);
    view.mount();
    this.#o.connection.send({ type: 'terminal.open', terminal: id, ...view.size });
    this.#known.add(id);
  }

  select(id: string): void {
    this.#selected = id;
    for (const view of this.#views.values()) view.element.hidden = view.id !== id;
    this.#draw();
    const view = this.#views.get(id);
    view?.mount();
    view?.fit();
    document.dispatchEvent(new CustomEvent('academy:terminal', { detail: titleOf(id) }));
  }

  focus(): void {
    this.#views.get(this.#selected)?.focus();
  }
  focusTab(): void {
    this.#tabs.focus();
  }

  run(command: string): void {
    if (this.#views.size === 0) this.openAnother();
    this.#views.get(this.#selected)?.run(command);
  }

  fit(): void {
    const view = this.#views.get(this.#selected);
    view?.mount();
    view?.fit();
  }

  setScreenReader(on: boolean): void {
    this.#screenReader = on;
    remember('screen-reader', on ? 'on' : 'off');
    for (const view of this.#views.values()) view.setScreenReader(on);
  }

  changeFontSize(by: number): void {
    this.#fontSize = Math.min(LARGEST, Math.max(SMALLEST, this.#fontSize + by));
    remember('font-size', String(this.#fontSize));
    for (const view of this.#views.values()) view.setFontSize(this.#fontSize);
  }

  dispose(): void {
    for (const stop of this.#stop) stop();
    for (const view of this.#views.values()) view.dispose();
  }

  #add(id: string): TerminalView {
    const { connection } = this.#o;
    const view = new TerminalView({
      id,
      title: titleOf(id),
      scheme: currentScheme(),
      fontSize: this.#fontSize,
      screenReader: this.#screenReader,
      onInput: (data) => {
        for (const piece of cutInput(data)) connection.send({ type: 'terminal.input', terminal: id, data: piece });
      },
      onSize: (size) => this.#known.has(id) && connection.send({ type: 'terminal.resize', terminal: id, ...size }),
      onLeave: () => this.#tabs.focus(),
      onFocus: () => this.#showHint(),
    });
    view.element.hidden = id !== this.#selected;
    this.#views.set(id, view);
    this.#stack.append(view.element);
    return view;
  }

  /** How to get out again, said the first times that focus goes in. */
  #showHint(): void {
    const shown = recallNumber(HELP_KEY, 0);
    if (shown >= 6) return;
    remember(HELP_KEY, String(shown + 1));
    this.#hint.hidden = false;
    setTimeout(() => {
      this.#hint.hidden = true;
    }, 6_000);
  }

  #draw(): void {
    this.#empty.hidden = this.#views.size > 0 || !this.#wantsNone;
    this.#tabs.show(
      [...this.#views.keys()].map((id) => ({
        id,
        title: titleOf(id),
        controls: `terminal-${id}`,
        closable: this.#views.size > 1 ? `Close ${titleOf(id)}` : undefined,
      })),
      this.#selected,
    );
  }
}

const titleOf = (id: string): string => id.replace('-', ' ');
