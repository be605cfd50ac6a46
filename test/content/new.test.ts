import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkContent } from '#content/check.ts';
import { findCourses } from '#content/courses.ts';
import { asLine } from '#content/mistakes.ts';
import { CATALOGUE } from '#grader/catalogue.ts';
import { createCourse, createLab, createLesson } from '../../src/cli/new/create.ts';

const REAL = join(import.meta.dirname, '../..');
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'academy-new-'));
  await cp(join(REAL, 'labs'), join(root, 'labs'), { recursive: true });
  await cp(join(REAL, 'lessons'), join(root, 'lessons'), { recursive: true });
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('academy new', () => {
  it('makes a course, a lab with its lesson, and a lesson without a lab that pass academy check', async () => {
    await createCourse(root, 'reliability');
    const made = await createLab(root, 'reliability/first-retry');
    expect(made).toContain('labs/first-retry/lab.yaml');
    expect(made).toContain('lessons/reliability/010-first-retry/index.mdx');
    expect(await createLesson(root, 'reliability/timeouts')).toEqual(['lessons/reliability/020-timeouts/index.mdx']);
    const { mistakes } = await checkContent(root, CATALOGUE);
    expect(mistakes.map(asLine)).toEqual([]);
  });

  it('puts a new course after all others', async () => {
    await createCourse(root, 'last-one');
    expect((await findCourses(join(root, 'lessons'))).at(-1)!.slug).toBe('last-one');
  });

  it('never writes over what exists, and names what is wrong with a name', async () => {
    await expect(createLab(root, 'default-deny')).rejects.toThrow('labs/default-deny exists already.');
    await expect(createLesson(root, 'identity/rotate-the-issuer')).rejects.toThrow('exists already');
    await expect(createCourse(root, 'identity')).rejects.toThrow('exists already');
    await expect(createLab(root, '../../etc')).rejects.toThrow('can’t name');
    await expect(createLesson(root, 'nowhere/lesson')).rejects.toThrow('There is no course "nowhere"');
  });
});
