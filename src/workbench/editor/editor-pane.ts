import type { Clock } from '#base/clock.ts';
import { currentScheme, onSchemeChange } from '../colour-scheme.ts';
import type { Connection } from '../connection.ts';
import { el, replace } from '../element.ts';
import type { Edit, LabStore } from '../lab-store.ts';
import { Tabs } from '../tabs.ts';
import { conflictBanner, waitingBanner } from './edit-banner.ts';
import { askDelete, download } from './file-dialogs.ts';
import { FileList } from './file-list.ts';
import { FileSync, type SaveState } from './file-sync.ts';
import type { CodeEditor } from './monaco.ts';
import { askName } from './name-dialog.ts';
import { resourceSchemas } from './resource-schemas.ts';

export interface EditorPaneOptions {
  store: LabStore;
  connection: Connection;
  clock: Clock;
  say(sentence: string): void;
  /** A program waits for a text: the pane has to be on the screen. */
  reveal(): void;
  /** Out of the editor by keyboard. */
  onLeave(): void;
}

const STATE_WORDS: Record<SaveState, string> = {
  saved: 'Saved',
  saving: 'Saving …',
  unsaved: 'Not saved yet',
  conflict: 'Changed in two places',
};

/** The learner's files: a list, tabs, and Monaco, which is loaded when the pane is first shown. */
export class EditorPane {
  readonly element: HTMLElement;
  readonly #o: EditorPaneOptions;
  readonly #sync: FileSync;
  readonly #files: FileList;
  readonly #tabs: Tabs;
  readonly #host = el('div', { class: 'wb-code' });
  readonly #banner = el('div', { class: 'wb-banner', hidden: true });
  readonly #status = el('span', { class: 'wb-save', role: 'status' });
  readonly #blank = el('p', { class: 'wb-empty' }, 'Open a file from the list, or make a new one.');
  readonly #edits = new Map<string, Edit>();
  readonly #stop: (() => void)[] = [];
  #open: string[] = [];
  #shown: string | undefined;
  #editor: CodeEditor | undefined;
  #loading: Promise<void> | undefined;
  #checking = 0;
  #disposed = false;

