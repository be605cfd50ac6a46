import { el, replace } from '../element.ts';
import type { SaveState } from './file-sync.ts';

export interface FileListOptions {
  onOpen(path: string): void;
  onNew(): void;
  onRename(path: string): void;
  onDelete(path: string): void;
  onDownload(path: string): void;
}

/** The learner's files. What can be done with the one that is shown stands below the list. */
export class FileList {
  readonly element: HTMLElement;
  readonly #list = el('ul', { 'aria-label': 'Files' });
  readonly #o: FileListOptions;
  readonly #actions: HTMLElement;
  #shown: string | undefined;

  constructor(options: FileListOptions) {
    this.#o = options;
    const action = (label: string, act: (path: string) => void) =>
      el(
        'button',
        { type: 'button', class: 'quiet', onclick: () => this.#shown !== undefined && act(this.#shown) },
        label,
      );
    this.#actions = el(
      'div',
      { class: 'actions', hidden: true },
      action('Rename', (path) => options.onRename(path)),
      action('Delete', (path) => options.onDelete(path)),
      action('Download', (path) => options.onDownload(path)),
    );
    this.element = el(
      'div',
      { class: 'wb-files' },
      el(
        'header',
        null,
        el('h3', null, 'Files'),
        el('button', { type: 'button', class: 'quiet', onclick: () => options.onNew() }, 'New'),
      ),
      this.#list,
      this.#actions,
    );
  }

  draw(paths: readonly string[], shown: string | undefined, stateOf: (path: string) => SaveState): void {
    this.#shown = shown !== undefined && paths.includes(shown) ? shown : undefined;
    this.#actions.hidden = this.#shown === undefined;
    const focused = (document.activeElement as HTMLElement | null)?.dataset['path'];
    replace(
      this.#list,
      paths.length === 0 && el('li', { class: 'none' }, 'No files yet.'),
      paths.map((path) => {
        const state = stateOf(path);
        return el(
          'li',
          null,
          el(
            'button',
            {
              type: 'button',
              'data-path': path,
              'aria-current': path === shown ? 'true' : undefined,
              onclick: () => this.#o.onOpen(path),
            },
            path,
            state !== 'saved' && el('em', null, SHORT[state]),
          ),
        );
      }),
    );
    if (focused) this.#list.querySelector<HTMLElement>(`[data-path="${CSS.escape(focused)}"]`)?.focus();
  }
}

const SHORT: Record<SaveState, string> = {
  saved: '',
  saving: 'saving',
  unsaved: 'not saved',
  conflict: 'changed twice',
};
