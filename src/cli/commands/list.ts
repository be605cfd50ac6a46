import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AcademyError, messageOf } from '#base/errors.ts';
import { CATALOGUE } from '#grader/catalogue.ts';
import { parametersOf, referencePage } from '#grader/reference.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ROOT } from '../root.ts';

/** `academy list labs | checks [--markdown] [name] | images`. */
export async function run([noun, ...rest]: string[]): Promise<number> {
  switch (noun) {
    case 'labs': {
      const source = new LabSource(join(ROOT, 'labs'));
      const ids = await source.ids();
      const labs = await Promise.all(
        ids.map((id) =>
          source.load(id).then(
            ({ definition: { title, minutes, level } }) => ({
              line: `${title} (${minutes} min, ${level})`,
              whole: true,
            }),
            (error: unknown) => ({ line: whyNot(error), whole: false }),
          ),
        ),
      );
      print(labs.map(({ line }, i) => [ids[i]!, line]));
      return labs.every(({ whole }) => whole) ? 0 : 1;
    }
    case 'checks':
      return listChecks(rest);
    case 'images': {
      const { sampleImages } = await import('#cluster/embedded/images.ts');
      print(sampleImages().map((image) => [image.repository, image.summary]));
      console.log('\nAny tag of these is accepted, also one that was never published.');
      return 0;
    }
    default:
      throw new AcademyError('request/invalid', 'List what? labs, checks or images.');
  }
}

/** One line about a lab that is not whole, or not any more. */
function whyNot(error: unknown): string {
  if (error instanceof AcademyError && error.code === 'lab/unknown') return 'has no lab.yaml';
  return `can't be read: ${messageOf(error)}`;
}

/** Every check with its parameters, or those named; `--markdown` writes the reference page `lessons/CHECKS.md`. */
function listChecks(args: string[]): number {
  if (args.includes('--markdown')) {
    writeFileSync(join(ROOT, 'lessons', 'CHECKS.md'), referencePage(CATALOGUE.values()));
    console.log('lessons/CHECKS.md');
    return 0;
  }
  const unknown = args.find((name) => !CATALOGUE.has(name));
  if (unknown) throw new AcademyError('request/invalid', `There is no check "${unknown}".`);
  for (const check of CATALOGUE.values()) {
    if (args.length > 0 && !args.includes(check.name)) continue;
    console.log(`${check.name}\n  ${check.summary}`);
    for (const { name, type, needed, standard, description } of parametersOf(check)) {
      const without = needed ? 'needed' : standard === undefined ? 'may be absent' : `${standard} when absent`;
      console.log(`    ${name} (${type.replaceAll('`', '')}; ${without})\n        ${description}`);
    }
    console.log('');
  }
  return 0;
}

function print(rows: [string, string][]): void {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  for (const [name, text] of rows) console.log(`${name.padEnd(width)}  ${text}`);
}
