import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { proveLab } from '../../src/cli/prove/prove.ts';
import { ROOT } from '../../src/cli/root.ts';

const source = new LabSource(join(ROOT, 'labs'));
const ids = readdirSync(join(ROOT, 'labs'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** Untouched it scores 0, the solution turns everything green, every wrong solution stays red where it says. */
describe.each(ids)('the lab %s', (id) => {
  it('proves itself', { timeout: 600_000 }, async () => {
    const { workerEntry } = await ensureBuilt(() => {}, ['worker']);
    const lab = await source.load(id);
    const proofs = await proveLab(lab, { entry: workerEntry, driver: 'embedded', folder: join(ROOT, 'labs', id) });
    expect(proofs.filter((proof) => !proof.ok).map((proof) => `${proof.what}: ${proof.said}`)).toEqual([]);
    expect(proofs.length).toBeGreaterThanOrEqual(3);
  });
});
