import { openDialog } from './dialog.ts';
import { el } from './element.ts';

const KEYS: [string, string][] = [
  ['F6, Shift-F6', 'go to the next, the previous pane'],
  ['Ctrl-Shift-Esc', 'leave the terminal or the editor, to its tabs'],
  ['Ctrl-`', 'into the terminal'],
  ['← → Home End', 'on a row of tabs: choose; ↓ or Enter goes into the pane'],
  ['Delete', 'on a tab: close it'],
  ['← → ↑ ↓', 'on a bar between panes: resize; Shift for larger steps, Enter for the first size'],
  ['Ctrl-Shift-C, Ctrl-Shift-V', 'in the terminal: copy, paste (Ctrl-C stays the terminal’s)'],
  ['Ctrl-R, Tab', 'in the terminal: search the history, complete'],
  ['Ctrl-S', 'in the editor: save now (it is saved by itself as well)'],
  ['Ctrl-M', 'in the editor: Tab moves on instead of indenting'],
  ['?', 'this list'],
];

export function openKeyboardHelp(): void {
  openDialog({
    title: 'Keys',
    wide: true,
    body: [
      el(
        'dl',
        { class: 'keys' },
        KEYS.map(([keys, what]) => [
          el(
            'dt',
            null,
            keys.split(', ').map((key, at) => [at > 0 && ' ', el('kbd', null, key)]),
          ),
          el('dd', null, what),
        ]),
      ),
    ],
  });
}

export interface Stop {
  element: HTMLElement;
  focus(): void;
}

/** The keys of the page as a whole. `stops` are the panes in the order in which F6 visits them. */
export function startKeyboard(stops: () => Stop[], terminal: () => void): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (event.key === 'F6' && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      const list = stops().filter(({ element }) => element.checkVisibility());
      const at = list.findIndex(({ element }) => element.contains(document.activeElement));
      const step = event.shiftKey ? -1 : 1;
      list[(at + step + list.length) % list.length]?.focus();
    } else if (event.key === '`' && event.ctrlKey) {
      event.preventDefault();
      terminal();
    } else if (event.key === '?' && !isTyping(event.target)) {
      event.preventDefault();
      openKeyboardHelp();
    }
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input, textarea, select, [contenteditable], .wb-term, .monaco-editor') !== null
  );
}
