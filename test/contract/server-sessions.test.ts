import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestAcademy, type TestPage } from '../support/academy.ts';

const LAB = 'default-deny';
const ready = (page: TestPage) => page.until(() => page.session?.state === 'ready', 60_000, 'the lab to be ready');

describe('a session', () => {
  const academy = new TestAcademy({ env: { ACADEMY_SESSION_MEMORY_MB: '160' } });
  const pages: TestPage[] = [];
  const open = async (learner = academy.learner()) => {
    await learner.startLab(LAB);
    const page = learner.connect(LAB);
    pages.push(page);
    await page.openTerminal();
    return { learner, page };
  };

  beforeAll(() => academy.start());
  afterEach(() => {
    for (const page of pages.splice(0)) page.close();
  });
  afterAll(() => academy.remove());

  it('comes back to a page that was away, with nothing lost and nothing doubled', async () => {
    const { learner, page } = await open();
    await page.run('for i in 1 2 3; do echo line-$i; done');
    const before = page.raw();
    page.close();
    const again = learner.connect(LAB, { since: page.ends });
    pages.push(again);
    await again.until(() => again.session !== undefined, 5_000, 'the session');
    again.type('echo af""ter\r');
    await again.until(() => /\nafter/.test(again.text()), 10_000, 'the echo');
    expect(again.text()).not.toContain('line-1');
    const fresh = learner.connect(LAB);
    pages.push(fresh);
    await fresh.until(() => fresh.text().includes('after'), 5_000, 'the scrollback');
    expect(fresh.raw().startsWith(before)).toBe(true);
    expect(fresh.text().match(/line-3\r?\n/g)).toHaveLength(1);
  });

  it('shows the same terminal and files to a second tab', async () => {
    const { learner, page } = await open();
    const second = learner.connect(LAB);
    pages.push(second);
    await second.until(() => second.session !== undefined, 5_000, 'the session');
    second.send({ type: 'file.write', path: 'shared.txt', content: 'from the other tab\n' });
    await page.until(
      () => page.messages.some((m) => m.type === 'file' && m.path === 'shared.txt'),
      5_000,
      'the file in the first tab',
    );
    expect(await page.run('cat shared.txt')).toContain('from the other tab');
    await second.until(() => second.text().includes('from the other tab'), 5_000, 'the other tab to show it');
  });

  it('is not seen by other learners', async () => {
    const { page } = await open();
    await page.run('echo mine > private.txt; kubectl create namespace only-mine');
    const { page: other } = await open();
    expect(await other.run('ls private.txt')).toContain('No such file');
    expect(await other.run('kubectl get namespace only-mine')).toContain('NotFound');
  });

  it('survives an endless loop, which Ctrl-C ends', async () => {
    const { page } = await open();
    page.type('while :; do :; done\r');
    await page.until(() => page.text().includes('done\r\n'), 5_000, 'the loop to begin');
    const { page: other } = await open();
    expect(await other.run('echo undisturbed')).toContain('undisturbed');
    page.type('\x03');
    await page.until(() => /\^C[\s\S]*\$ $/.test(page.text()), 10_000, 'the prompt');
    expect(await page.run('echo again')).toContain('again');
  });

  it('whose cluster is full says so as etcd does, and goes on', { timeout: 120_000 }, async () => {
    const { page } = await open();
    await ready(page);
    await page.run('yes 0123456789 | head -c 700000 > big');
    const printed = await page.run(
      'for i in $(seq 1 60); do kubectl create configmap big-$i --from-file=big >/dev/null || break; done',
      90_000,
    );
    expect(printed).toContain('database space exceeded');
    await page.run('kubectl delete configmap --all >/dev/null');
    expect(await page.run('kubectl create configmap small --from-literal=a=b')).toContain('created');
  });

  /** Each takes all the memory or time that it can get. */
  it.each([
    ['a string that doubles', 'a=x; while :; do a=$a$a; done'],
    ['an endless file in a variable', 'x=$(cat /dev/zero | tr "\\0" x)'],
    ['an endless file in a file', 'yes > endless'],
    ['an endless sort', 'yes | sort | tail -1'],
    ['an endless list in jq', "yes '[1,2,3]' | jq -s length"],
    ['an endless table in awk', "awk 'BEGIN { while (1) a[i++] = i }'"],
    ['a sequence that is expanded', 'for i in {1..1000000000}; do :; done'],
    ['a very wide column', "printf '%2000000000s'"],
    ['processes that make processes', ':() { : | : & }; :'],
    ['a function that calls itself', 'f() { f; }; f'],
  ])('meets %s, and nobody else notices', { timeout: 120_000 }, async (_what, line) => {
    const { page: other } = await open();
    const { page } = await open();
    page.type(`${line}\r`);
    await page
      .until(
        () => page.session?.state === 'failed' || /\n[^\n]*\$ $/.test(page.text().slice(page.text().indexOf(line))),
        3_000,
        'it to be refused',
      )
      .catch(() => page.type('\x03'));
    await page.until(
      () => page.session?.state === 'failed' || /\n[^\n]*\$ $/.test(page.text().slice(page.text().indexOf(line))),
      60_000,
      'it to end',
    );
    if (page.session?.state === 'failed') expect(page.session.error?.code).toMatch(/^session\/(out-of-memory|stuck)$/);
    expect(await other.run('echo undisturbed')).toContain('undisturbed');
    page.send({ type: 'session.reset' });
    await page.until(() => page.session?.state === 'starting', 20_000, 'the reset');
    await ready(page);
    await page.openTerminal('again');
    expect(await page.run('echo back', 10_000, 'again')).toContain('back');
  });

  it('keeps files and history over a reset, and gives a fresh cluster', async () => {
    const { page } = await open();
    await ready(page);
    await page.run('echo kept > kept.txt; kubectl create namespace gone-after-reset');
    page.send({ type: 'session.reset' });
    await page.until(() => page.session?.state === 'starting', 10_000, 'the reset');
    await ready(page);
    await page.openTerminal();
    expect(await page.run('cat kept.txt')).toContain('kept');
    expect(await page.run('kubectl get namespace gone-after-reset')).toContain('NotFound');
    expect(await page.run('history | tail -5')).toContain('echo kept > kept.txt');
  });

  it('comes back after a restart of the server as it was', { timeout: 120_000 }, async () => {
    const { learner, page } = await open();
    await ready(page);
    await page.run('kubectl -n shop annotate deployment web kept=yes; echo note > note.txt');
    await academy.stop();
    await academy.start();
    const again = learner.connect(LAB);
    pages.push(again);
    await ready(again);
    expect(again.session?.rebuilt).toMatch(/came back from its saved state/);
    await again.openTerminal('second');
    expect(
      await again.run('kubectl -n shop get deployment web -o jsonpath={.metadata.annotations.kept}', 30_000, 'second'),
    ).toContain('yes');
    expect(await again.run('cat note.txt', 30_000, 'second')).toContain('note');
    expect(await again.run('history | tail -8', 30_000, 'second')).toContain('echo note > note.txt');
  });
});

