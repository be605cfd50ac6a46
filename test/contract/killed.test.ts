import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TestLearner, type TestPage } from '../support/academy.ts';
import { AcademyProcess } from '../support/academy-process.ts';

const LAB = 'default-deny';

describe('kill -9 of the server', () => {
  let academy: AcademyProcess | undefined;
  let page: TestPage | undefined;
  afterEach(async () => {
    page?.close();
    await academy?.stop();
  });
  const ready = (of: TestPage) => of.until(() => of.session?.state === 'ready', 90_000, 'the lab to be ready');

  it('loses no file, no history, no progress and no object', { timeout: 240_000 }, async () => {
    academy = await AcademyProcess.start();
    const before = new TestLearner(academy);
    await before.startLab(LAB);
    page = before.connect(LAB);
    await page.openTerminal();
    await ready(page);
    page.send({ type: 'file.write', path: 'notes.md', content: 'half a sentence' });
    await page.run('kubectl annotate namespace shop config.linkerd.io/default-inbound-policy=deny');
    await page.run('kubectl -n shop rollout restart deployment');
    await page.until(
      () => page!.task('namespace-denies')?.verdict?.state === 'passed',
      60_000,
      'the first task to turn green',
    );
    await snapshotAfter(academy.dataDir, Date.now());
    page.close();

    const { dataDir } = academy;
    await academy.stop({ signal: 'SIGKILL', keep: true });
    academy = await AcademyProcess.start({ dataDir });
    const after = new TestLearner(academy);
    after.cookie = before.cookie;
    page = after.connect(LAB);
    await page.until(() => page!.session !== undefined, 20_000, 'the session');
    await ready(page);
    expect(page.session?.rebuilt).toMatch(/came back from its saved state/);
    await page.openTerminal('after');
    const run = (line: string) => page!.run(line, 30_000, 'after');
    expect(await run('cat notes.md')).toContain('half a sentence');
    expect(await run('history | tail -5')).toContain('rollout restart deployment');
    expect(await run('kubectl get namespace shop -o yaml')).toContain('default-inbound-policy: deny');
    const progress = (await (await after.fetch('/api/progress')).json()) as {
      labs: Record<string, { passed: string[] }>;
    };
    expect(progress.labs[LAB]?.passed).toContain('namespace-denies');
    await page.until(
      () => page!.task('namespace-denies')?.verdict?.state === 'passed',
      30_000,
      'the task to be seen green again',
    );
  });
});

/** Resolves when the database holds a snapshot that was taken after `at`. */
async function snapshotAfter(dataDir: string, at: number): Promise<void> {
  const database = new DatabaseSync(join(dataDir, 'academy.sqlite'), { readOnly: true });
  try {
    await vi.waitFor(
      () => {
        const row = database.prepare('SELECT max(snapshot_at) AS at FROM session').get() as { at: number | null };
        expect(row.at ?? 0).toBeGreaterThan(at);
      },
      { timeout: 30_000, interval: 200 },
    );
  } finally {
    database.close();
  }
}
