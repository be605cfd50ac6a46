import { charWidth, withoutEscapes } from './width.ts';

/** A cell, counted from the first cell of the prompt. */
export interface Position {
  row: number;
  column: number;
}

export interface Laid {
  /** What to print: control characters made visible, tabs as blanks, rows parted where the terminal itself wraps. */
  positionOf(offset: number): Position;
  end: Position;
  /** True when the last character ended exactly at the right edge, so that the cursor hangs there. */
  hanging: boolean;
}

/** How a character is shown. */
export function shown(char: string, column: number): string {
  if (char === '\t') return ' '.repeat(8 - (column % 8));
  const code = char.codePointAt(0)!;
  if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
  if (code === 0x7f) return '^?';
  return code >= 0x80 && code < 0xa0 ? '?' : char;
}

/** Where `text` comes to stand on a screen of `columns`, starting at `start`; a newline starts a new row. */
export function lay(text: string, columns: number, start: Position): Laid {
  const positions: Position[] = [];
  let { row, column } = start;
  let hanging = false;
  const advance = (width: number) => {
    if (width === 0) return;
    if (column + width > columns) {
      row++;
      column = 0;
    }
    column += width;
    hanging = column === columns;
  };
  let offset = 0;
  for (const char of text) {
    const here = column === columns ? { row: row + 1, column: 0 } : { row, column };
    for (let i = 0; i < char.length; i++) positions[offset + i] = here;
    offset += char.length;
    if (char === '\n') {
      row++;
      column = 0;
      hanging = false;
    } else for (const part of shown(char, column)) advance(charWidth(part.codePointAt(0)!));
  }
  const end = column >= columns ? { row: row + 1, column: 0 } : { row, column };
  return { positionOf: (at) => positions[at] ?? end, end, hanging };
}

/** The cell after a prompt, which may hold colours and newlines. */
export const promptEnd = (prompt: string, columns: number): Position =>
  lay(withoutEscapes(prompt), columns, { row: 0, column: 0 }).end;
