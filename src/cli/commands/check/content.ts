import { existsSync, statSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { AcademyError } from '#base/errors.ts';
import { checkContent } from '#content/check.ts';
import { asLine } from '#content/mistakes.ts';
import { CATALOGUE } from '#grader/catalogue.ts';
import { ROOT } from '../../root.ts';

/**
 * `academy check [path]`: everything wrong in lessons and labs, each with its file and line. A path narrows what is
 * shown; all is read all the same, because a lesson and its lab can only be judged together.
 */
export async function run([path]: string[]): Promise<number> {
  const only = path === undefined ? '' : inProject(path);
  const { mistakes, labs, lessons } = await checkContent(ROOT, CATALOGUE);
  const shown = mistakes.filter(({ file }) => only === '' || file === only || file.startsWith(`${only}/`));
  for (const mistake of shown) console.log(asLine(mistake));
  if (shown.length > 0) {
    console.log(`\n${shown.length} ${shown.length === 1 ? 'mistake' : 'mistakes'}.`);
    return 1;
  }
  console.log(only ? `${only}: nothing wrong.` : `${lessons} lessons and ${labs} labs: nothing wrong.`);
  return 0;
}

function inProject(path: string): string {
  const full = resolve(path);
  if (!existsSync(full)) throw new AcademyError('request/invalid', `There is no file or folder ${path}.`);
  const within = relative(ROOT, full).split(sep).join('/');
  if (within.startsWith('..')) throw new AcademyError('request/invalid', `${path} is not part of this academy.`);
  if (!/^(labs|lessons)(\/|$)/.test(within) && statSync(full).isFile())
    throw new AcademyError('request/invalid', `${path} belongs to no lesson and no lab.`);
  return within;
}
