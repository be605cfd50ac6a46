import { FitAddon } from '@xterm/addon-fit';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import type { Scheme } from '../colour-scheme.ts';
import { el } from '../element.ts';
import type { Print } from './offsets.ts';
import { PALETTES } from './palettes.ts';

export interface TerminalViewOptions {
  id: string;
  title: string;
  scheme: Scheme;
  fontSize: number;
  screenReader: boolean;
  onInput(data: string): void;
  onSize(size: { columns: number; rows: number }): unknown;
  /** Ctrl-Shift-Escape: out of the terminal. */
  onLeave(): void;
  onFocus(): void;
}

const SCROLLBACK_LINES = 10_000;
/** What a terminal answers by itself when a program asks it something. */
const REPORT = /^(?:\x1b\[[?>=]?[\d;]*[Rcn]|\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\))+$/;

/** One terminal on the page. */
export class TerminalView {
  readonly id: string;
  readonly element: HTMLElement;
  readonly #term: Terminal;
  readonly #fit = new FitAddon();
  readonly #o: TerminalViewOptions;
  #replaying = 0;
  #size = '';
  #mounted = false;

  constructor(options: TerminalViewOptions) {
    this.#o = options;
    this.id = options.id;
    this.element = el('div', {
      class: 'wb-term',
      id: `terminal-${options.id}`,
      role: 'tabpanel',
      'aria-labelledby': `tab-terminal-${options.id}`,
      'data-terminal': options.id,
    });
    this.#term = new Terminal({
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-code') || 'monospace',
      fontSize: options.fontSize,
      lineHeight: 1.3,
      fontWeightBold: 600,
      cursorBlink: false,
      cursorInactiveStyle: 'outline',
      scrollback: SCROLLBACK_LINES,
      theme: PALETTES[options.scheme],
      minimumContrastRatio: 4.5,
      screenReaderMode: options.screenReader,
      macOptionIsMeta: true,
      rightClickSelectsWord: false,
    });
    this.#term.loadAddon(this.#fit);
    this.#term.loadAddon(
      new WebLinksAddon((event, uri) => {
        event.preventDefault();
        window.open(uri, '_blank', 'noopener,noreferrer');
      }),
    );
    this.#term.attachCustomKeyEventHandler((event) => this.#key(event));
    this.#term.onData((data) => {
      // A replay of old output holds old questions; they were answered when they were asked.
      if (this.#replaying > 0 && REPORT.test(data)) return;
      options.onInput(data);
    });
  }

  /** Size in characters, or undefined while the pane is not on the screen. */
  get size(): { columns: number; rows: number } {
    return { columns: Math.max(2, this.#term.cols), rows: Math.max(2, this.#term.rows) };
  }

  mount(): void {
    if (this.#mounted || this.element.offsetWidth === 0) return;
    this.#mounted = true;
    this.#term.open(this.element);
    this.#term.textarea?.setAttribute(
      'aria-label',
      `${this.#o.title}. Leave with Control, Shift and Escape. Screen reader mode is in the menu.`,
    );
    this.#term.textarea?.addEventListener('focus', () => this.#o.onFocus());
    this.fit();
  }

  fit(): void {
    if (!this.#mounted || this.element.offsetWidth === 0) return;
    const wanted = this.#fit.proposeDimensions();
    if (!wanted || !Number.isFinite(wanted.cols) || !Number.isFinite(wanted.rows)) return;
    this.#fit.fit();
    const { columns, rows } = this.size;
    if (this.#size === `${columns}x${rows}`) return;
    this.#size = `${columns}x${rows}`;
    this.#o.onSize({ columns, rows });
  }

  print({ clear, data }: Print): void {
    if (clear) this.#term.reset();
    if (data === '') return;
    if (!clear) return this.#term.write(data);
    this.#replaying++;
    this.#term.write(data, () => {
      this.#replaying--;
    });
  }

  focus(): void {
    this.mount();
    this.#term.focus();
  }

  /** Types a command and presses Enter, as one paste where the shell takes pastes. */
  run(command: string): void {
    this.#term.scrollToBottom();
    this.#term.paste(command);
    this.#term.input('\r');
  }

  setScheme(scheme: Scheme): void {
    this.#term.options.theme = PALETTES[scheme];
  }
  setScreenReader(on: boolean): void {
    this.#term.options.screenReaderMode = on;
  }
  setFontSize(size: number): void {
    this.#term.options.fontSize = size;
    this.fit();
  }

  dispose(): void {
    this.#term.dispose();
    this.element.remove();
  }

  #key(event: KeyboardEvent): boolean {
    const { ctrlKey, shiftKey, altKey, metaKey, key, type } = event;
    if (ctrlKey && shiftKey && key === 'Escape') {
      if (type === 'keydown') this.#o.onLeave();
      event.preventDefault();
      return false;
    }
    if (ctrlKey && shiftKey && key.toLowerCase() === 'c') {
      if (type === 'keydown' && this.#term.hasSelection()) {
        void navigator.clipboard?.writeText(this.#term.getSelection());
      }
      event.preventDefault();
      return false;
    }
    // The browser pastes by itself; the terminal must only keep out of the way.
    if (ctrlKey && shiftKey && key.toLowerCase() === 'v') return false;
    if (shiftKey && key === 'Insert') return false;
    // Keys of the page: from pane to pane, and to the next terminal.
    if (key === 'F6' && !altKey && !metaKey) return false;
    return true;
  }
}
