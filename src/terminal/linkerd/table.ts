/** Left-aligned columns of given least widths, two spaces after each, the last included (cli/table of upstream). */
export function tabulate(columns: { header: string; width: number }[], rows: string[][]): string {
  const widths = columns.map((column, i) => Math.max(column.width, ...rows.map((row) => [...(row[i] ?? '')].length)));
  const line = (cells: string[]) => `${cells.map((cell, i) => `${cell.padEnd(widths[i]!)}  `).join('')}\n`;
  return [columns.map((column) => column.header), ...rows].map(line).join('');
}

/** Columns as Go's tabwriter aligns them: spaces between, nothing after the last. */
export function align(rows: string[][], padding = 3): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => [...(row[i] ?? '')].length))) ?? [];
  return rows
    .map((row) => {
      const last = row.length - 1;
      return `${row.map((cell, i) => (i === last ? cell : cell.padEnd(widths[i]! + padding))).join('')}\n`;
    })
    .join('');
}
