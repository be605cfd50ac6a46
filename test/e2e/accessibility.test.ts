import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findCourses } from '#content/courses.ts';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { accessibilityProblems } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { FakeAcademy } from '../support/fake-academy.ts';

let browser: Browser;
let academy: FakeAcademy;
let url: string;

beforeAll(async () => {
  const { siteDir } = await ensureBuilt(() => {}, ['site']);
  browser = await launchBrowser();
  academy = new FakeAcademy(siteDir, {});
  url = await academy.listen();
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await academy?.close();
});

/** Every page of the site, read as it is: pictures, tables, questions, live values and printed blocks included. */
it.each(['light', 'dark'] as const)('no page has anything wrong in %s', { timeout: 600_000 }, async (colorScheme) => {
  const courses = await findCourses('lessons');
  const pages = [
    '/',
    '/no-such-page/',
    ...courses.flatMap(({ href, lessons }) => [href, ...lessons.map((l) => l.href)]),
  ];
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme });
  const page = await context.newPage();
  const found: string[] = [];
  for (const path of pages) {
    await page.goto(url + path, { waitUntil: 'networkidle' });
    for (const problem of await accessibilityProblems(page)) found.push(`${path} ${problem}`);
  }
  await context.close();
  expect(found).toEqual([]);
});
