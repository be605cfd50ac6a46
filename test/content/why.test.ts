import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findCourses } from '#content/courses.ts';

const LESSONS = join(import.meta.dirname, '../../lessons');

it('each claim about a mesh has a lesson that exists, under the title that it has', async () => {
  const titles = new Map(
    (await findCourses(LESSONS)).flatMap(({ lessons }) => lessons.map((lesson) => [lesson.file, lesson.title])),
  );
  const rows = (await readFile(join(LESSONS, 'WHY.md'), 'utf8')).split('\n').filter((line) => /^\| [^-w]/.test(line));
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const links = [...row.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)];
    expect(links.length, row).toBeGreaterThan(0);
    for (const [, title, file] of links) {
      expect(existsSync(join(LESSONS, file!)), file).toBe(true);
      expect(titles.get(file!), file).toBe(title);
    }
  }
});
