import { z } from 'zod';
import { slug } from './lab.ts';

/** Front matter of `lessons/<course>/<nnn-slug>/index.mdx`. */
export const lesson = z.strictObject({
  title: z.string().min(1).max(100),
  summary: z.string().min(1).max(240),
  minutes: z.number().int().min(1).max(240),
  /** Folder of `labs/` that this lesson opens beside the page. */
  lab: slug.optional(),
  /** Lessons to read first: `slug` in the same course, or `course/slug`. */
  needs: z.array(z.string().regex(/^[a-z0-9-]+(\/[a-z0-9-]+)?$/)).default([]),
});
export type Lesson = z.infer<typeof lesson>;

/** `lessons/<course>/course.yaml`. */
export const course = z.strictObject({
  title: z.string().min(1).max(60),
  summary: z.string().min(1).max(300),
  /** Place among the courses, smallest first. */
  order: z.number().int(),
});
export type Course = z.infer<typeof course>;
