import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { schemaFiles } from '#content/json-schema.ts';
import { CATALOGUE } from '#grader/catalogue.ts';
import { ROOT } from '../root.ts';

/** `academy schemas`: writes the JSON Schemas that editors read, after a check or a key was changed. */
export async function run(): Promise<number> {
  for (const { file, text } of schemaFiles(CATALOGUE)) {
    await writeFile(join(ROOT, file), text);
    console.log(file);
  }
  return 0;
}
