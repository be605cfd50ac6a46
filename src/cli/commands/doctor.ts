import { Engine } from '#cluster/kind/engine.ts';
import { preflight } from '#cluster/kind/preflight.ts';
import { readSettings } from '#server/settings.ts';

const MARK = { ok: '✓', warning: '!', failed: '✕' } as const;

/** `academy doctor`: what kind clusters need of this host, each failure with the line that mends it. Exit code 0 when they can run. */
export async function run(): Promise<number> {
  const { nodeImage, toolboxImage } = readSettings();
  const checks = await preflight(new Engine(), nodeImage, toolboxImage);
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
