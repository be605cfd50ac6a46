import { EditBuffer, KillRing } from './buffer.ts';
import { inColumns } from './columns.ts';
import type { Completion } from './complete.ts';
import { EDITS } from './edits.ts';
import { expandHistory } from './expand.ts';
import type { History } from './history.ts';
import type { Key } from './keys.ts';
import { LineScreen } from './screen.ts';
import { HistorySearch } from './search.ts';
import { tabbed } from './tab.ts';

export interface EditorHost {
  /** Terminal output. */
  write(data: string): void;
  readonly history: History;
  complete(line: string): Promise<Completion>;
  isIncomplete(text: string): boolean;
}

/** What a key brought about: a whole command, Ctrl-C, or Ctrl-D on an empty line. */
export type Outcome = { type: 'line'; text: string } | { type: 'interrupt' } | { type: 'eof' };

const PS2 = '> ';
const BELL = '\x07';
/** More candidates than this are listed on demand only, as readline asks. */
const ASK_ABOVE = 100;

type LastAction = 'insert' | 'cut' | 'yank' | 'tab' | 'last-word' | 'other';

/** One line of input with readline's keys. All that it prints goes to the host, at once. */
export class LineEditor {
  readonly #host: EditorHost;
  readonly #buffer = new EditBuffer();
  readonly #kills = new KillRing();
  readonly #screen: LineScreen;
  #columns: number;
  #prompt = '';
  /** Lines of this command that were entered before, with their newlines. */
  #entered = '';
  #historyAt = 0;
  readonly #edited = new Map<number, string>();
  #last: LastAction = 'other';
  #lastWordAt = 0;
  #search: HistorySearch | undefined;
  #asking: string[] | undefined;
  #active = false;

  constructor(host: EditorHost, columns: number) {
    this.#host = host;
    this.#columns = columns;
    this.#screen = new LineScreen(columns);
  }

  /** Shows the prompt and begins a new command. */
  start(prompt: string): void {
    this.#entered = '';
    this.#active = true;
    this.#begin(prompt);
  }

  /** Takes the input line off the screen, so that something can be printed above it; `show` brings it back. */
  hide(): void {
    this.#host.write(this.#screen.erase());
  }

  show(): void {
    if (this.#active && !this.#screen.isDrawn) this.#draw();
  }

  resize(columns: number): void {
    this.#columns = columns;
    const output = this.#screen.resize(columns, this.#cursorShown());
    if (output) this.#host.write(output);
  }

  async key(key: Key): Promise<Outcome | undefined> {
    if (this.#asking) return this.#answer(key);
    if (this.#search) {
      const done = this.#searchKey(key);
      if (done) return undefined;
    }
    if (key.type === 'text') return this.#insert(key.text, 'insert');
    if (key.type === 'paste') return this.#insert(cleanPaste(key.text), 'other');
    const before = this.#last;
    this.#last = 'other';
    const outcome = await this.#command(key.name, before);
    if (this.#active && this.#screen.isDrawn && !this.#search && !this.#asking) this.#refresh();
    return outcome;
  }

  #begin(prompt: string): void {
    this.#prompt = prompt;
    this.#buffer.reset();
    this.#edited.clear();
    this.#historyAt = this.#host.history.length;
    this.#last = 'other';
    this.#search = undefined;
    this.#asking = undefined;
    this.#draw();
  }

  #draw(): void {
    const search = this.#search;
    if (search) this.#host.write(this.#screen.draw(search.prompt(), search.shown(), search.cursor()));
    else this.#host.write(this.#screen.draw(this.#prompt, this.#buffer.text, this.#buffer.cursor));
  }

  #refresh(): void {
    const output = this.#screen.update(this.#buffer.text, this.#buffer.cursor);
    if (output) this.#host.write(output);
  }

