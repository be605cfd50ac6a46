import { textWidth } from './width.ts';

/** Lists names in columns, read downwards, as readline lists completions. Ends with a newline. */
export function inColumns(names: readonly string[], screenColumns: number): string {
  const width = Math.max(...names.map(textWidth)) + 2;
  const across = Math.max(1, Math.floor(screenColumns / width));
  const rows = Math.ceil(names.length / across);
  let output = '';
  for (let row = 0; row < rows; row++) {
    const line = names.filter((_, i) => i % rows === row);
    output += line
      .map((name, i) => (i === line.length - 1 ? name : name + ' '.repeat(width - textWidth(name))))
      .join('');
    output += '\n';
  }
  return output;
}
