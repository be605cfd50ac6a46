import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findDrivers } from '#server/drivers.ts';
import { startServer } from '#server/main.ts';
import { readSettings } from '#server/settings.ts';
import { ensureBuilt } from '../build/build.ts';
import { ROOT } from '../root.ts';

/** `npm start`: builds what changed, opens the academy, stops cleanly on Ctrl-C. */
export async function run(): Promise<number> {
  const settings = readSettings();
  const built = await ensureBuilt((line) => console.log(line));
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const drivers = await findDrivers(settings);
  const server = await startServer({
    settings,
    version,
    drivers,
    siteDir: built.siteDir,
    labsDir: join(ROOT, 'labs'),
    workerEntry: built.workerEntry,
  });
  console.log(`Mesh Academy is open at ${server.url}`);
  console.log(`Clusters: ${drivers.chosen} (${drivers.why}). Stop with Ctrl-C.`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  await server.close();
  return 0;
}
