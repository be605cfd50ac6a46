import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { accessibilityProblems } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { FakeAcademy, type FakeSession, type Script } from '../support/fake-academy.ts';
import { labScript } from '../support/lab-script.ts';

const LABS = resolve(import.meta.dirname, '../../labs');
const LAB = 'rotate-the-issuer';
const LESSON = '/identity/rotate-the-issuer/';

let browser: Browser;
let siteDir: string;
let academy: FakeAcademy;
let url: string;
let context: BrowserContext;
let page: Page;
let problems: string[];
/** Changes the script before the session starts. */
let prepare: (script: Script) => void;

const session = (): FakeSession => academy.sessions.get(LAB)!;
const sent = (type: string) => academy.received.filter((message) => message.type === type);
const terminalText = () => page.locator('.wb-term:not([hidden]) .xterm-rows').textContent();

async function newContext(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  await context?.close();
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  return newPage();
}

async function newPage(): Promise<Page> {
  const opened = await context.newPage();
  opened.on('pageerror', (error) => problems.push(String(error)));
  opened.on('console', (message) => {
    // A line that is cut on purpose is reported by the browser; so is a page that does not exist.
    if (message.type() === 'error' && !/WebSocket|503|404/.test(message.text())) problems.push(message.text());
  });
  return opened;
}

async function startLab(): Promise<void> {
  await page.goto(url + LESSON);
  await page.click('[data-start]');
  await page.locator('.wb-term:not([hidden]) .xterm-rows', { hasText: 'shop $' }).waitFor();
}

async function type(text: string): Promise<void> {
  await page.locator('.wb-term:not([hidden])').click();
  await page.keyboard.type(text);
}

beforeAll(async () => {
  ({ siteDir } = await ensureBuilt(() => {}, ['site']));
  browser = await launchBrowser();
}, 120_000);
afterAll(() => browser?.close());

beforeEach(async () => {
  problems = [];
  prepare = () => {};
  const make = await labScript(LABS, LAB);
  academy = new FakeAcademy(siteDir, {
    [LAB]: () => {
      const script = make();
      prepare(script);
      return script;
    },
  });
  url = await academy.listen();
  page = await newContext();
});
afterEach(async () => {
  await context.close();
  await academy.close();
  expect(problems).toEqual([]);
});

describe('a page that is only read', () => {
  it('loads little script, and nothing of the workbench', async () => {
    const scripts = new Map<string, number>();
    page.on('response', async (response) => {
      if (/\.(js|css)$/.test(new URL(response.url()).pathname)) {
        scripts.set(new URL(response.url()).pathname, gzipSync(await response.body()).length);
      }
    });
    await page.goto(url + LESSON, { waitUntil: 'networkidle' });
    const js = [...scripts].filter(([path]) => path.endsWith('.js'));
    expect(js.reduce((sum, [, size]) => sum + size, 0)).toBeLessThan(30 * 1024);
    expect([...scripts.keys()].filter((path) => /open|monaco|xterm/.test(path))).toEqual([]);
    expect(academy.sessions.size).toBe(0);
  });

  it('reads without JavaScript', async () => {
    page = await newContext({ javaScriptEnabled: false });
    await page.goto(url + LESSON);
    expect(await page.locator('article h1').textContent()).toBe('Rotate the issuer');
    expect(await page.locator('[data-start]').isVisible()).toBe(false);
    expect(await page.locator('.start').textContent()).toContain('needs JavaScript');
  });

  it('keeps the colours that were chosen, over a reload', async () => {
    await page.goto(url + LESSON);
    await page.selectOption('[data-theme-select]', 'dark');
    await page.reload();
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');
    expect(await page.inputValue('[data-theme-select]')).toBe('dark');
  });

  it('notes an answer, and compares only when asked', async () => {
    await page.goto(url + LESSON);
    const question = page.locator('[data-answer]').first();
    await question.locator('label').first().click();
    expect(await question.locator('.said').textContent()).toBe('Noted. Now look, then compare.');
    await question.locator('summary').click();
    await expect.poll(() => question.locator('.said').textContent()).toMatch(/^You said: /);
  });

  it('shows what is done already', async () => {
    academy.progress = { [LAB]: { points: { got: 8, of: 8 }, passed: [], completedAt: 1 } };
    await page.goto(`${url}/`);
    await page.locator('[data-progress]', { hasText: '1 of 1 labs done' }).waitFor();
  });
});

