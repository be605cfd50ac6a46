import { parseArgs } from 'node:util';
import { AcademyError } from '#base/errors.ts';
import { createCourse, createLab, createLesson } from '../new/create.ts';
import { ROOT } from '../root.ts';
import { USAGE } from '../usage.ts';

/** `academy new course|lesson|lab`: files to begin with, which pass `academy check` and, for a lab, `academy prove`. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { lab: { type: 'string' } } });
  const [noun, name] = positionals;
  const make: Record<string, (name: string) => Promise<string[]>> = {
    course: (name) => createCourse(ROOT, name),
    lesson: (name) => createLesson(ROOT, name, values.lab),
    lab: (name) => createLab(ROOT, name),
  };
  const chosen = noun === undefined ? undefined : make[noun];
  if (!chosen || !name)
    throw new AcademyError('request/invalid', `New what?\n${USAGE.new}`, { hint: 'See lessons/AUTHORING.md.' });
  for (const path of await chosen(name)) console.log(path);
  console.log(
    '\nThen: npx academy check' + (noun === 'lab' ? `, and npx academy prove ${name.split('/').at(-1)}` : ''),
  );
  return 0;
}
