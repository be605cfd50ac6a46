import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lifecycle } from '#base/lifecycle.ts';
import { Engine } from '#cluster/kind/engine.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';
import { type ToolboxBox, toolsIn } from '#cluster/kind/toolbox.ts';
import { toolboxImage } from '#cluster/kind/toolbox-image.ts';
import type { BoxDesk } from '#cluster/toolbox/desk.ts';
import { NODE_IMAGE, skipToolbox, TOOLBOX_IMAGE } from './engine-here.ts';
import { bareBox, Told } from './support-box.ts';

const size = { columns: 100, rows: 30 };
const bytes = (text: string) => Buffer.from(text);
const soon = { timeout: 10_000 };

describe.skipIf(skipToolbox)('a desk in a toolbox', () => {
  const engine = new Engine();
  const owner = `box${process.pid}`;
  let box: ToolboxBox;
  let life: Lifecycle;
  let told: Told;
  let desk: BoxDesk;

  beforeAll(async () => {
    ({ box, life } = await bareBox(engine, owner, owner));
    told = new Told();
    desk = await told.desk(box, {
      files: { 'notes.txt': bytes('first\n'), 'deploy/app.yaml': bytes('kind: Pod\n') },
      history: ['echo earlier'],
    });
  });
  afterAll(async () => {
    await desk?.stop();
    await life?.close();
  });

  const shows = (terminal: string, text: string | RegExp) =>
    expect.poll(() => told.output(terminal), soon).toMatch(text instanceof RegExp ? text : new RegExp(text));
  const inBox = async (script: string) => (await box.run(['bash', '-c', script])).stdout;

  it('is locked in: no capability, no way to get one, nothing of the system can be written', async () => {
    const { code, output } = await desk.runScript(
      'id -u; grep -E "CapBnd|CapEff|NoNewPrivs" /proc/self/status; touch /usr/x; ls /var/run/docker.sock; pwd; echo $HOME; cat ~/.bash_history',
    );
    expect(code).toBe(0);
    expect(output).toMatch(/^1000\n/);
    expect(output).toContain('CapEff:\t0000000000000000');
    expect(output).toContain('CapBnd:\t0000000000000000');
    expect(output).toContain('NoNewPrivs:\t1');
    expect(output).toContain('Read-only file system');
    expect(output).toContain("'/var/run/docker.sock': No such file");
    expect(output).toMatch(/\/home\/learner\n\/home\/learner\necho earlier\n$/);
    const { HostConfig } = await engine.inspect(box.containerId);
    expect(HostConfig).toMatchObject({ Memory: 512 * 1024 ** 2, PidsLimit: 512, NanoCpus: 1e9, Privileged: false });
  });

  it('opens terminals that answer keys, have their size, and end with their shell', async () => {
    await desk.open('t1', size);
    expect(told.opened).toEqual(['t1']);
    await shows('t1', /learner@academy.*\$ /);
    desk.input('t1', 'stty size; echo "ä$((6*7))ö"\r');
    await shows('t1', /30 100\r\n/);
    await shows('t1', 'ä42ö\r\n');
    await desk.resize('t1', { columns: 80, rows: 24 });
    // tmux hands a new size on after a moment.
    desk.input('t1', 'until stty size | grep "24 80"; do sleep 0.1; done\r');
    await shows('t1', /K24 80/);
    desk.input('t1', 'echo $EDITOR $TERM $TMUX; sleep 100\r');
    await shows('t1', /edit xterm-256color\r\n/);
    desk.input('t1', '\x03');
    desk.input('t1', 'echo "after $?"\r');
    await shows('t1', 'after 130');
    await desk.open('t2', size);
    desk.input('t2', 'exit\r');
    await expect.poll(() => told.closed, soon).toEqual(['t2']);
    await expect(desk.resize('t2', size)).rejects.toMatchObject({ code: 'request/invalid' });
  });

  it('tells lines of history once', async () => {
    await expect.poll(() => told.history, soon).toContain('echo "after $?"');
    expect(told.history).not.toContain('echo earlier');
    expect(told.history.filter((line) => line.startsWith('echo "after'))).toHaveLength(1);
  });

  it('holds a program back that prints without end, and takes keys meanwhile', async () => {
    desk.input('t1', 'yes "a line that is printed again and again"\r');
    await shows('t1', /(a line that is printed again and again\r\n){50}/);
    desk.input('t1', '\x03');
    desk.input('t1', 'echo "ended $?"\r');
    await shows('t1', /ended 130/);
  });

  it('has the files that it was given, and tells what shells do to them', async () => {
    expect(await inBox('cat notes.txt deploy/app.yaml; stat -c %a .kube/config')).toBe('first\nkind: Pod\n600\n');
    desk.input('t1', 'mkdir -p a/b && echo one > a/b/c.txt && echo two >> notes.txt && rm -r deploy\r');
    await expect.poll(() => told.files.get('a/b/c.txt'), soon).toBe('one\n');
    await expect.poll(() => told.files.get('notes.txt'), soon).toBe('first\ntwo\n');
    await expect.poll(() => told.files.get('deploy/app.yaml'), soon).toBe(null);
    await desk.runScript('mv a z; head -c 2000000 /dev/zero > big');
    await expect.poll(() => told.files.get('z/b/c.txt'), soon).toBe('one\n');
    await expect.poll(() => told.files.get('a/b/c.txt'), soon).toBe(null);
    expect([...told.files.keys()].filter((path) => /kube|history|big/.test(path))).toEqual([]);
  });

  it('writes, renames and removes what the editor does, with its mode, and loses nobody’s text', async () => {
    await desk.write('run.sh', 'echo hi\n');
    await inBox('chmod 755 run.sh');
    await desk.write('run.sh', 'echo ho\n');
    expect(await inBox('stat -c %a run.sh; ./run.sh')).toBe('755\nho\n');
    await desk.write('new/deep/file.txt', 'x');
    await desk.rename('new/deep/file.txt', 'other.txt');
    expect(await inBox('cat other.txt; ls new 2>&1')).toMatch(/^xls: cannot access/);
    await desk.delete('other.txt');
    expect(await inBox('ls other.txt 2>&1')).toMatch(/No such file/);
    await expect(desk.write('../x', '')).rejects.toMatchObject({ code: 'file/name' });

    const base = told.versions.get('notes.txt')!;
    await inBox('echo "from the shell" > notes.txt');
    await desk.write('notes.txt', 'from the editor\n', base);
    expect(await inBox('cat notes.txt notes.txt.orig')).toBe('from the editor\nfrom the shell\n');
    await expect.poll(() => told.files.get('notes.txt.orig'), soon).toBe('from the shell\n');
    await expect(desk.write('huge', 'x'.repeat(2 ** 21))).rejects.toMatchObject({ code: 'file/too-large' });
  });

  it('says that the disk is full', async () => {
    await inBox('head -c 80000000 /dev/zero > filler');
    await expect(desk.write('one-more.txt', 'x'.repeat(200_000))).rejects.toMatchObject({ code: 'file/too-large' });
    await inBox('rm filler');
  });

  it('opens the page’s editor for programs', async () => {
    desk.input('t1', 'edit notes.txt; echo "code $?"\r');
    await expect.poll(() => told.edits.length, soon).toBe(1);
    expect(told.edits[0]).toMatchObject({ path: 'notes.txt', content: 'from the editor\n' });
    told.edits[0]!.answer('edited\n');
    await shows('t1', 'code 0');
    expect(await inBox('cat notes.txt')).toBe('edited\n');
    await expect.poll(() => told.files.get('notes.txt'), soon).toBe('edited\n');

    desk.input('t1', 'edit /tmp/other.yaml\r');
    await expect.poll(() => told.edits.length, soon).toBe(2);
    expect(told.edits[1]).toMatchObject({ path: '/tmp/other.yaml', content: '' });
    desk.input('t1', '\x03');
    await expect.poll(() => told.edits[1]!.signal.aborted, soon).toBe(true);
  });

  it('shows a notice and gives the line back that was being typed', async () => {
    desk.input('t1', 'echo half');
    await shows('t1', 'echo half$');
    desk.notice('Nothing was typed for a while.');
    await shows('t1', /Nothing was typed for a while\.[^\n]*\r\n.*echo half/);
    desk.input('t1', ' a line\r');
    await shows('t1', 'half a line\r\n');
  });

  it('comes back to what runs: screens, files and history that came meanwhile', async () => {
    desk.input('t1', 'clear; echo "before"; read -r word; echo "got $word"\r');
    await shows('t1', /before\r\n$/);
    await desk.stop();
    // With nobody who listens, `edit` is vim.
    await inBox("mkdir -p /tmp/bin && printf '#!/bin/sh\\necho vim $1' > /tmp/bin/vim && chmod +x /tmp/bin/vim");
    await expect.poll(() => inBox('PATH=/tmp/bin:$PATH timeout 1 edit notes.txt'), soon).toBe('vim notes.txt\n');
    await inBox('echo later > while-away.txt; rm z/b/c.txt; echo "typed while away" >> .bash_history');
    const files = Object.fromEntries(
      [...told.files].flatMap(([path, text]) => (text === null ? [] : [[path, bytes(text)]])),
    );
    const { history } = told;
    told = new Told();
    desk = await told.desk(box, { files, history: ['echo earlier', ...history] });
    expect(told.opened).toEqual(['t1']);
    await shows('t1', 'before');
    desk.input('t1', 'word\r');
    await shows('t1', 'got word');
    await expect.poll(() => told.files.get('while-away.txt'), soon).toBe('later\n');
    await expect.poll(() => told.files.get('z/b/c.txt'), soon).toBe(null);
    await expect.poll(() => told.history, soon).toContain('typed while away');
  });

  it('starts again with its files when its container was ended', async () => {
    await engine.docker.getContainer(box.containerId).kill();
    await expect.poll(() => told.closed, soon).toEqual(['t1']);
    await expect
      .poll(
        async () =>
          await desk.open('t1', size).then(
            () => 'open',
            () => 'not yet',
          ),
        soon,
      )
      .toBe('open');
    expect(await inBox('cat notes.txt while-away.txt')).toBe('edited\nlater\n');
    desk.input('t1', 'echo "again $((1+1))"\r');
    await shows('t1', 'again 2');
  });
});

