import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AcademyError } from '#base/errors.ts';
import { findCourses } from '#content/courses.ts';
import { readLab } from '#content/labs.ts';
import { slug } from '#schema/lab.ts';
import { courseFiles, type Files, labFiles, lessonFiles } from './templates.ts';

/** Makes a course folder under `root`; resolves with the paths written. */
export async function createCourse(root: string, course: string): Promise<string[]> {
  nameOf(course, 'course');
  const courses = await findCourses(join(root, 'lessons'));
  if (courses.some((known) => known.slug === course)) throw exists(`lessons/${course}`);
  const order = Math.max(-10, ...courses.map((known) => known.order)) + 10;
  return write(root, courseFiles(course, order));
}

/** Makes a lesson, `<course>/<slug>`, after the others of its course; with a lab, its text places the lab's tasks. */
export async function createLesson(root: string, address: string, lab?: string): Promise<string[]> {
  const [course = '', name = ''] = address.split('/');
  nameOf(course, 'course');
  nameOf(name, 'lesson');
  const folder = join(root, 'lessons', course);
  const present = await readdir(folder).catch(() => {
    throw new AcademyError(
      'request/invalid',
      `There is no course "${course}". Make it with: academy new course ${course}`,
    );
  });
  const numbers = present.flatMap((entry) => /^(\d{3})-(.+)$/.exec(entry)?.slice(1, 3) ?? []);
  if (numbers.includes(name)) throw exists(`lessons/${course}/…-${name}`);
  const last = Math.max(0, ...numbers.map(Number).filter((n) => !Number.isNaN(n)));
  const number = String(Math.floor(last / 10) * 10 + 10).padStart(3, '0');
  const tasks = lab === undefined ? [] : (await readLab(join(root, 'labs'), lab)).tasks;
  const placed = lab === undefined ? {} : { lab: { id: lab, tasks } };
  return write(root, lessonFiles({ course, slug: name, number, ...placed }));
}

/** Makes a lab, `<id>`, or a lab and the lesson that opens it, `<course>/<id>`. */
export async function createLab(root: string, address: string): Promise<string[]> {
  const [id = '', course] = address.split('/').reverse();
  nameOf(id, 'lab');
  if (course !== undefined)
    await readdir(join(root, 'lessons', nameOf(course, 'course'))).catch(() => {
      throw new AcademyError(
        'request/invalid',
        `There is no course "${course}". Make it with: academy new course ${course}`,
      );
    });
  const lab = await write(root, labFiles(id));
  return course === undefined ? lab : [...lab, ...(await createLesson(root, `${course}/${id}`, id))];
}

/** Writes all files or none: one that exists already stops it before the first is written. */
async function write(root: string, files: Files): Promise<string[]> {
  const paths = Object.keys(files);
  const folder = dirname(join(root, paths[0]!));
  const present = await readdir(folder).catch(() => []);
  if (present.length > 0) throw exists(dirname(paths[0]!));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text, { flag: 'wx' });
  }
  return paths;
}

function nameOf(name: string, what: string): string {
  if (slug.safeParse(name).success) return name;
  throw new AcademyError(
    'request/invalid',
    `"${name}" can’t name a ${what}: use lower-case letters, digits and single dashes.`,
  );
}

const exists = (path: string) => new AcademyError('request/invalid', `${path} exists already.`);
