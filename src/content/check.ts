import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkLab, type KnownCheck } from './check-lab.ts';
import { checkLessons } from './check-lessons.ts';
import { inOrder, type Mistake } from './mistakes.ts';

export interface Checked {
  mistakes: Mistake[];
  labs: number;
  lessons: number;
}

/** Everything wrong in the lessons and labs under `root`, the project's top folder, in order of file and line. */
export async function checkContent(root: string, checks: ReadonlyMap<string, KnownCheck>): Promise<Checked> {
  const entries = await readdir(join(root, 'labs'), { withFileTypes: true }).catch(() => []);
  const ids = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const labs = await Promise.all(ids.sort().map((id) => checkLab(root, id, checks)));
  const { mistakes, lessons } = await checkLessons(root, labs);
  return { mistakes: inOrder([...labs.flatMap((lab) => lab.mistakes), ...mistakes]), labs: labs.length, lessons };
}
