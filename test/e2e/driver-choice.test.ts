import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { accessibilityProblems } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { FakeAcademy } from '../support/fake-academy.ts';
import { labScript } from '../support/lab-script.ts';

const LABS = resolve(import.meta.dirname, '../../labs');
const LAB = 'who-answers';

let browser: Browser;
let academy: FakeAcademy;
let page: Page;

beforeAll(async () => {
  const { siteDir } = await ensureBuilt(() => {}, ['site']);
  browser = await launchBrowser();
  const make = await labScript(LABS, LAB);
  academy = new FakeAcademy(siteDir, {
    [LAB]: () => {
      const script = make();
      script.view.choices = ['embedded', 'kind'];
      return script;
    },
  });
  const url = await academy.listen();
  page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.goto(`${url}/mesh/who-answers/`);
  await page.click('[data-start]');
}, 180_000);
afterAll(async () => {
  await academy?.close();
  await browser?.close();
});

it('a learner sees what a lab runs on and why, starts it on the other kind, and follows its steps', async () => {
  const session = academy.sessions.get(LAB)!;
  const chip = page.locator('.wb-status .chip').first();
  const dialog = page.locator('dialog.wb-dialog');
  await chip.filter({ hasText: 'embedded cluster, ready' }).click();
  await dialog.getByRole('heading', { name: 'This lab runs on an embedded cluster' }).waitFor();
  expect(await dialog.textContent()).toContain('Why: no Docker needed.');
  expect(await dialog.textContent()).toContain('Your files and your history stay');
  expect(await accessibilityProblems(page)).toEqual([]);
  // A careless Enter takes nothing away.
  expect(await dialog.locator('button:focus').textContent()).toBe('Close');

  await dialog.getByRole('button', { name: 'Start afresh on a kind cluster' }).click();
  await expect
    .poll(() => academy.received.filter(({ type }) => type === 'session.reset'))
    .toMatchObject([{ type: 'session.reset', driver: 'kind' }]);
  await dialog.waitFor({ state: 'detached' });

  const at = Date.now();
  const image = { step: 'image', title: 'Looking for the node image', state: 'done', at, tookMs: 40 } as const;
  const node = { step: 'node', title: 'Starting the node', state: 'started', at, usualMs: 3_000 } as const;
  session.become({ state: 'starting', driver: 'kind', driverWhy: 'you chose it', steps: [image, node] });
  await chip.filter({ hasText: 'kind cluster, starting' }).click();
  await dialog.getByRole('heading', { name: 'This lab runs on a kind cluster' }).waitFor();
  const rows = dialog.locator('.steps tr');
  expect(await rows.allTextContents()).toEqual(['Looking for the node image40 ms', 'Starting the nodeunder way']);

  const message = 'The image academy/toolbox:1 is not here.';
  const toolbox = { step: 'toolbox', title: 'Preparing the terminal', state: 'skipped', at, message } as const;
  session.become({ state: 'ready', steps: [image, { ...node, state: 'done', tookMs: 2_100 }, toolbox] });
  await rows.filter({ hasText: '2.1 s' }).waitFor();
  expect(await rows.last().textContent()).toMatch(/^Preparing the terminal.*is not here\.left out$/);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});
