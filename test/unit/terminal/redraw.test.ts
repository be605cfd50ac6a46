import { expect, it } from 'vitest';
import { desk } from './desk.ts';

/** A small generator, so that a failure can be seen again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const KEYS = [
  'a',
  'bc',
  ' ',
  'word ',
  'x'.repeat(13),
  '網',
  '格子',
  'e\u0301',
  '😀',
  '<Left>',
  '<Right>',
  '<Home>',
  '<End>',
  '<C-Left>',
  '<C-Right>',
  '<Backspace>',
  '<Delete>',
  '<C-w>',
  '<C-k>',
  '<C-y>',
  '<C-t>',
  '<M-b>',
  '<M-d>',
  '<C-_>',
  '<Up>',
  '<Down>',
  '<Paste(>one\ntwo<)Paste>',
  '<M-u>',
];

it.each([11, 20, 40])('what is left standing is what a fresh drawing shows, at %i columns', async (columns) => {
  for (let seed = 1; seed <= 12; seed++) {
    const next = random(seed * 7919 + columns);
    const at = await desk({
      columns,
      rows: 40,
      history: ['first line', `a longer line ${'y'.repeat(30)}`, 'two\nrows'],
    });
    const typed: string[] = [];
    for (let i = 0; i < 40; i++) {
      const key = KEYS[Math.floor(next() * KEYS.length)]!;
      typed.push(key);
      await at.type(key);
    }
    const [screen, cursor] = [at.screen(), at.cursor()];
    await at.type('<C-l>');
    expect({ typed: typed.join(''), screen, cursor }).toEqual({
      typed: typed.join(''),
      screen: at.screen(),
      cursor: at.cursor(),
    });
  }
});
