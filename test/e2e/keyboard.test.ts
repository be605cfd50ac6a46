import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AcademyProcess } from '../support/academy-process.ts';
import { accessibilityProblems } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';

/** A whole lab without a mouse: commands, questions with options and with a line to type, and a prediction. */
describe('a learner with a keyboard alone', () => {
  let academy: AcademyProcess;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    academy = await AcademyProcess.start({ env: { ACADEMY_DRIVER: 'embedded' } });
    browser = await launchBrowser();
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await academy?.stop();
  });

  const focusIs = (selector: string) =>
    page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector);
  /** Presses Tab until the focus is there. */
  const tabTo = async (selector: string): Promise<void> => {
    for (let presses = 0; presses < 60; presses++) {
      if (await focusIs(selector)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`sixty times Tab, and the focus is not on ${selector}`);
  };
  /** From pane to pane until the focus is in it. */
  const paneOf = async (selector: string): Promise<void> => {
    for (let presses = 0; presses < 5; presses++) {
      if (await page.locator(selector).evaluate((pane) => pane.contains(document.activeElement))) return;
      await page.keyboard.press('F6');
    }
    throw new Error(`F6 does not come by ${selector}`);
  };
  const toTask = async (id: string): Promise<void> => {
    await paneOf('.wb-foot');
    await tabTo(`[data-segment="${id}"]`);
    await page.keyboard.press('Enter');
    expect(await focusIs(`[data-task="${id}"]`)).toBe(true);
  };
  const state = (id: string, wanted: string) =>
    page.locator(`[data-task="${id}"][data-state="${wanted}"]`).waitFor({ timeout: 90_000, state: 'attached' });
  const said = (id: string) => page.locator(`[data-task="${id}"] .said`).textContent();
  /** The arrow keys choose among options, as everywhere. */
  const choose = async (option: number): Promise<void> => {
    await tabTo('.question input[type=radio]');
    await page.keyboard.press('Space');
    for (let down = 0; down < option; down++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    expect(await focusIs('.question button')).toBe(true);
    await page.keyboard.press('Enter');
  };
  const run = async (line: string): Promise<void> => {
    await page.keyboard.press('Control+`');
    await page.keyboard.type(line);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+Shift+Escape');
  };

  it('starts a lab, answers, types, and finishes', { timeout: 300_000 }, async () => {
    await page.goto(new URL('mesh/golden-metrics/', academy.url).href);
    await tabTo('[data-start]');
    await page.keyboard.press('Enter');
    await state('failures-found', 'waiting');
    await page.locator('[data-task="failures-found"] .question').waitFor({ timeout: 60_000 });

    // Options: a wrong one is told why, and the right one after it turns the task green.
    await toTask('failures-found');
    await choose(0);
    await state('failures-found', 'failed');
    expect(await said('failures-found')).toContain('web passes on what it was told');
    await toTask('failures-found');
    await choose(3);
    await state('failures-found', 'passed');

    // A line to type: a number that is far off, and one that is near enough.
    await toTask('slowness-found');
    await tabTo('.question input[type=text]');
    await page.keyboard.type('3');
    await page.keyboard.press('Enter');
    await state('slowness-found', 'failed');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('Control+A');
    await page.keyboard.type('340');
    await page.keyboard.press('Enter');
    await state('slowness-found', 'passed');

    // A prediction counts as made, whatever it was.
    await toTask('predicted');
    await choose(0);
    await state('predicted', 'passed');

    await run('kubectl -n shop set env deployment/prices PODINFO_RANDOM_DELAY-');
    await run('kubectl -n shop annotate service stock retry.linkerd.io/http=5xx retry.linkerd.io/limit=6');
    for (const task of ['quick-again', 'seldom-seen', 'by-repeating', 'orders-answered']) await state(task, 'passed');
    expect(await page.locator('.wb-rail b').textContent()).toBe('7 of 7 done');
    await paneOf('.wb-foot');
    await tabTo('.wb-foot a.button.primary');
  });
});
