const length = (text: string): number => [...text].length;
const BETWEEN = '   ';

/** Columns to the right but for the first `left`, three spaces between; of those to the left, the last one keeps its spaces. */
export function vizTable(header: string[], rows: string[][], left = 1): string {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => length(row[i] ?? ''))));
  const pad = (cell: string, i: number) => {
    const space = ' '.repeat(widths[i]! - length(cell));
    return i < left ? cell + space : space + cell;
  };
  return all.map((row) => `${row.map(pad).join(BETWEEN)}\n`).join('');
}

export interface Column {
  header: string;
  left: boolean;
}
export const leftColumn = (header: string): Column => ({ header, left: true });
export const rightColumn = (header: string): Column => ({ header, left: false });

/** Two spaces after every column, the last included. Cells that end or begin with a line are drawn on to their neighbours. */
export function linedTable(columns: Column[], rows: string[][]): string {
  const all = [columns.map(({ header }) => header), ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => length(row[i] ?? ''))));
  const line = (row: string[]): string =>
    columns
      .map(({ left }, i) => {
        const cell = row[i] ?? '';
        const missing = widths[i]! - length(cell);
        const joined = cell.endsWith(DASH) && row[i + 1]?.startsWith(DASH);
        const after = joined ? DASH.repeat(2) : '  ';
        if (cell.startsWith(DASH)) return DASH.repeat(missing) + cell + after;
        if (cell.endsWith(DASH)) return cell + DASH.repeat(missing) + after;
        return left ? cell + ' '.repeat(missing) + after : ' '.repeat(missing) + cell + after;
      })
      .join('');
  return all.map((row) => `${line(row)}\n`).join('');
}

const DASH = '─';
