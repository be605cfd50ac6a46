import { expect, it } from 'vitest';
import { inWords } from '#workbench/observed-values.ts';

const NOW = Date.UTC(2026, 0, 1);

it('a live value reads as part of a sentence', () => {
  expect(inWords({ is: 'text', text: '97.5 %' }, NOW)).toBe('97.5 %');
  expect(inWords({ is: 'since', at: NOW - 9_900 }, NOW)).toBe('9 s');
  expect(inWords({ is: 'since', at: NOW - 3_700_000 }, NOW)).toBe('1 h 1 min');
  expect(inWords({ is: 'until', at: NOW + 86_400_000 }, NOW)).toBe('24 h');
  expect(inWords({ is: 'until', at: NOW - 60_000 }, NOW)).toBe('none, it ended 1 min ago');
  expect(inWords({ is: 'absent', why: 'no requests' }, NOW)).toBe('— (no requests)');
});
