import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#base/errors.ts';
import { checkContent } from '#content/check.ts';
import { asLine } from '#content/mistakes.ts';
import { CATALOGUE } from '#grader/catalogue.ts';
import { findDrivers } from '#server/drivers.ts';
import { Preview } from '#server/http/preview.ts';
import { startServer } from '#server/main.ts';
import { readSettings } from '#server/settings.ts';
import { ensureBuilt } from '../build/build.ts';
import { watchChanges } from '../preview/changes.ts';
import { ROOT } from '../root.ts';

/**
 * `academy preview`: the academy, with lessons and labs read again when they change. Open pages load anew, sessions that
 * run go on; a lab's new definition is met by whoever ends a session and starts it again. What `academy check` would say
 * is said at each change.
 */
export async function run(): Promise<number> {
  const settings = readSettings();
  const built = await ensureBuilt((line) => console.log(line));
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const drivers = await findDrivers(settings);
  const preview = new Preview();
  const server = await startServer({
    settings,
    version,
    drivers,
    siteDir: built.siteDir,
    labsDir: join(ROOT, 'labs'),
    workerEntry: built.workerEntry,
    preview,
  });
  const stopWatching = watchChanges(ROOT, ['lessons', 'labs'], (files) =>
    rebuild(files, preview, () => server.forgetLabs()),
  );
  console.log(`Preview of Mesh Academy: ${server.url}`);
  console.log('Lessons and labs are built again when they change. Stop with Ctrl-C.');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  stopWatching();
  await server.close();
  return 0;
}

async function rebuild(files: string[], preview: Preview, forgetLabs: () => void): Promise<void> {
  const began = performance.now();
  const what = files.length === 1 ? files[0]! : `${files[0]} and ${files.length - 1} more`;
  forgetLabs();
  try {
    const { mistakes } = await checkContent(ROOT, CATALOGUE);
    for (const mistake of mistakes) console.log(asLine(mistake));
    await ensureBuilt(() => {}, ['site']);
    console.log(`${what}: built again in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    preview.changed(what);
  } catch (error) {
    console.error(`${what}: ${messageOf(error)}`);
    preview.problem(messageOf(error));
  }
}
