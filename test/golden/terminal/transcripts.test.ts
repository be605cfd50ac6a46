import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FOLDER, render, TRANSCRIPTS } from './transcript.ts';

it.each(TRANSCRIPTS)('%s is what the commands print', async (name) => {
  const text = readFileSync(join(FOLDER, name), 'utf8');
  expect(await render(text)).toBe(text);
});
