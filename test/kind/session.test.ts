import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '#cluster/kind/engine.ts';
import { LABEL } from '#cluster/kind/labels.ts';
import { sweep } from '#cluster/kind/sweep.ts';
import { TestAcademy, type TestLearner, type TestPage } from '../support/academy.ts';
import { NODE_IMAGE, skipToolbox, TOOLBOX_IMAGE } from './engine-here.ts';

const LAB = `title: A small lab
summary: One object.
level: beginner
minutes: 5
drivers: any
cluster: { mesh: none }
start: [begin.sh]
tasks:
  - id: made
    title: There is a ConfigMap named made
    points: 1
    check: command-output
    with: { command: kubectl get configmap made -o name, contains: [configmap/made] }
    hints: [kubectl create configmap makes one.]
`;

describe.skipIf(skipToolbox)('a session with kind', () => {
  const engine = new Engine();
  const labsDir = mkdtempSync(join(tmpdir(), 'academy-kind-labs-'));
  const academy = new TestAcademy({
    labsDir,
    kind: true,
    env: { ACADEMY_NODE_IMAGE: NODE_IMAGE, ACADEMY_TOOLBOX_IMAGE: TOOLBOX_IMAGE },
  });
  let learner: TestLearner;
  let page: TestPage;
  let owner = '';

  beforeAll(async () => {
    mkdirSync(join(labsDir, 'small', 'start'), { recursive: true });
    mkdirSync(join(labsDir, 'small', 'files'), { recursive: true });
    writeFileSync(join(labsDir, 'small', 'lab.yaml'), LAB);
    writeFileSync(join(labsDir, 'small', 'start', 'begin.sh'), 'kubectl create configmap from-the-lab >/dev/null\n');
    writeFileSync(join(labsDir, 'small', 'files', 'read-me.txt'), 'hello\n');
    writeFileSync(join(labsDir, 'small', 'solution.md'), 'x');
    await academy.start();
    const { readFileSync } = await import('node:fs');
    owner = readFileSync(join(academy.dataDir, 'owner'), 'utf8').trim();
    learner = academy.learner();
  }, 60_000);
  afterAll(async () => {
    await academy.remove();
    await sweep(engine, { owner, keep: new Set(), keepPool: false, now: Date.now() });
    rmSync(labsDir, { recursive: true });
    expect(await left()).toEqual([]);
  }, 60_000);

  const left = async (): Promise<string[]> => {
    const filters = { label: [`${LABEL.owner}=${owner}`] };
    const [containers, networks] = await Promise.all([
      engine.docker.listContainers({ all: true, filters }),
      engine.docker.listNetworks({ filters }),
    ]);
    return [...containers.map(({ Names }) => Names[0]!.slice(1)), ...networks.map(({ Name }) => Name)].sort();
  };
  const state = (wanted: string) => page.until(() => page.session?.state === wanted, 90_000, wanted);

  it('leaves nothing when it is ended while its node comes up', { timeout: 60_000 }, async () => {
    const hasty = academy.learner();
    await hasty.startLab('small');
    const its = hasty.connect('small');
    await expect.poll(left, { timeout: 30_000, interval: 50 }).toContainEqual(expect.stringMatching(/-toolbox$/));
    its.send({ type: 'session.end' });
    // Sooner than any sweep.
    await expect.poll(left, { timeout: 15_000 }).toEqual([]);
    its.close();
  });

  it('comes up, runs the lab’s start in the toolbox, and grades what is done there', { timeout: 120_000 }, async () => {
    const view = await learner.startLab('small');
    expect(view).toMatchObject({ driver: 'kind', driverWhy: 'as ACADEMY_DRIVER says' });
    page = learner.connect('small');
    await state('ready');
    await page.openTerminal();
    expect(await page.run('cat read-me.txt; kubectl get configmap -o name')).toMatch(/^hello\n.*from-the-lab/s);
    await page.run('kubectl create configmap made');
    await page.until(() => page.task('made')?.verdict?.state === 'passed', 30_000, 'the task');
    page.send({ type: 'file.write', path: 'new.txt', content: 'from the editor' });
    expect(await page.run('cat new.txt; echo')).toBe('from the editor');
  });

  it('is as it was after a restart of the server, terminals and all', { timeout: 120_000 }, async () => {
    page.type('echo "still $((40+2))"; sleep 1000\r');
    await page.until(() => page.text().includes('still 42'), 10_000, 'the line');
    const before = await left();
    page.close();
    await academy.stop();
    expect(await left()).toEqual(before);
    await academy.start();
    page = learner.connect('small');
    await state('ready');
    await page.until(() => page.text().includes('still 42'), 20_000, 'the screen');
    page.type('\x03');
    await page.until(() => /\[130\]\$ $/.test(page.text()), 10_000, 'the prompt');
    expect(await page.run('cat new.txt; echo; kubectl get configmap made -o name')).toBe(
      'from the editor\nconfigmap/made',
    );
  });

  it('says that its node was lost, leaves nothing, and starts afresh', { timeout: 150_000 }, async () => {
    const [node] = (await left()).filter((name) => !name.endsWith('toolbox'));
    await engine.docker.getContainer(node!).kill();
    await state('failed');
    expect(page.session?.error).toMatchObject({
      code: 'driver/node-lost',
      message: 'The node of this cluster has ended.',
    });
    await expect.poll(left, { timeout: 20_000 }).toEqual([]);
    page.send({ type: 'session.reset' });
    await state('ready');
    await page.openTerminal('second');
    expect(await page.run('cat new.txt; echo', 30_000, 'second')).toBe('from the editor');
    // The learner chooses the other kind of cluster, and nothing of this one stays.
    expect(page.session?.choices).toEqual(['kind', 'embedded']);
    page.send({ type: 'session.reset', driver: 'embedded' });
    await page.until(() => page.session?.driver === 'embedded', 10_000, 'the other driver');
    await state('ready');
    expect(page.session?.driverWhy).toBe('as you chose');
    await page.openTerminal('third');
    expect(await page.run('cat new.txt; echo; kubectl get nodes -o name', 30_000, 'third')).toBe(
      'from the editor\nnode/academy',
    );
    await expect.poll(left, { timeout: 20_000 }).toEqual([]);
    page.send({ type: 'session.end' });
    await state('ended');
  });
});
