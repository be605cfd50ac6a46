import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { Pool, SESSIONS_AT_ONCE } from '../../src/cli/prove/pool.ts';
import { proveLab } from '../../src/cli/prove/prove.ts';
import { ROOT } from '../../src/cli/root.ts';

const source = new LabSource(join(ROOT, 'labs'));
const ids = readdirSync(join(ROOT, 'labs'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** Shared by all labs. */
const pool = new Pool(SESSIONS_AT_ONCE);
let entry: URL;
beforeAll(async () => {
  entry = (await ensureBuilt(() => {}, ['worker'])).workerEntry;
});

/** Untouched it scores 0, the solution turns everything green, every wrong solution stays red where it says. */
describe.concurrent('labs', () => {
  it.each(ids)('%s proves itself', { timeout: 1_200_000 }, async (id) => {
    const lab = await source.load(id);
    const proofs = await proveLab(lab, { entry, driver: 'embedded', folder: join(ROOT, 'labs', id), pool });
    expect(proofs.filter((proof) => !proof.ok).map((proof) => `${proof.what}: ${proof.said}`)).toEqual([]);
    expect(proofs.length).toBeGreaterThanOrEqual(3);
  });
});