describe.each(['light', 'dark'] as const)('accessibility in %s', (colorScheme) => {
  it.each(['/', '/identity/', LESSON, '/no-such-page/'])('finds nothing wrong on %s', async (path) => {
    page = await newContext({ colorScheme });
    await page.goto(url + path, { waitUntil: 'networkidle' });
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('finds nothing wrong in an open lab and its views', async () => {
    page = await newContext({ colorScheme });
    await startLab();
    await page.locator('.view-line').first().waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    for (const view of ['certificates', 'policy', 'traffic', 'events']) {
      await page.click(`[data-tab=${view}]`);
      await page.locator(`#view-${view} :is(svg, table)`).first().waitFor();
      expect(await accessibilityProblems(page)).toEqual([]);
    }
  });
});

describe('terminal', () => {
  it('shows a prompt, takes keys, and leaves by Ctrl-Shift-Escape', async () => {
    await startLab();
    await type('echo hello\r');
    await expect.poll(terminalText).toContain('you typed: echo hello');
    await page.keyboard.press('Control+Shift+Escape');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('tab');
  });

  it('runs a command of the prose without taking the keyboard away', async () => {
    await startLab();
    await page.locator('[data-send]').first().click();
    await expect.poll(terminalText).toContain('you typed: kubectl -n shop get pods');
    expect(await page.evaluate(() => document.activeElement?.matches('[data-send]'))).toBe(true);
  });

  it('opens and closes more shells', async () => {
    await startLab();
    await page.click('.wb-plus');
    await expect
      .poll(() => sent('terminal.open').map((message) => 'terminal' in message && message.terminal))
      .toEqual(['shell-1', 'shell-2']);
    await page.locator('.wb-lower [role=tab][aria-selected=true]', { hasText: 'shell 2' }).waitFor();
    await page.keyboard.press('Control+Shift+Escape');
    await page.keyboard.press('Delete');
    await page.locator('.wb-lower [role=tab]', { hasText: 'shell 2' }).waitFor({ state: 'detached' });
  });

  it('cuts a long paste into pieces', async () => {
    await startLab();
    const text = 'x'.repeat(150_000);
    await page
      .locator('.wb-term textarea')
      .first()
      .evaluate((area, pasted) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData('text/plain', pasted);
        area.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
      }, text);
    await expect.poll(() => sent('terminal.input').length).toBe(3);
    expect(
      sent('terminal.input')
        .map((message) => ('data' in message ? message.data : ''))
        .join(''),
    ).toBe(text);
  });

  it('loses nothing and doubles nothing when the line breaks', async () => {
    await startLab();
    await type('one\r');
    await expect.poll(terminalText).toContain('you typed: one');
    academy.away = true;
    academy.drop();
    await page.locator('.wb-notice', { hasText: 'The connection is lost' }).waitFor();
    session().print('shell-1', 'printed while away\r\n');
    await page.keyboard.type('two\r');
    academy.away = false;
    // It comes back by itself; a network that is there again makes it try at once.
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await expect.poll(terminalText, { timeout: 15_000 }).toContain('you typed: two');
    const text = (await terminalText()) ?? '';
    for (const once of ['you typed: one', 'printed while away', 'you typed: two']) {
      expect(text.split(once)).toHaveLength(2);
    }
    await page.locator('.wb-notice').waitFor({ state: 'detached' });
  });

  it('comes back after a reload, with its scrollback, and is the same in a second tab', async () => {
    await startLab();
    await type('remember me\r');
    await expect.poll(terminalText).toContain('you typed: remember me');
    await page.reload();
    await expect.poll(terminalText).toContain('you typed: remember me');
    const first = page;
    page = await newPage();
    await page.goto(url + LESSON);
    await expect.poll(terminalText).toContain('you typed: remember me');
    await type('from the second\r');
    page = first;
    await expect.poll(terminalText).toContain('you typed: from the second');
    expect(sent('terminal.open')).toHaveLength(1);
  });
});

describe('live values in the text', () => {
  const issuer = () => page.locator('[data-observe*=\'"show":"issuer"\']').first();
  const age = () => page.locator('[data-observe*=\'"show":"age"\']').first();

  it('are words without a session, the cluster’s values with one, and words again afterwards', async () => {
    await page.goto(url + LESSON);
    const words = await issuer().textContent();
    expect(words).toContain('issuer 1 before the restart');
    await page.click('[data-start]');
    await expect.poll(() => issuer().textContent()).toBe('issuer 1');
    await expect.poll(() => age().textContent()).toMatch(/^1 min \d+ s$/);
    const before = await age().textContent();
    await expect.poll(() => age().textContent()).not.toBe(before);
    expect(sent('views.watch').at(-1)).toMatchObject({
      observe: [
        { certificate: 'deployment/web', show: 'issuer', namespace: 'shop' },
        { certificate: 'deployment/web', show: 'age', namespace: 'shop' },
      ],
    });
    await page.click('[aria-label="Session menu"]');
    await page.click('.wb-menu button:has-text("Back to reading")');
    expect(await issuer().textContent()).toBe(words);
  });

  it('follow what the session says, and say what can’t be seen', async () => {
    await startLab();
    await expect.poll(() => issuer().textContent()).toBe('issuer 1');
    const key = (await issuer().getAttribute('data-observe-key'))!;
    session().tell({ type: 'view.observed', values: [{ key, value: { is: 'text', text: 'issuer 2' } }] });
    await expect.poll(() => issuer().textContent()).toBe('issuer 2');
    session().tell({ type: 'view.observed', values: [{ key, value: { is: 'absent', why: 'no meshed pod' } }] });
    await expect.poll(() => issuer().textContent()).toBe('— (no meshed pod)');
  });
});

describe('tasks', () => {
  it('turn green in the prose and in the rail from one message, are announced, and leave the focus alone', async () => {
    await startLab();
    await type('pass new-issuer\r');
    const card = page.locator('[data-task=new-issuer]');
    await expect.poll(() => card.getAttribute('data-state')).toBe('passed');
    expect(await card.locator('.said').textContent()).toBe('Issuer 2 is in use, 14 s old.');
    expect(await page.locator('[data-segment=new-issuer]').getAttribute('data-state')).toBe('passed');
    expect(await page.locator('.wb-rail b').textContent()).toBe('2 of 4 done');
    await page
      .locator('[role=status]', { hasText: 'passed. Issuer 2 is in use, 14 s old.' })
      .waitFor({ state: 'attached' });
    expect(await page.evaluate(() => document.activeElement?.className)).toContain('xterm');
    session().task('new-issuer', {
      verdict: {
        task: 'new-issuer',
        state: 'failed',
        said: 'Issuer 1 is back.',
        at: Date.now(),
        points: 0,
        evidence: [],
      },
    });
    await expect.poll(() => card.getAttribute('data-state')).toBe('failed');
  });

  it('give hints one at a time, and the solution after a question', async () => {
    await startLab();
    const card = page.locator('[data-task=new-issuer]');
    await card.locator('button', { hasText: 'Hint 1 of 3' }).click();
    await card.locator('.hints li', { hasText: 'Hint number 1.' }).waitFor();
    await card.locator('button', { hasText: 'Hint 2 of 3' }).waitFor();
    await card.locator('button', { hasText: 'Solution' }).click();
    expect(sent('solution.show')).toHaveLength(0);
    await page.locator('dialog button', { hasText: 'Show the solution' }).click();
    await page.locator('dialog h2', { hasText: 'Solution' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
  });
});

describe('editor', () => {
  const open = async () => {
    await startLab();
    await page.locator('.view-line').first().waitFor();
    await page.locator('.monaco-editor .view-lines').first().click();
  };

  it('saves by itself, with the version it began from', async () => {
    await open();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('# mine\n');
    await expect
      .poll(() => session().script.files.find(({ path }) => path === 'policy.yaml')?.content)
      .toMatch(/^# mine\n/);
    await page.locator('.wb-save', { hasText: 'Saved' }).waitFor();
    expect(sent('file.write')[0]).toMatchObject({ path: 'policy.yaml', baseVersion: 1 });
  });

  it('takes what the shell writes, and keeps both when both wrote', async () => {
    await open();
    session().setFile('policy.yaml', 'from: shell\n');
    await page.locator('.view-line', { hasText: 'from: shell' }).waitFor();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('mine: 1\n');
    session().setFile('policy.yaml', 'from: shell again\n');
    await page.locator('.wb-banner', { hasText: 'changed in the terminal' }).waitFor();
    expect(session().script.files.find(({ path }) => path === 'policy.yaml')?.content).toBe('from: shell again\n');
    await page.click('.wb-banner button:has-text("Keep mine")');
    await expect
      .poll(() => session().script.files.find(({ path }) => path === 'policy.yaml')?.content)
      .toBe('mine: 1\nfrom: shell\n');
  });

  it('edits a text that a program waits for, and answers', async () => {
    await startLab();
    await type('edit\r');
    await page.locator('.wb-banner', { hasText: 'The terminal waits' }).waitFor();
    await page.locator('.view-line', { hasText: 'kind: Service' }).waitFor();
    await page.locator('.monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('edited: true');
    await page.click('.wb-banner button:has-text("Save & close")');
    await expect
      .poll(() => sent('edit.done'))
      .toMatchObject([{ id: 'edit-1', content: 'kind: Service\napiVersion: v1\nedited: true' }]);
  });

  it('underlines a mistake in YAML', async () => {
    await open();
    session().setFile('policy.yaml', 'kind: Server\n  name: api\n');
    await page.locator('.squiggly-error').first().waitFor({ state: 'attached' });
  });

  it('knows the mesh’s kinds: offers their fields, and marks what they do not have', async () => {
    await open();
    session().setFile('policy.yaml', 'apiVersion: policy.linkerd.io/v1beta3\nkind: Server\nspec:\n  ');
    await page.locator('.view-line', { hasText: 'spec:' }).waitFor();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('pod');
    await page.locator('.suggest-widget .monaco-list-row', { hasText: 'podSelector' }).waitFor();
    await page.keyboard.press('Enter');
    await expect
      .poll(() => session().script.files.find(({ path }) => path === 'policy.yaml')?.content)
      .toContain('podSelector:\n');
    session().setFile('notes.yaml', 'x: 1\n');
    await page.click('[data-path="notes.yaml"]');
    session().setFile('notes.yaml', 'apiVersion: policy.linkerd.io/v1beta3\nkind: Server\nspec: { ports: http }\n');
    await page.locator('.squiggly-error').first().waitFor({ state: 'attached' });
  });

  it('makes, renames and deletes files, and refuses names that leave the folder', async () => {
    await open();
    await page.click('.wb-files header button');
    await page.fill('dialog input', '../x');
    await page.keyboard.press('Enter');
    await page.locator('dialog .problem', { hasText: 'Use letters' }).waitFor();
    await page.fill('dialog input', 'notes/a.yaml');
    await page.keyboard.press('Enter');
    await page.locator('.wb-files [data-path="notes/a.yaml"][aria-current]').waitFor();
    await page.click('.wb-files button:has-text("Delete")');
    await page.click('dialog button.danger');
    await page.locator('.wb-files [data-path="notes/a.yaml"]').waitFor({ state: 'detached' });
  });
});

describe('layout', () => {
  it('resizes by keys and mouse, and remembers', async () => {
    await startLab();
    const bar = page.locator('.wb-grip.column');
    await bar.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await bar.getAttribute('aria-valuenow')).toBe('45');
    await page.keyboard.press('Home');
    expect(await bar.getAttribute('aria-valuenow')).toBe('20');
    const box = (await bar.boundingBox())!;
    await page.mouse.move(box.x + 3, box.y + 200);
    await page.mouse.down();
    await page.mouse.move(720, box.y + 200);
    await page.mouse.up();
    expect(await bar.getAttribute('aria-valuenow')).toBe('50');
    await page.reload();
    await bar.waitFor();
    expect(await bar.getAttribute('aria-valuenow')).toBe('50');
  });

  it('goes from pane to pane with F6, and lists the keys on ?', async () => {
    await startLab();
    await page.locator('#main').focus();
    for (const pane of ['.wb-upper', '.wb-lower', '.wb-foot', '#main']) {
      await page.keyboard.press('F6');
      expect(await page.locator(pane).evaluate((element) => element.contains(document.activeElement))).toBe(true);
    }
    await page.keyboard.press('?');
    await page.locator('dialog', { hasText: 'leave the terminal' }).waitFor();
  });

  it('shows one pane at a time on a phone', async () => {
    page = await newContext({ viewport: { width: 390, height: 844 }, hasTouch: true });
    await page.goto(url + LESSON);
    await page.click('[data-start]');
    await page.click('.wb-switch [data-pane=terminal]');
    await expect.poll(terminalText).toContain('shop $');
    expect(await page.locator('article').isVisible()).toBe(false);
    await page.click('.wb-switch [data-pane=views]');
    await page.locator('#view-certificates svg').first().waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.click('.wb-switch [data-pane=text]');
    expect(await page.locator('article').isVisible()).toBe(true);
  });
});

describe('states of a session', () => {
  it('shows each step of a start, then the panes', async () => {
    prepare = ({ view }) => {
      view.state = 'starting';
      view.steps = [
        { step: 'cluster', title: 'Creating the cluster', state: 'done', at: Date.now(), tookMs: 82 },
        { step: 'mesh', title: 'Installing the mesh', state: 'started', at: Date.now(), usualMs: 400 },
      ];
    };
    await page.goto(url + LESSON);
    await page.click('[data-start]');
    await page.locator('.wb-session li', { hasText: 'Installing the mesh' }).waitFor();
    expect(await page.locator('.wb-session').textContent()).toContain('usually 400 ms');
    expect(await accessibilityProblems(page)).toEqual([]);
    session().become({ state: 'ready' });
    await page.locator('.wb-session').waitFor({ state: 'hidden' });
  });

  it('says the place in the queue', async () => {
    prepare = ({ view }) => Object.assign(view, { state: 'queued', queue: { place: 3, estimateMs: 240_000 } });
    await page.goto(url + LESSON);
    await page.click('[data-start]');
    await page.locator('.wb-session', { hasText: 'You are number 3 in the queue' }).waitFor();
  });

  it('warns before the end, extends, ends, and starts again', async () => {
    await startLab();
    session().tell({
      type: 'notice',
      level: 'warning',
      text: 'This session ends in 5 minutes.',
      endsAt: Date.now() + 300_000,
    });
    await page.locator('.wb-notice button', { hasText: 'Extend' }).click();
    await expect.poll(() => sent('session.extend').length).toBe(1);
    await page.locator('.wb-notice').waitFor({ state: 'detached' });
    session().become({ state: 'ended' });
    await page.locator('.wb-session', { hasText: 'This session has ended' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.click('.wb-session button:has-text("Start again")');
    await expect.poll(terminalText).toContain('shop $');
  });

  it('says why a cluster failed and what to do', async () => {
    await startLab();
    session().become({
      state: 'failed',
      error: {
        code: 'session/out-of-memory',
        message: 'The session used more than 192 MiB.',
        hint: 'Reset gives a fresh cluster.',
      },
    });
    await page.locator('.wb-session', { hasText: 'used more than 192 MiB' }).waitFor();
    await page.click('.wb-session button:has-text("Start a fresh cluster")');
    await expect.poll(terminalText).toContain('shop $');
  });

  it('tells what came back after a restart, and offers a fresh cluster', async () => {
    prepare = ({ view }) => Object.assign(view, { rebuilt: 'The academy was restarted. It was built again.' });
    await startLab();
    await page.locator('.wb-notice', { hasText: 'The academy was restarted' }).waitFor();
    await page.click('.wb-notice button:has-text("Fresh cluster")');
    await page.click('dialog button.danger');
    await expect.poll(() => sent('session.reset').length).toBe(1);
  });

  it('notices a session that is gone while the page slept', async () => {
    await startLab();
    academy.sessions.clear();
    academy.drop();
    await page.locator('.wb-session', { hasText: 'This session has ended' }).waitFor();
  });

  it('says of a lost world what can be done, and of a broken check whose fault it is', async () => {
    await startLab();
    const verdict = { task: 'all-on-issuer-2', at: Date.now(), points: 0, evidence: [] };
    session().task('all-on-issuer-2', { verdict: { ...verdict, state: 'lost', said: 'A certificate ended.' } });
    await page.locator('.wb-notice button', { hasText: 'Fresh cluster' }).waitFor();
    session().task('all-on-issuer-2', { verdict: { ...verdict, state: 'broken', said: 'The probe timed out.' } });
    await page.locator('.wb-notice').waitFor({ state: 'detached' });
    const card = page.locator('[data-task=all-on-issuer-2]');
    expect(await card.locator('.said').textContent()).toContain('our fault');
    expect(await card.locator('.verdict-word').textContent()).toBe('check broken');
  });

  it('shows the clock of a cluster where it differs, and moves it', async () => {
    prepare = ({ view }) => Object.assign(view, { clockMovable: true, clockAheadMs: 3 * 3_600_000 });
    await startLab();
    const clock = page.locator('.wb-status button', { hasText: /cluster clock .* UTC \(\+3 h\)/ });
    await clock.click();
    await page.click('dialog button:has-text("+ 8 hours")');
    await expect.poll(() => sent('clock.advance')).toMatchObject([{ ms: 8 * 3_600_000 }]);
  });

  it('gives the keyboard to the shell’s tab when Start is gone', async () => {
    await page.goto(url + LESSON);
    await page.focus('[data-start]');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('shell 1');
    await page.keyboard.press('Enter');
    await page.keyboard.type('by keyboard\r');
    await expect.poll(terminalText).toContain('you typed: by keyboard');
  });

  it('goes back to reading and returns', async () => {
    await startLab();
    await page.click('[aria-label="Session menu"]');
    await page.click('.wb-menu button:has-text("Back to reading")');
    expect(await page.locator('.wb-work').count()).toBe(0);
    await page.click('button:has-text("Return to the lab")');
    await expect.poll(terminalText).toContain('shop $');
  });

  it('prints the text without the instruments', async () => {
    await startLab();
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('article h1').isVisible()).toBe(true);
    expect(await page.locator('.wb-work').isVisible()).toBe(false);
  });
});

describe('views', () => {
  it('draw the certificates in the colours of their issuers, with a text that says the same', async () => {
    await startLab();
    await page.click('[data-tab=certificates]');
    const view = page.locator('#view-certificates');
    await view.locator('svg[role=img]').waitFor();
    expect(await view.locator('svg rect[fill="var(--issuer-2)"]').count()).toBeGreaterThan(0);
    await view.locator('summary', { hasText: 'As text' }).click();
    expect(await view.locator('.as-text').textContent()).toContain('shop/web-6b8f7d9c4-tz4qk: issuer 1 from');
    expect(await view.textContent()).toContain('Not safe to remove anchor 1');
    expect(await view.textContent()).toContain('issuer 3 is not signed by an anchor in the bundle');
  });

  it('mark too much and too little apart', async () => {
    await startLab();
    await page.click('[data-tab=policy]');
    expect(await page.locator('td.over').textContent()).toBe('▲ 200too much');
    expect(await page.locator('td.under').textContent()).toBe('▼ 403too little');
  });

  it('filter the events', async () => {
    await startLab();
    await page.click('[data-tab=events]');
    await page.locator('.events tbody tr').nth(1).waitFor();
    await page.fill('.events input[type=search]', 'unhealthy api');
    expect(await page.locator('.events tbody tr').count()).toBe(1);
  });

  it('are sent only while they are looked at', async () => {
    await startLab();
    await page.click('[data-tab=policy]');
    await page.click('[data-tab=editor]');
    expect(sent('views.watch').map((message) => ('views' in message ? message.views.join(' ') : ''))).toEqual([
      'traffic',
      'policy traffic',
      'traffic',
    ]);
  });
});
