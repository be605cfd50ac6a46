import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import { AcademyError, messageOf } from '#base/errors.ts';
import { slug } from '#schema/lab.ts';
import { course as courseSchema, type Lesson, lesson as lessonSchema } from '#schema/lesson.ts';

export interface FoundLesson extends Lesson {
  /** The folder's name without its number; part of the address. */
  slug: string;
  course: string;
  /** 1 for the first lesson of its course. */
  number: number;
  /** `/<course>/<slug>/` */
  href: string;
  /** Relative to the lessons folder, with forward slashes: `identity/010-rotate-the-issuer/index.mdx`. */
  file: string;
  /** The text under the front matter. */
  body: string;
}

export interface FoundCourse {
  slug: string;
  title: string;
  summary: string;
  order: number;
  href: string;
  lessons: FoundLesson[];
}

/**
 * Reads every course under `root` (`lessons/`), in the order learners meet them. Rejects with `lesson/invalid`, whose
 * message names the file and every mistake in it.
 */
export async function findCourses(root: string): Promise<FoundCourse[]> {
  const courses = await Promise.all((await folders(root)).map((name) => readCourse(root, name)));
  return courses.sort((a, b) => a.order - b.order || a.slug.localeCompare(b.slug));
}

async function readCourse(root: string, name: string): Promise<FoundCourse> {
  if (!slug.safeParse(name).success) throw invalid(name, 'a course folder is a slug');
  const file = `${name}/course.yaml`;
  const text = await readFile(join(root, file), 'utf8').catch(() => {
    throw invalid(file, 'is missing');
  });
  const about = check(file, courseSchema, readYaml(file, text));
  const names = (await folders(join(root, name))).sort();
  const lessons = await Promise.all(names.map((folder, i) => readLesson(root, name, folder, i + 1)));
  return { slug: name, ...about, href: `/${name}/`, lessons };
}

async function readLesson(root: string, course: string, folder: string, number: number): Promise<FoundLesson> {
  const file = `${course}/${folder}/index.mdx`;
  const named = /^\d{3}-(.+)$/.exec(folder)?.[1];
  if (!named || !slug.safeParse(named).success) throw invalid(`${course}/${folder}`, 'is not called `010-some-slug`');
  const text = await readFile(join(root, file), 'utf8').catch(() => {
    throw invalid(file, 'is missing');
  });
  const { data, body } = splitFrontMatter(file, text);
  const about = check(file, lessonSchema, data);
  return { ...about, slug: named, course, number, href: `/${course}/${named}/`, file, body };
}

/** Front matter as data, and the text after it. */
export function splitFrontMatter(file: string, text: string): { data: unknown; body: string } {
  const found = /^---\r?\n([\s\S]*?)\r?\n---\r?\n?/.exec(text);
  if (!found) throw invalid(file, 'does not begin with front matter between two lines of ---');
  return { data: readYaml(file, found[1]!), body: text.slice(found[0].length) };
}

function readYaml(file: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw invalid(file, `is not YAML: ${messageOf(error)}`);
  }
}

function check<T extends z.ZodType>(file: string, schema: T, data: unknown): z.infer<T> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw invalid(file, parsed.error.issues.map((i) => `${i.path.join('.') || 'front matter'}: ${i.message}`).join('; '));
}

async function folders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

const invalid = (file: string, what: string) => new AcademyError('lesson/invalid', `lessons/${file}: ${what}`);