describe('a full academy', () => {
  const academy = new TestAcademy({ env: { ACADEMY_MAX_SESSIONS: '1' } });
  beforeAll(() => academy.start());
  afterAll(() => academy.remove());

  it('queues learners and says their place', async () => {
    const first = academy.learner();
    await first.startLab(LAB);
    const second = academy.learner();
    const queued = await second.startLab(LAB);
    expect(queued).toMatchObject({ state: 'queued', queue: { place: 1 } });
    expect(queued.queue?.estimateMs).toBeGreaterThan(0);
    const page = second.connect(LAB);
    await page.until(() => page.session?.state === 'queued', 5_000, 'the queue');
    expect((await first.fetch(`/api/labs/${LAB}/session`, { method: 'DELETE' })).status).toBe(204);
    await ready(page);
    page.close();
  });
});

describe('an idle session', () => {
  // Six seconds, warned three seconds before the end.
  const academy = new TestAcademy({ env: { ACADEMY_IDLE_MINUTES: '0.1', ACADEMY_IDLE_WARNING_MINUTES: '0.05' } });
  beforeAll(() => academy.start());
  afterAll(() => academy.remove());

  it('is warned in page and terminal, can be extended, and ends', { timeout: 60_000 }, async () => {
    const learner = academy.learner();
    await learner.startLab(LAB);
    const page = learner.connect(LAB);
    await page.openTerminal();
    const warnings = () => page.messages.filter((m) => m.type === 'notice' && m.level === 'warning').length;
    await page.until(() => warnings() === 1, 10_000, 'the warning');
    await page.until(() => page.text().includes('This session ends in'), 5_000, 'the warning in the terminal');
    const endsAt = page.session!.endsAt;
    page.send({ type: 'session.extend' });
    await page.until(() => page.session!.endsAt > endsAt, 5_000, 'the extension');
    await page.until(() => page.session?.state === 'ended', 20_000, 'the end');
    expect(warnings()).toBe(2);
    const { state } = (await (await learner.fetch(`/api/labs/${LAB}/session`)).json()) as { state: string };
    expect(state).toBe('ended');
    page.close();
  });
});
