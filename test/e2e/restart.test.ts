import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AcademyProcess } from '../support/academy-process.ts';
import { launchBrowser } from '../support/browser.ts';

/** An open page lives through the death of the server, with the real session behind it. */
describe('a page and a server that is killed', () => {
  let academy: AcademyProcess;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    academy = await AcademyProcess.start();
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await academy?.stop();
  });

  const shown = () => page.locator('.wb-term:not([hidden]) .xterm-rows');

  it('reconnects by itself, says what came back, and has the files', { timeout: 180_000 }, async () => {
    await page.goto(new URL('identity/rotate-the-issuer/', academy.url).href);
    await page.click('[data-start]');
    await page.locator('html[data-session=ready]').waitFor({ timeout: 60_000 });
    await page.locator('.wb-term:not([hidden])').click();
    await page.keyboard.type('echo kept > note.txt; kubectl -n shop create configmap mine\n');
    await shown().filter({ hasText: 'configmap/mine created' }).waitFor();
    // A change is saved a moment later; the file list shows that the file went through the store.
    await page.locator('[data-path="note.txt"]').waitFor({ state: 'attached' });
    await expect.poll(() => page.evaluate(() => document.documentElement.dataset['link'])).toBe('open');

    const port = Number(new URL(academy.url).port);
    const { dataDir } = academy;
    await academy.stop({ signal: 'SIGKILL', keep: true });
    await page.locator('.wb-notice', { hasText: 'nothing is lost' }).waitFor({ timeout: 30_000 });
    academy = await AcademyProcess.start({ port, dataDir });

    await page.locator('.wb-notice', { hasText: 'The academy was restarted' }).waitFor({ timeout: 60_000 });
    await page.locator('html[data-session=ready]').waitFor({ timeout: 60_000 });
    await page.locator('.wb-term:not([hidden])').click();
    await page.keyboard.type('cat note.txt\n');
    await shown().filter({ hasText: 'kept' }).waitFor();
  });
});