describe.skipIf(skipToolbox)('the image of the terminals', () => {
  const engine = new Engine();
  const folder = mkdtempSync(join(tmpdir(), 'academy-linkerd-'));
  const program = join(folder, 'linkerd');
  const made = new Set<string>();
  beforeAll(() => writeFileSync(program, '#!/bin/sh\necho "called with $*"\n'));
  afterAll(async () => {
    for (const image of made) await engine.docker.getImage(image).remove({ force: true });
    rmSync(folder, { recursive: true });
  });

  async function imageFor(settings: Partial<KindSettings>, tools: string[]) {
    const told: string[] = [];
    const image = await toolboxImage(
      engine,
      { nodeImage: NODE_IMAGE, owner: 'nobody', toolboxImage: TOOLBOX_IMAGE, ...settings },
      tools,
      {
        onStep: ({ step, state, message }) => told.push([step, state, message].filter(Boolean).join(' ')),
        now: () => 0,
        signal: new AbortController().signal,
      },
    );
    if (image && image !== TOOLBOX_IMAGE) made.add(image);
    return { image, told };
  }

  it('gets the linkerd program that was named, once', { timeout: 120_000 }, async () => {
    const has = (await toolsIn(engine, TOOLBOX_IMAGE))!.includes('linkerd');
    const first = await imageFor({ linkerdCli: program }, ['linkerd']);
    if (has) return expect(first).toEqual({ image: TOOLBOX_IMAGE, told: [] });
    expect(first.told).toEqual(['toolbox-image started', 'toolbox-image done']);
    expect(await toolsIn(engine, first.image!)).toContain('linkerd');
    const { box, life } = await bareBox(engine, `box${process.pid}`, `linkerd${process.pid}`, first.image!);
    const { stdout } = await box.run(['bash', '-c', 'linkerd version; id -u']);
    await life.close();
    expect(stdout).toBe('called with version\n1000\n');
    expect(await imageFor({ linkerdCli: program }, [])).toEqual({ image: first.image, told: [] });
  });

  it('is not used where it lacks what a lab needs, or the program is not there', async () => {
    const without = await imageFor({}, ['no-such-tool']);
    expect(without).toEqual({ image: undefined, told: [expect.stringContaining('is without no-such-tool')] });
    if ((await toolsIn(engine, TOOLBOX_IMAGE))!.includes('linkerd')) return;
    await expect(imageFor({ linkerdCli: join(folder, 'none') }, [])).rejects.toMatchObject({
      code: 'settings/invalid',
    });
  });
});
