/**
 * Aligns tab-separated cells as Go's text/tabwriter does: a column is a run of neighbouring lines that have that cell,
 * and the last cell of a line belongs to no column. Widths are counted in code points.
 */
export class TabWriter {
  readonly #minWidth: number;
  readonly #padding: number;
  readonly #remember: boolean;
  #text = '';
  #remembered: number[] = [];

  constructor(options: { minWidth: number; padding: number; rememberWidths?: boolean }) {
    this.#minWidth = options.minWidth;
    this.#padding = options.padding;
    this.#remember = options.rememberWidths ?? false;
  }

  write(text: string): void {
    this.#text += text;
  }

  /** The text written since the last flush, aligned. */
  flush(): string {
    const lines = this.#text.split('\n').map((line) => line.split('\t'));
    this.#text = '';
    const out: string[] = [];
    this.#format(lines, 0, lines.length, [], out);
    return out.join('\n');
  }

  forgetWidths(): void {
    this.#remembered = [];
  }

  #format(lines: string[][], from: number, to: number, widths: number[], out: string[]): void {
    const column = widths.length;
    let start = from;
    for (let at = from; at < to; at++) {
      if (column >= lines[at]!.length - 1) continue;
      this.#print(lines, start, at, widths, out);
      start = at;
      let width = Math.max(this.#minWidth, this.#remember ? (this.#remembered[column] ?? 0) : 0);
      for (; at < to && column < lines[at]!.length - 1; at++) {
        width = Math.max(width, runes(lines[at]![column]!) + this.#padding);
      }
      if (this.#remember) this.#remembered[column] = width;
      this.#format(lines, start, at, [...widths, width], out);
      start = at;
    }
    this.#print(lines, start, to, widths, out);
  }

  #print(lines: string[][], from: number, to: number, widths: number[], out: string[]): void {
    for (let at = from; at < to; at++) {
      const cells = lines[at]!;
      out.push(
        cells
          .map((cell, i) =>
            i < widths.length && i < cells.length - 1 ? cell + ' '.repeat(widths[i]! - runes(cell)) : cell,
          )
          .join(''),
      );
    }
  }
}

function runes(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Text aligned as `kubectl describe` aligns it. */
export function tabbed(text: string): string {
  const writer = new TabWriter({ minWidth: 0, padding: 2 });
  writer.write(text);
  return writer.flush();
}

/** The writer of `kubectl get` and its kin (cli-runtime/pkg/printers/tabwriter.go). */
export const tableWriter = (): TabWriter => new TabWriter({ minWidth: 6, padding: 3, rememberWidths: true });
