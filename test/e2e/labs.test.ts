import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../../src/cli/root.ts';
import { AcademyProcess } from '../support/academy-process.ts';
import { launchBrowser } from '../support/browser.ts';

/** Both first labs as a learner does them: a real browser, the real server, everything typed into the terminal. */
describe('a learner in a browser', () => {
  let academy: AcademyProcess;
  let browser: Browser;
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    academy = await AcademyProcess.start();
    browser = await launchBrowser();
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await academy?.stop();
  });
  beforeEach(async () => {
    problems = [];
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      // Before a lab is started there is no session, which the page asks about.
      if (message.type() === 'error' && !/404/.test(message.text())) problems.push(message.text());
    });
  });
  afterEach(async () => {
    await page.context().close();
    expect(problems).toEqual([]);
  });

  const terminal = () => page.locator('.wb-term:not([hidden]) .xterm-rows');
  const start = async (lesson: string) => {
    await page.goto(new URL(lesson, academy.url).href);
    await page.click('[data-start]');
    await terminal().filter({ hasText: '$' }).waitFor({ timeout: 30_000 });
    await page.locator('.wb-term:not([hidden])').click();
  };
  const typeLine = async (line: string) => {
    await page.keyboard.type(line);
    await page.keyboard.press('Enter');
  };
  /** The task is green in the prose and in the rail, from one source. */
  const passed = async (task: string) => {
    await page.locator(`[data-task="${task}"][data-state="passed"]`).waitFor({ timeout: 60_000, state: 'attached' });
    return page.locator(`[data-task="${task}"] .said`).textContent();
  };
  /** Commands of a solution, one a line, as a person would type them one after another. */
  const lines = (lab: string) =>
    readFileSync(join(ROOT, 'labs', lab, 'solution.sh'), 'utf8')
      .split('\n')
      .filter((line) => !/^(#.*|set -euo pipefail|)$/.test(line));

  it('rotates the issuer without dropping a request', { timeout: 180_000 }, async () => {
    await start('identity/rotate-the-issuer/');
    await page.locator('[data-task="new-issuer"][data-state="failed"]').waitFor({ timeout: 30_000, state: 'attached' });
    for (const line of lines('rotate-the-issuer')) await typeLine(line);
    expect(await passed('new-issuer')).toMatch(/issuer 2, signed by anchor 1/);
    expect(await passed('identity-updated')).toMatch(/IssuerUpdated/);
    expect(await passed('all-on-issuer-2')).toMatch(/presented a certificate from issuer 2/);
    expect(await passed('nothing-lost')).toMatch(/none lost/);
  });

  it('denies by default and lets exactly the right caller in', { timeout: 180_000 }, async () => {
    await start('authorization/default-deny/');
    await page
      .locator('[data-task="namespace-denies"][data-state="failed"]')
      .waitFor({ timeout: 30_000, state: 'attached' });
    for (const line of lines('default-deny')) await typeLine(line);
    expect(await passed('namespace-denies')).toBeTruthy();
    expect(await passed('one-caller-one-route')).toMatch(/exactly what was asked for/);
    expect(await passed('nobody-locked-out')).toBeTruthy();

    // The same session comes back after a reload, with what the terminal showed.
    await page.reload();
    await terminal().filter({ hasText: 'kubectl apply -f policy.yaml' }).waitFor({ timeout: 30_000 });
    await page.locator('[data-task="one-caller-one-route"][data-state="passed"]').waitFor({ state: 'attached' });
  });
});
