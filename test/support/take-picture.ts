import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../src/cli/root.ts';
import { AcademyProcess } from './academy-process.ts';
import { launchBrowser } from './browser.ts';

/**
 * Takes `public/workbench.png`, the picture of the README, from the real thing: the lab "rotate-the-issuer" solved by
 * typing its solution, with the view of certificates open. Run with `node test/support/take-picture.ts`.
 */
const academy = await AcademyProcess.start();
const browser = await launchBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
  await page.goto(new URL('identity/rotate-the-issuer/', academy.url).href);
  await page.click('[data-start]');
  await page.locator('html[data-session=ready]').waitFor({ state: 'attached' });
  await page.locator('.wb-term:not([hidden])').click();
  const solution = readFileSync(join(ROOT, 'labs', 'rotate-the-issuer', 'solution.sh'), 'utf8');
  for (const line of solution.split('\n').filter((each) => !/^(#.*|set -.*|)$/.test(each))) {
    await page.keyboard.type(line);
    await page.keyboard.press('Enter');
  }
  await page.locator('[data-task="nothing-lost"][data-state="passed"]').waitFor({ state: 'attached', timeout: 90_000 });
  await page.locator('[data-tab="certificates"]').click();
  await page.locator('#task-all-on-issuer-2').scrollIntoViewIfNeeded();
  // The picture shows the lanes as they are, so they must have been drawn since the last pod came.
  await page.locator('svg', { hasText: 'issuer 2' }).first().waitFor();
  await page.screenshot({ path: join(ROOT, 'public', 'workbench.png') });
} finally {
  await browser.close();
  await academy.stop();
}
