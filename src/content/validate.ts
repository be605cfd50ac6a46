import type { Lab } from '#schema/lab.ts';
import type { FoundCourse, FoundLesson } from './courses.ts';

/** What a lesson's text says about its lab: the tasks it places and the components it uses. */
export function placedTasks(body: string): string[] {
  return [...withoutFences(body).matchAll(/<Task\b[^>]*\bid="([^"]*)"/g)].map((m) => m[1]!);
}

/**
 * Mistakes that only show when lessons and labs are seen together, one sentence each with the file it concerns. `labOf`
 * gives a lab's definition, or undefined when there is none.
 */
export function mistakesIn(courses: FoundCourse[], labOf: (id: string) => Lab | undefined): string[] {
  const addresses = new Set(courses.flatMap((c) => c.lessons.map((l) => `${c.slug}/${l.slug}`)));
  return courses.flatMap((course) =>
    course.lessons.flatMap((lesson) => [
      ...lesson.needs
        .map((need) => (need.includes('/') ? need : `${course.slug}/${need}`))
        .filter((need) => !addresses.has(need))
        .map((need) => `lessons/${lesson.file}: needs "${need}", and there is no such lesson`),
      ...taskMistakes(lesson, labOf),
    ]),
  );
}

function taskMistakes(lesson: FoundLesson, labOf: (id: string) => Lab | undefined): string[] {
  const file = `lessons/${lesson.file}`;
  const placed = placedTasks(lesson.body);
  if (!lesson.lab) return placed.map((id) => `${file}: places task "${id}", but names no lab`);
  const lab = labOf(lesson.lab);
  if (!lab) return [`${file}: there is no lab "${lesson.lab}"`];
  const known = lab.tasks.map((task) => task.id);
  return [
    ...placed.filter((id) => !known.includes(id)).map((id) => `${file}: lab ${lesson.lab} has no task "${id}"`),
    ...placed.filter((id, i) => placed.indexOf(id) !== i).map((id) => `${file}: task "${id}" is placed twice`),
    ...known.filter((id) => !placed.includes(id)).map((id) => `${file}: task "${id}" of its lab is not placed`),
  ];
}

const withoutFences = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '');