  #cursorShown(): number {
    return this.#search ? this.#search.cursor() : this.#buffer.cursor;
  }

  #bell(): void {
    this.#host.write(BELL);
  }

  #insert(text: string, action: LastAction): undefined {
    if (this.#last !== 'insert' || action !== 'insert') this.#buffer.remember();
    if (!this.#buffer.insert(text)) this.#bell();
    this.#last = action;
    this.#refresh();
    return undefined;
  }

  #cut(from: number, to: number, where: 'before' | 'after', before: LastAction): void {
    if (from === to) return;
    this.#buffer.remember();
    this.#kills.add(this.#buffer.cut(from, to), where, before === 'cut');
    this.#last = 'cut';
  }

  async #command(name: string, before: LastAction): Promise<Outcome | undefined> {
    const buffer = this.#buffer;
    const edit = EDITS[name];
    if (edit) return edit(buffer) as undefined;
    switch (name) {
      case 'enter':
      case 'ctrl-j':
        return this.#enter();
      case 'ctrl-c':
        this.#host.write(`${this.#screen.update(buffer.text, buffer.text.length)}^C`);
        return this.#end({ type: 'interrupt' }, '\r\n');
      case 'ctrl-d':
        if (buffer.text === '' && this.#entered === '') return this.#end({ type: 'eof' }, '');
        if (buffer.text === '') return this.#bell() as undefined;
        return this.#delete();
      case 'delete':
        return this.#delete();
      case 'backspace':
      case 'ctrl-h': {
        if (buffer.cursor === 0) return this.#bell() as undefined;
        buffer.remember();
        const end = buffer.cursor;
        buffer.left();
        buffer.cut(buffer.cursor, end);
        return undefined;
      }
      case 'ctrl-k':
        return this.#cut(buffer.cursor, buffer.text.length, 'after', before) as undefined;
      case 'ctrl-u':
        return this.#cut(0, buffer.cursor, 'before', before) as undefined;
      case 'ctrl-w':
        return this.#cut(buffer.blankWordLeft(), buffer.cursor, 'before', before) as undefined;
      case 'alt-backspace':
      case 'alt-ctrl-h':
        return this.#cut(buffer.wordLeft(), buffer.cursor, 'before', before) as undefined;
      case 'alt-d':
      case 'ctrl-delete':
        return this.#cut(buffer.cursor, buffer.wordRight(), 'after', before) as undefined;
      case 'ctrl-y':
        return this.#yank(this.#kills.current());
      case 'alt-y':
        if (before !== 'yank') return this.#bell() as undefined;
        buffer.undo();
        return this.#yank(this.#kills.rotate());
      case 'ctrl-t':
        buffer.remember();
        if (!buffer.transpose()) this.#bell();
        return undefined;
      case 'ctrl-_':
        if (!buffer.undo()) this.#bell();
        return undefined;
      case 'ctrl-l':
        this.#host.write('\x1b[H\x1b[2J');
        this.#draw();
        return undefined;
      case 'up':
      case 'ctrl-p':
        return this.#goHistory(this.#historyAt - 1);
      case 'down':
      case 'ctrl-n':
        return this.#goHistory(this.#historyAt + 1);
      case 'alt-<':
        return this.#goHistory(0);
      case 'alt->':
        return this.#goHistory(this.#host.history.length);
      case 'alt-.':
      case 'alt-_':
        return this.#lastWord(before);
      case 'ctrl-r':
        this.hide();
        this.#search = new HistorySearch(this.#host.history, buffer.text, buffer.cursor);
        return this.#draw() as undefined;
      case 'tab':
        return this.#tab(before === 'tab');
      case 'alt-#':
        buffer.set(`#${buffer.text}`);
        this.#refresh();
        return this.#enter();
      default:
        // Ctrl-S, Ctrl-Q, Ctrl-Z, function keys and whatever else means nothing here.
        return undefined;
    }
  }

  #delete(): undefined {
    const buffer = this.#buffer;
    const start = buffer.cursor;
    buffer.right();
    const end = buffer.cursor;
    buffer.cursor = start;
    if (start === end) return this.#bell() as undefined;
    buffer.remember();
    buffer.cut(start, end);
    return undefined;
  }

  #yank(text: string | undefined): undefined {
    if (text === undefined) return this.#bell() as undefined;
    this.#buffer.remember();
    this.#buffer.insert(text);
    this.#last = 'yank';
    return undefined;
  }

  #goHistory(index: number): undefined {
    const { history } = this.#host;
    if (index < 0 || index > history.length || index === this.#historyAt) return this.#bell() as undefined;
    this.#edited.set(this.#historyAt, this.#buffer.text);
    this.#historyAt = index;
    this.#buffer.set(this.#edited.get(index) ?? history.at(index) ?? '');
    return undefined;
  }

  /** Alt-. puts the last word of the command before here, then of the one before that. */
  #lastWord(before: LastAction): undefined {
    const { history } = this.#host;
    if (before === 'last-word') this.#buffer.undo();
    else this.#lastWordAt = history.length;
    const line = history.at(--this.#lastWordAt);
    if (line === undefined) return this.#bell() as undefined;
    this.#buffer.remember();
    this.#buffer.insert(/(?:"(?:\\.|[^"])*"|'[^']*'|\\.|\S)+\s*$/.exec(line)?.[0].trimEnd() ?? '');
    this.#last = 'last-word';
    return undefined;
  }

  #enter(): Outcome | undefined {
    const line = this.#buffer.text;
    let expanded: string;
    this.#host.write(this.#screen.leave());
    try {
      expanded = expandHistory(line, this.#host.history);
    } catch (error) {
      this.#host.write(`bash: ${(error as Error).message}\r\n`);
      return this.#end({ type: 'line', text: '' }, '');
    }
    if (expanded !== line) this.#host.write(`${expanded.replaceAll('\n', '\r\n')}\r\n`);
    const text = this.#entered + expanded;
    if (this.#host.isIncomplete(text)) {
      this.#entered = `${text}\n`;
      this.#begin(PS2);
      return undefined;
    }
    if (text.trim() !== '') this.#host.history.add(text);
    return this.#end({ type: 'line', text }, '');
  }

  #end(outcome: Outcome, output: string): Outcome {
    if (output) this.#host.write(output);
    if (this.#screen.isDrawn) this.#screen.erase();
    this.#active = false;
    this.#entered = '';
    return outcome;
  }

  /** Returns true when the key was used up by the search. */
  #searchKey(key: Key): boolean {
    const search = this.#search!;
    const result = search.key(key);
    if (result === 'continue') {
      this.hide();
      this.#draw();
      return true;
    }
    this.hide();
    this.#search = undefined;
    const found = search.result();
    if (result === 'cancel') this.#buffer.set(search.before.text, search.before.cursor);
    else if (found) {
      this.#historyAt = found.index;
      this.#buffer.set(found.line, found.cursor);
    }
    this.#last = 'other';
    this.#draw();
    return result !== 'accept-and-act';
  }

  async #tab(again: boolean): Promise<undefined> {
    const buffer = this.#buffer;
    const before = buffer.text.slice(0, buffer.cursor);
    const tab = tabbed(await this.#host.complete(this.#entered + before), this.#entered.length, before);
    this.#last = 'tab';
    if (tab.type === 'insert') {
      buffer.remember();
      buffer.cut(tab.from, buffer.cursor);
      // A blank that stands there already is not doubled.
      const spare = tab.text.endsWith(' ') && buffer.text[buffer.cursor] === ' ' ? 1 : 0;
      buffer.insert(spare ? tab.text.slice(0, -1) : tab.text);
      buffer.cursor += spare;
      // As readline counts, the next Tab is a first one again.
      this.#last = 'other';
      return undefined;
    }
    if (tab.type === 'nothing' || !again) return this.#bell() as undefined;
    this.#host.write(this.#screen.leave());
    if (tab.labels.length > ASK_ABOVE) {
      this.#host.write(`Display all ${tab.labels.length} possibilities? (y or n)`);
      this.#asking = tab.labels;
    } else this.#list(tab.labels);
    return undefined;
  }

  #list(labels: string[]): void {
    this.#host.write(inColumns(labels, this.#columns).replaceAll('\n', '\r\n'));
    this.#draw();
  }

  #answer(key: Key): undefined {
    const labels = this.#asking!;
    const word = key.type === 'text' ? key.text : key.type === 'key' ? key.name : '';
    const yes = /^[yY ]/.test(word) || word === 'tab';
    const no = /^[nN]/.test(word) || ['backspace', 'ctrl-c', 'ctrl-g', 'escape'].includes(word);
    if (!yes && !no) return undefined;
    this.#asking = undefined;
    this.#host.write('\r\n');
    if (yes) this.#list(labels);
    else this.#draw();
    return undefined;
  }
}

/** A paste keeps its newlines and tabs; other control characters, and a newline at the very end, are left out. */
function cleanPaste(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
    .replace(/\n+$/, '');
}
