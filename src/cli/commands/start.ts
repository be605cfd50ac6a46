import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startServer } from '#server/main.ts';
import { readSettings } from '#server/settings.ts';
import { ensureBuilt } from '../build/build.ts';
import { ROOT } from '../root.ts';

/** `npm start`: builds what changed, opens the academy, stops cleanly on Ctrl-C. */
export async function run(): Promise<number> {
  const settings = readSettings();
  const built = await ensureBuilt((line) => console.log(line));
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const driver = chooseDriver(settings.driver);
  const server = await startServer({
    settings,
    version,
    driver,
    siteDir: built.siteDir,
    labsDir: join(ROOT, 'labs'),
    workerEntry: built.workerEntry,
  });
  console.log(`Mesh Academy is open at ${server.url}`);
  console.log(`Clusters: ${driver.name} (${driver.why}). Stop with Ctrl-C.`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  await server.close();
  return 0;
}

/** `auto` takes the embedded driver as long as it is the only one that can run here. */
function chooseDriver(wanted: 'auto' | 'embedded' | 'kind'): { name: 'embedded'; why: string } {
  if (wanted === 'kind') {
    throw new Error('The kind driver is not part of this version. Leave ACADEMY_DRIVER unset, or set it to embedded.');
  }
  return {
    name: 'embedded',
    why:
      wanted === 'embedded'
        ? 'as ACADEMY_DRIVER says'
        : 'no Docker needed; the kind driver is not part of this version',
  };
}
