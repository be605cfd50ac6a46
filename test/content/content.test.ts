import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkContent } from '#content/check.ts';
import { findCourses } from '#content/courses.ts';
import { schemaFiles } from '#content/json-schema.ts';
import { asLine } from '#content/mistakes.ts';
import { readProse } from '#content/prose.ts';
import { CATALOGUE } from '#grader/catalogue.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('the lessons and labs of this academy', () => {
  it('have no mistakes', async () => {
    const { mistakes, labs, lessons } = await checkContent(ROOT, CATALOGUE);
    expect(mistakes.map(asLine)).toEqual([]);
    expect(labs).toBeGreaterThan(1);
    expect(lessons).toBeGreaterThan(labs);
  });

  it('end with what was learned and where to read on, and ask before they show', async () => {
    for (const course of await findCourses(join(ROOT, 'lessons'))) {
      for (const lesson of course.lessons) {
        const { tags, anchors, links } = readProse(lesson.body);
        expect(anchors, lesson.file).toContain('take-with-you');
        expect(lesson.body, lesson.file).toContain('**Where to read on.**');
        expect(links.length, lesson.file).toBeGreaterThan(0);
        expect(
          tags.some((tag) => tag.name === 'Answer'),
          lesson.file,
        ).toBe(true);
      }
    }
  });
});

describe('the JSON Schemas for authors', () => {
  it.each(schemaFiles(CATALOGUE))('$file is up to date (npx academy schemas writes it)', async ({ file, text }) => {
    expect(await readFile(join(ROOT, file), 'utf8')).toBe(text);
  });

  it('explain every parameter of every check', () => {
    for (const { name, params } of CATALOGUE.values()) {
      const { properties = {} } = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' });
      for (const [key, value] of Object.entries(properties))
        expect((value as { description?: string }).description, `${name}.${key}`).toBeTruthy();
    }
  });
});
