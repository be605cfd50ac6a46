/** What a learner did: typed text, pasted text, or a key with a name such as `ctrl-a`, `alt-b`, `up`, `ctrl-left`, `delete`. */
export type Key = { type: 'text'; text: string } | { type: 'paste'; text: string } | { type: 'key'; name: string };

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';
/** Longest paste that is taken, UTF-16 units; the rest of a longer one is dropped. */
const LONGEST_PASTE = 1024 * 1024;

const CURSOR: Record<string, string> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
  Z: 'shift-tab',
};
const TILDE: Record<string, string> = {
  '1': 'home',
  '2': 'insert',
  '3': 'delete',
  '4': 'end',
  '5': 'page-up',
  '6': 'page-down',
  '7': 'home',
  '8': 'end',
};
const CONTROL: Record<string, string> = {
  '\r': 'enter',
  '\n': 'ctrl-j',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\x1c': 'ctrl-\\',
  '\x1d': 'ctrl-]',
  '\x1e': 'ctrl-^',
  '\x1f': 'ctrl-_',
  '\0': 'ctrl-@',
};

function controlName(char: string): string {
  return CONTROL[char] ?? `ctrl-${String.fromCharCode(char.charCodeAt(0) + 0x60)}`;
}

/** `;5` of a sequence is Ctrl, `;3` Alt, `;2` Shift (xterm's modifiers, one more than the bits). */
function modified(name: string, modifier: string | undefined): string {
  const bits = Number(modifier ?? '1') - 1;
  return `${bits & 4 ? 'ctrl-' : ''}${bits & 2 ? 'alt-' : ''}${bits & 1 ? 'shift-' : ''}${name}`;
}

/**
 * Turns what a terminal sends into keys, one at a time. A sequence that is cut off at the end of a chunk waits for its rest. An Escape
 * alone at the end of a chunk is reported as `escape`, and still makes Alt of a character that comes next.
 */
export class KeyDecoder {
  #input = '';
  #paste: string | undefined;
  #meta = false;

  push(data: string): void {
    this.#input += data;
  }

  /** What was not turned into keys yet; it is forgotten here. */
  takeRest(): string {
    const rest = this.#input;
    this.#input = '';
    return rest;
  }

  /** The next key; undefined when more input is needed. */
  next(): Key | undefined {
    while (this.#input !== '') {
      if (this.#paste !== undefined) return this.#inPaste();
      const before = this.#input.length;
      const key = this.#one();
      if (key) return key;
      if (this.#input.length >= before && this.#paste === undefined) return undefined;
    }
    return undefined;
  }

  #take(count: number): string {
    const taken = this.#input.slice(0, count);
    this.#input = this.#input.slice(count);
    return taken;
  }

  #inPaste(): Key | undefined {
    const end = this.#input.indexOf(PASTE_END);
    if (end < 0) {
      // The end mark itself may be cut in two.
      const mark = this.#input.lastIndexOf('\x1b');
      const isCut = mark >= 0 && PASTE_END.startsWith(this.#input.slice(mark));
      this.#paste = (this.#paste + this.#take(isCut ? mark : this.#input.length)).slice(0, LONGEST_PASTE);
      return undefined;
    }
    const text = (this.#paste + this.#take(end)).slice(0, LONGEST_PASTE);
    this.#take(PASTE_END.length);
    this.#paste = undefined;
    return { type: 'paste', text };
  }

  #one(): Key | undefined {
    const input = this.#input;
    const first = input[0]!;
    if (first === '\x1b') return this.#escape();
    if (first < ' ' || first === '\x7f') {
      this.#take(1);
      return this.#named(controlName(first));
    }
    if (this.#meta && /^[[O]/.test(input)) {
      // A sequence whose Escape came in the chunk before.
      this.#meta = false;
      this.#input = `\x1b${input}`;
      return this.#escape();
    }
    if (this.#meta) return this.#named(this.#take(String.fromCodePoint(input.codePointAt(0)!).length).toLowerCase());
    let end = 1;
    while (end < input.length && input[end]! >= ' ' && input[end] !== '\x7f') end++;
    return { type: 'text', text: this.#take(end) };
  }

  #named(name: string): Key {
    const named = this.#meta ? `alt-${name}` : name;
    this.#meta = false;
    return { type: 'key', name: named };
  }

  #escape(): Key | undefined {
    const input = this.#input;
    if (input.startsWith(PASTE_START)) {
      this.#take(PASTE_START.length);
      this.#paste = '';
      return undefined;
    }
    if (input.length === 1) {
      this.#take(1);
      const wasMeta = this.#meta;
      this.#meta = true;
      return wasMeta ? undefined : { type: 'key', name: 'escape' };
    }
    const sequence = /^\x1b\[([0-9;?]*)[ -/]*([@-~])/.exec(input) ?? /^\x1bO()([A-Za-z])/.exec(input);
    if (sequence) {
      this.#take(sequence[0].length);
      const [first, modifier] = sequence[1]!.split(';');
      const name = sequence[2] === '~' ? TILDE[first ?? ''] : CURSOR[sequence[2]!];
      if (name) return this.#named(modified(name, modifier));
      this.#meta = false;
      return undefined;
    }
    if (/^\x1b(\[[0-9;?]*[ -/]*|O)$/.test(input) && input.length < 32) return undefined;
    this.#take(/^\x1b[[O]/.test(input) ? 2 : 1);
    this.#meta = !/^\x1b[[O]/.test(input);
    return undefined;
  }
}
