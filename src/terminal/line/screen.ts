import { lay, type Position, promptEnd, shown } from './layout.ts';

/**
 * Draws a prompt and the line behind it, and keeps them right while the line changes. It prints the least that makes the change:
 * what stands before the first changed character is left alone. Returns terminal output, never writes itself.
 */
export class LineScreen {
  #columns: number;
  #prompt = '';
  #text = '';
  #cursor: Position = { row: 0, column: 0 };
  #drawn = false;

  constructor(columns: number) {
    this.#columns = columns;
  }

  get isDrawn(): boolean {
    return this.#drawn;
  }

  /** Draws anew from the cursor's row on, which must be at its first column. */
  draw(prompt: string, text: string, cursor: number): string {
    this.#prompt = prompt;
    this.#text = text;
    this.#drawn = true;
    const start = promptEnd(prompt, this.#columns);
    const laid = lay(text, this.#columns, start);
    const body = this.#print(text, start);
    const hang = laid.hanging || (text === '' && start.column === 0 && prompt !== '' && !prompt.endsWith('\n'));
    const to = laid.positionOf(cursor);
    this.#cursor = to;
    return prompt.replaceAll('\n', '\r\n') + body + (hang ? ' \r\x1b[K' : '') + move(laid.end, to);
  }

  /** Makes the screen show this line and cursor. */
  update(text: string, cursor: number): string {
    const start = promptEnd(this.#prompt, this.#columns);
    const laid = lay(text, this.#columns, start);
    const target = laid.positionOf(cursor);
    if (text === this.#text) {
      const output = move(this.#cursor, target);
      this.#cursor = target;
      return output;
    }
    const same = commonPrefix(text, this.#text);
    const from = laid.positionOf(same);
    const isAppended = same === this.#text.length;
    const output =
      move(this.#cursor, from) +
      (isAppended ? '' : '\x1b[J') +
      this.#print(text.slice(same), from) +
      (laid.hanging ? ' \r\x1b[K' : '') +
      move(laid.end, target);
    this.#text = text;
    this.#cursor = target;
    return output;
  }

  /** Takes prompt and line off the screen; the cursor is where the prompt began. */
  erase(): string {
    if (!this.#drawn) return '';
    const output = `${up(this.#cursor.row)}\r\x1b[J`;
    this.#drawn = false;
    return output;
  }

  /** Goes behind the end of the line, on to a new row. */
  leave(): string {
    const end = lay(this.#text, this.#columns, promptEnd(this.#prompt, this.#columns)).end;
    const output = `${move(this.#cursor, end)}\r\n`;
    this.#drawn = false;
    return output;
  }

  /** The terminal has another width. It leaves the rows that hold the cursor as they are; they are drawn again. */
  resize(columns: number, cursor: number): string {
    if (columns === this.#columns) return '';
    const wasDrawn = this.#drawn;
    const erased = this.erase();
    this.#columns = columns;
    return wasDrawn ? erased + this.draw(this.#prompt, this.#text, cursor) : '';
  }

  #print(text: string, from: Position): string {
    let output = '';
    let { column } = from;
    for (const char of text) {
      if (char === '\n') {
        output += '\x1b[K\r\n';
        column = 0;
        continue;
      }
      const visible = shown(char, column);
      output += visible;
      column = lay(char, this.#columns, { row: 0, column }).end.column;
    }
    return output;
  }
}

function commonPrefix(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  // A character that more may be joined to is printed again with what is joined; surrogates are never parted.
  while (at > 0 && at < Math.max(a.length, b.length) && joins(a, b, at)) at--;
  return at;
}

function joins(a: string, b: string, at: number): boolean {
  const isLow = (code: number) => code >= 0xdc00 && code <= 0xdfff;
  const next = [a.charCodeAt(at), b.charCodeAt(at)];
  return next.some((code) => isLow(code) || (code >= 0x300 && /\p{M}|\u200d/u.test(String.fromCharCode(code))));
}

const up = (rows: number): string => (rows > 0 ? `\x1b[${rows}A` : '');

function move(from: Position, to: Position): string {
  const rows = to.row - from.row;
  let output = rows < 0 ? `\x1b[${-rows}A` : rows > 0 ? `\x1b[${rows}B` : '';
  if (to.column === from.column) return output;
  if (to.column === 0) return `${output}\r`;
  const columns = to.column - from.column;
  // A shorter form for the usual single step.
  if (columns === -1) output += '\b';
  else output += columns > 0 ? `\x1b[${columns}C` : `\x1b[${-columns}D`;
  return output;
}
