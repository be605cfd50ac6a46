import headless from '@xterm/headless';
import { expect, it } from 'vitest';
import { charWidth, nextBoundary, previousBoundary } from '../../../src/terminal/line/width.ts';

/** Columns that each of these takes on the real terminal, one a row. */
async function drawn(codePoints: number[]): Promise<number[]> {
  const terminal = new headless.Terminal({
    cols: 8,
    rows: 2,
    scrollback: codePoints.length + 8,
    allowProposedApi: true,
  });
  await new Promise<void>((resolve) =>
    terminal.write(codePoints.map((code) => `a${String.fromCodePoint(code)}b\r\n`).join(''), resolve),
  );
  return codePoints.map((_, row) => {
    const line = terminal.buffer.active.getLine(row)!;
    for (let x = 1; x < 8; x++) if (line.getCell(x)?.getChars() === 'b') return x - 1;
    return -1;
  });
}

it('counts columns as the terminal draws them', async () => {
  const codePoints: number[] = [];
  for (let code = 0xa0; code < 0x1_0000; code++) if (code < 0xd800 || code > 0xf8ff) codePoints.push(code);
  for (let code = 0x1_0000; code < 0x3_0000; code += 7) codePoints.push(code);
  const columns = await drawn(codePoints);
  const wrong = codePoints.filter((code, i) => columns[i] !== charWidth(code));
  expect(wrong.map((code) => code.toString(16))).toEqual([]);
});

it('goes by characters as a person counts them', () => {
  const text = 'ae\u0301👩‍🚀b';
  const stops = [0];
  while (stops.at(-1)! < text.length) stops.push(nextBoundary(text, stops.at(-1)!));
  expect(stops).toEqual([0, 1, 3, 8, 9]);
  const back = [text.length];
  while (back.at(-1)! > 0) back.push(previousBoundary(text, back.at(-1)!));
  expect(back.reverse()).toEqual(stops);
});