  constructor(options: EditorPaneOptions) {
    this.#o = options;
    const { store, connection } = options;
    this.#sync = new FileSync({
      clock: options.clock,
      write: (path, content, baseVersion) => {
        if (connection.link.state !== 'open') return false;
        connection.send({ type: 'file.write', path, content, ...(baseVersion === undefined ? {} : { baseVersion }) });
        return true;
      },
      onText: (path, text) => {
        this.#editor?.setText(path, text);
        // What the shell wrote may be as wrong as what is typed.
        if (path === this.#shown) this.#checkSoon();
      },
      onState: () => this.#draw(),
      onRemoved: (path) => {
        options.say(`${path} was removed.`);
        this.#closeTab(path);
      },
    });
    this.#files = new FileList({
      onOpen: (path) => this.openFile(path, true),
      onNew: () => void this.#newFile(),
      onRename: (path) => void this.#rename(path),
      onDelete: (path) => this.#delete(path),
      onDownload: (path) => this.#download(path),
    });
    this.#tabs = new Tabs({
      label: 'Open files',
      onSelect: (path) => this.#show(path),
      onClose: (path) => this.#askClose(path),
      onEnter: () => this.#editor?.focus(),
    });
    this.element = el(
      'div',
      { class: 'wb-editor', id: 'view-editor', role: 'tabpanel', 'aria-labelledby': 'tab-view-editor' },
      this.#files.element,
      el(
        'div',
        { class: 'wb-edit' },
        el('div', { class: 'wb-bar small' }, this.#tabs.element, el('span', { class: 'spring' }), this.#status),
        this.#banner,
        el('div', { class: 'wb-stack' }, this.#host, this.#blank),
      ),
    );
    this.#stop.push(
      store.events.on('files', () => {
        this.#sync.reconnected(store.files);
        this.#draw();
        if (!this.element.hidden) this.shown();
      }),
      store.events.on('file', ({ path, content, version }) => {
        this.#sync.remote(path, content, version);
        this.#draw();
      }),
      store.events.on('edit', (edit) => this.#startEdit(edit)),
      store.events.on('editCancelled', (id) => this.#endEdit(id)),
      onSchemeChange((scheme) => this.#editor?.setScheme(scheme)),
    );
    this.#draw();
  }

  /** The pane is on the screen: load the editor, and show a file if there is one. */
  shown(): void {
    void this.#load();
    if (this.#shown === undefined) {
      const first = [...this.#o.store.files.keys()].find((path) => /\.ya?ml$/.test(path));
      if (first) this.openFile(first, false);
    }
  }

  /** Loads the editor's code ahead of its first use. */
  preload(): void {
    void import('./monaco.ts').catch(() => {});
  }

  openFile(path: string, focus: boolean): void {
    const file = this.#o.store.files.get(path);
    if (!file) return;
    this.#sync.open(file);
    if (!this.#open.includes(path)) this.#open.push(path);
    this.#show(path);
    if (focus) void this.#load().then(() => this.#editor?.focus());
  }

  focus(): void {
    if (this.#editor && this.#shown !== undefined) this.#editor.focus();
    else this.#files.element.querySelector<HTMLElement>('ul button, header button')?.focus();
  }

  /** Something here is not in the session yet. */
  get unsaved(): boolean {
    return this.#open.some((path) => this.#sync.stateOf(path) !== 'saved');
  }

  saveAll(): void {
    this.#sync.flushAll();
  }

  dispose(): void {
    this.#disposed = true;
    this.saveAll();
    for (const stop of this.#stop) stop();
    this.#editor?.dispose();
  }

  #load(): Promise<void> {
    this.#loading ??= this.#create();
    return this.#loading;
  }

  async #create(): Promise<void> {
    this.#blank.textContent = 'Loading the editor …';
    try {
      const { CodeEditor } = await import('./monaco.ts');
      if (this.#disposed) return;
      this.#editor = new CodeEditor({
        host: this.#host,
        scheme: currentScheme(),
        onChange: (path, text) => {
          this.#sync.edited(path, text);
          this.#checkSoon();
        },
        onLeave: () => this.#o.onLeave(),
        onSave: (path) => this.#saveNow(path),
      });
      this.#blank.textContent = 'Open a file from the list, or make a new one.';
      if (this.#shown !== undefined) this.#show(this.#shown);
    } catch {
      this.#loading = undefined;
      this.#blank.textContent =
        'The editor could not be loaded. Files can still be edited in the terminal, with sed or a here-document.';
    }
  }

  #show(path: string): void {
    this.#shown = path;
    const edit = this.#edits.get(path);
    if (edit) this.#editor?.show(path, this.#editor.textOf(path) ?? edit.content, edit.path);
    else this.#editor?.show(path, this.#sync.textOf(path) ?? '');
    this.#draw();
    this.#checkSoon();
  }

  #saveNow(path: string): void {
    const edit = this.#edits.get(path);
    if (edit) this.#answer(path, true);
    else this.#sync.flush(path);
  }

  #draw(): void {
    const shown = this.#shown;
    this.#files.draw([...this.#o.store.files.keys()].sort(), shown, (path) => this.#sync.stateOf(path));
    this.#tabs.show(
      this.#open.map((path) => {
        const edit = this.#edits.get(path);
        return {
          id: path,
          title: edit ? nameOf(edit.path) : nameOf(path),
          note: edit ? 'waits' : this.#sync.stateOf(path) === 'conflict' ? 'changed twice' : undefined,
          controls: 'wb-code',
          closable: `Close ${edit ? edit.path : path}`,
        };
      }),
      shown ?? '',
    );
    this.#blank.hidden = shown !== undefined && this.#editor !== undefined;
    this.#host.hidden = shown === undefined;
    this.#host.id = 'wb-code';
    const edit = shown === undefined ? undefined : this.#edits.get(shown);
    const state = shown === undefined || edit ? undefined : this.#sync.stateOf(shown);
    const offline = this.#o.connection.link.state !== 'open' && state !== 'saved';
    this.#status.textContent = state ? (offline ? 'Kept here until the connection is back' : STATE_WORDS[state]) : '';
    this.#drawBanner(shown, edit, state);
  }

  #drawBanner(shown: string | undefined, edit: Edit | undefined, state: SaveState | undefined): void {
    const kind = edit ? `edit ${edit.id}` : state === 'conflict' ? `conflict ${shown}` : '';
    if (this.#banner.dataset['kind'] === kind) return;
    this.#banner.dataset['kind'] = kind;
    this.#banner.hidden = kind === '';
    this.#editor?.closeDiff();
    if (edit) replace(this.#banner, ...waitingBanner((save) => this.#answer(edit.id, save)));
    else if (state === 'conflict' && shown !== undefined) {
      const theirs = this.#sync.conflictOf(shown)?.content ?? null;
      const choices = {
        keepMine: () => this.#sync.keepMine(shown),
        takeTheirs: () => this.#sync.takeTheirs(shown),
        compare: () => this.#editor?.showDiff(shown, theirs ?? ''),
      };
      replace(this.#banner, ...conflictBanner(shown, theirs === null, choices));
    } else replace(this.#banner);
  }

  #startEdit(edit: Edit): void {
    if (this.#edits.has(edit.id)) return;
    this.#edits.set(edit.id, edit);
    this.#open.push(edit.id);
    this.#o.reveal();
    this.#o.say(`The terminal waits for you to edit ${nameOf(edit.path)}.`);
    this.#show(edit.id);
    void this.#load().then(() => this.#shown === edit.id && this.#editor?.focus());
  }

  #answer(id: string, save: boolean): void {
    const edit = this.#edits.get(id);
    if (!edit) return;
    const content = save ? (this.#editor?.textOf(id) ?? edit.content) : null;
    this.#o.connection.send({ type: 'edit.done', id, content });
    this.#endEdit(id);
    this.#o.onLeave();
  }

  #endEdit(id: string): void {
    if (!this.#edits.delete(id)) return;
    this.#closeTab(id);
  }

  #askClose(path: string): void {
    if (this.#edits.has(path)) return this.#answer(path, false);
    if (this.#sync.stateOf(path) === 'conflict') {
      this.#show(path);
      return this.#o.say('Choose which text stays first.');
    }
    this.#closeTab(path);
  }

  #closeTab(path: string): void {
    this.#sync.close(path);
    const at = this.#open.indexOf(path);
    this.#open = this.#open.filter((other) => other !== path);
    this.#editor?.close(path);
    if (this.#shown === path) {
      this.#shown = undefined;
      const next = this.#open[Math.min(at, this.#open.length - 1)];
      if (next !== undefined) return this.#show(next);
    }
    this.#draw();
  }

  async #newFile(): Promise<void> {
    const name = await askName('New file', 'policy.yaml', new Set(this.#o.store.files.keys()));
    if (name === undefined) return;
    this.#o.connection.send({ type: 'file.write', path: name, content: '' });
    const off = this.#o.store.events.on('file', ({ path }) => {
      if (path !== name) return;
      off();
      this.openFile(name, true);
    });
  }

  async #rename(path: string): Promise<void> {
    const name = await askName(`Rename ${path}`, path, new Set(this.#o.store.files.keys()));
    if (name === undefined) return;
    this.#sync.flush(path);
    const wasOpen = this.#open.includes(path);
    this.#o.connection.send({ type: 'file.rename', path, to: name });
    const off = this.#o.store.events.on('file', (event) => {
      if (event.path !== name) return;
      off();
      this.#sync.forget(path);
      if (!wasOpen) return;
      this.#closeTab(path);
      this.openFile(name, false);
    });
  }

  #delete(path: string): void {
    askDelete(path, () => {
      this.#sync.forget(path);
      this.#closeTab(path);
      this.#o.connection.send({ type: 'file.delete', path });
    });
  }

  #download(path: string): void {
    download(nameOf(path), this.#sync.textOf(path) ?? this.#o.store.files.get(path)?.content ?? '');
  }

  /** Underlines mistakes a moment after the last key; the parser is loaded with the first YAML file. */
  #checkSoon(): void {
    const turn = ++this.#checking;
    setTimeout(async () => {
      const path = this.#shown;
      if (turn !== this.#checking || path === undefined || !this.#editor) return;
      const name = this.#edits.get(path)?.path ?? path;
      if (!/\.(ya?ml|json)$/.test(name)) return;
      // With the line down there is nothing to check by; the next change asks again.
      const asked = Promise.all([import('./yaml-mistakes.ts'), resourceSchemas()]).catch(() => undefined);
      const [checks, schemas] = (await asked) ?? [];
      const text = this.#editor?.textOf(path);
      if (checks && schemas && text !== undefined) this.#editor?.mark(path, checks.yamlMistakes(text, schemas));
    }, 250);
  }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
