import { Engine } from '#cluster/kind/engine.ts';
import { type PreflightCheck, preflight } from '#cluster/kind/preflight.ts';
import { localName } from '#cluster/kind/references.ts';
import { readSettings } from '#server/settings.ts';
import { classroomImages } from '../classroom-images.ts';

const MARK = { ok: '✓', warning: '!', failed: '✕' } as const;

/** `academy doctor`: what kind clusters need of this host, each failure with the line that mends it. Exit code 0 when they can run. */
export async function run(): Promise<number> {
  const { nodeImage, toolboxImage, linkerdCli } = readSettings();
  const engine = new Engine();
  const checks = await preflight(engine, nodeImage, { image: toolboxImage, given: linkerdCli ? ['linkerd'] : [] });
  if (checks.length > 1) checks.push(await images(engine, [nodeImage, toolboxImage]));
  const width = Math.max(...checks.map(({ what }) => what.length));
  for (const { what, state, said, mend } of checks) {
    console.log(`${MARK[state]} ${what.padEnd(width)}  ${said}`);
    if (mend) console.log(`  ${' '.repeat(width)}  → ${mend}`);
  }
  const failed = checks.some(({ state }) => state === 'failed');
  console.log(
    failed
      ? '\nkind clusters can’t run here yet. Embedded clusters need nothing of this and always can.'
      : '\nkind clusters can run here.',
  );
  return failed ? 1 : 0;
}

/** How many of the images that pods run are in the Engine. Those of a baked node image are not seen from here. */
async function images(engine: Engine, others: string[]): Promise<PreflightCheck> {
  const wanted = (await classroomImages()).filter(({ reference }) => !others.includes(reference));
  const names = await Promise.all(wanted.map(({ reference }) => localName(engine, reference)));
  const missing = names.filter((name) => name === undefined).length;
  const said = `${wanted.length - missing} of ${wanted.length} for the mesh and the labs are in the Engine`;
  if (missing === 0) return { what: 'images', state: 'ok', said };
  return {
    what: 'images',
    state: 'warning',
    said: `${said}; a lab without its own can’t begin, unless the node image holds them`,
    mend: 'npx academy images list (says which), npx academy images pull (fetches them)',
  };
}
