import { z } from 'zod';
import { slug } from './lab.ts';

/** Front matter of `lessons/<course>/<nnn-slug>/index.mdx`. */
export const lesson = z.strictObject({
  title: z.string().min(1).max(100).describe('The heading of the page.'),
  summary: z.string().min(1).max(240).describe('One or two sentences for lists and search engines.'),
  minutes: z.number().int().min(1).max(240).describe('How long a learner usually takes, the lab included.'),
  lab: slug.optional().describe('Folder of `labs/` that this lesson opens beside the page.'),
  needs: z
    .array(z.string().regex(/^[a-z0-9-]+(\/[a-z0-9-]+)?$/, 'write slug, or course/slug'))
    .default([])
    .describe('Lessons to read first: `slug` in the same course, or `course/slug`.'),
});
export type Lesson = z.infer<typeof lesson>;

/** `lessons/<course>/course.yaml`. */
export const course = z.strictObject({
  title: z.string().min(1).max(60).describe('The heading of the course.'),
  summary: z.string().min(1).max(300).describe('Two or three sentences: what a learner knows afterwards.'),
  order: z.number().int().describe('Place among the courses, smallest first.'),
});
export type Course = z.infer<typeof course>;
