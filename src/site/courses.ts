import { join } from 'node:path';
import { type FoundCourse, findCourses } from '#content/courses.ts';
import { readLab } from '#content/labs.ts';
import type { Lab } from '#schema/lab.ts';

/** Astro builds with the project's top folder as its working directory. */
const root = process.cwd();
let found: Promise<FoundCourse[]> | undefined;

/** Every course, read once a build. */
export const courses = (): Promise<FoundCourse[]> => (found ??= findCourses(join(root, 'lessons')));
export const labOf = (id: string): Promise<Lab> => readLab(join(root, 'labs'), id);
