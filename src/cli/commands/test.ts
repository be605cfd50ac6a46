import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt } from '../build/build.ts';
import { ROOT } from '../root.ts';

/** `npm test`: builds what the browser tests open, then runs every kind of test. Arguments are passed to Vitest. */
export async function run(args: string[]): Promise<number> {
  await ensureBuilt((line) => console.log(line));
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...args], { cwd: ROOT, stdio: 'inherit' });
  return status ?? 1;
}
