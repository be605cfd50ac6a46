import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCourses } from '#content/courses.ts';
import { shownCommands } from '#content/shown-commands.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { LabProcess } from '../../src/cli/prove/lab-process.ts';
import { ROOT } from '../../src/cli/root.ts';

const source = new LabSource(join(ROOT, 'labs'));
const lessons = (await findCourses(join(ROOT, 'lessons'))).flatMap((course) => course.lessons).filter((l) => l.lab);

/** A command that never ends by itself; a reader ends it with Ctrl-C. */
const watches = (command: string) => /\s(-w|--watch|-f|--follow)(\s|$)/.test(command);
/** What a terminal says of a command that it can't run. What the learner has not made yet may be missing all the same. */
const CANNOT = /command not found|unknown (command|flag|shorthand flag)|not modelled|syntax error/i;

describe.each(lessons.map((lesson) => [lesson.file, lesson] as const))('%s', (_, lesson) => {
  it('shows commands that its lab’s terminal can run', { timeout: 300_000 }, async () => {
    const { workerEntry } = await ensureBuilt(() => {}, ['worker']);
    const session = new LabProcess(await source.load(lesson.lab!), { entry: workerEntry, driver: 'embedded' });
    try {
      await session.ready();
      const wrong: string[] = [];
      for (const { command } of shownCommands(lesson.body).filter((shown) => !watches(shown.command))) {
        const { code, output } = await session.run(command);
        if (code === 127 || code === 2 || CANNOT.test(output)) wrong.push(`[${code}] ${command}\n${output}`);
      }
      expect(wrong).toEqual([]);
    } finally {
      await session.stop();
    }
  });
});
