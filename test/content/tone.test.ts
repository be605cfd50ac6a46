import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findCourses } from '#content/courses.ts';

/** Words that sell, that make a reader feel slow, or that promise. */
const SELLS =
  /\b(seamless(ly)?|effortless(ly)?|powerful|blazing(ly)?|game.chang\w*|best.in.class|world.class|cutting.edge|state.of.the.art|simply|obviously|of course you|leverage|utili[sz]e|robust(ly)?|delight\w*|awesome|amazing(ly)?|revolutionary|unlock)\b/i;

it('no lesson sells anything, shouts, or calls a thing simple', async () => {
  const said: string[] = [];
  for (const course of await findCourses(join(import.meta.dirname, '../../lessons')))
    for (const { file, title, summary, body } of course.lessons) {
      const prose = `${title}\n${summary}\n${body}`.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');
      for (const [at, line] of prose.split('\n').entries()) {
        const sold = SELLS.exec(line)?.[0];
        if (sold) said.push(`${file} ${at}: "${sold}"`);
        if (/[a-z]!(\s|$)/.test(line)) said.push(`${file} ${at}: an exclamation mark`);
        if (/\p{Extended_Pictographic}/u.test(line.replace(/[‼✓✕▲▼→]/gu, '')))
          said.push(`${file} ${at}: a picture sign`);
      }
    }
  expect(said).toEqual([]);
});
