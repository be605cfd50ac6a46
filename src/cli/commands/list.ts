import { join } from 'node:path';
import { AcademyError } from '#base/errors.ts';
import { CATALOGUE } from '#grader/catalogue.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ROOT } from '../root.ts';

/** `academy list labs | checks | images`. */
export async function run([noun]: string[]): Promise<number> {
  switch (noun) {
    case 'labs': {
      const source = new LabSource(join(ROOT, 'labs'));
      const labs = await Promise.all((await source.ids()).map((id) => source.load(id)));
      print(
        labs.map(({ id, definition }) => [id, `${definition.title} (${definition.minutes} min, ${definition.level})`]),
      );
      return 0;
    }
    case 'checks':
      print([...CATALOGUE.values()].map((check) => [check.name, check.summary]));
      return 0;
    case 'images': {
      const { sampleImages } = await import('#cluster/embedded/images.ts');
      print(sampleImages().map((image) => [image.repository, image.summary]));
      return 0;
    }
    default:
      throw new AcademyError('request/invalid', 'List what? labs, checks or images.');
  }
}

function print(rows: [string, string][]): void {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  for (const [name, text] of rows) console.log(`${name.padEnd(width)}  ${text}`);
}
