import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isAbort, messageOf } from '#base/errors.ts';
import { findDrivers } from '#server/drivers.ts';
import { startServer } from '#server/main.ts';
import { readSettings, type Settings } from '#server/settings.ts';
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
  const building = new AbortController();
  if (drivers.kind) void buildMissingToolbox(settings, building.signal);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  building.abort(new DOMException('stopped', 'AbortError'));
  await server.close();
  return 0;
}

/** Builds the image of the terminals beside what goes on, when it is not here. Labs that start meanwhile have the academy's own. */
async function buildMissingToolbox(settings: Settings, signal: AbortSignal): Promise<void> {
  const [{ Engine }, { buildToolbox }] = await Promise.all([
    import('#cluster/kind/engine.ts'),
    import('#cluster/toolbox/image.ts'),
  ]);
  const { toolboxImage: image, toolboxBase: base, toolboxTools: tools, linkerdCli: linkerd } = settings;
  const engine = new Engine();
  try {
    if (settings.toolboxBuild === 'never' || (await engine.hasImage(image))) return;
    console.log(
      `The image ${image} for terminals is not here and is built now; labs that start before have the academy’s own.`,
    );
    await buildToolbox(engine, {
      image,
      ...(base ? { base } : {}),
      ...(tools ? { tools } : {}),
      ...(linkerd ? { linkerd } : {}),
      // Its steps, not each package.
      onLine: (line) => /^(Step|Left out)/.test(line) && console.log(`  ${line}`),
      signal,
    });
    console.log(`${image} is built: labs that start from now on have their terminals in it.`);
  } catch (error) {
    if (!isAbort(error)) console.log(`${image} could not be built (${codeOf(error)}): ${messageOf(error)}`);
  }
}
