import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followProgress } from '#cluster/kind/build-image.ts';
import { createKindDriver } from '#cluster/kind/driver.ts';
import { Engine } from '#cluster/kind/engine.ts';
import { LABEL } from '#cluster/kind/labels.ts';
import { sweep } from '#cluster/kind/sweep.ts';
import { clusterSettings } from '#schema/lab.ts';
import { TestAcademy, type TestLearner, type TestPage } from '../support/academy.ts';
import { NODE_IMAGE, skipReason } from './engine-here.ts';
import { OwnEngine } from './own-engine.ts';

const LAB = `title: A small lab
summary: One object.
level: beginner
minutes: 5
drivers: any
cluster: { mesh: none }
tasks:
  - id: made
    title: There is a ConfigMap named made
    check: command-output
    with: { command: kubectl get configmap made -o name, contains: [configmap/made] }
`;
const settings = clusterSettings.parse({ mesh: 'none' });
const never = new AbortController().signal;

const started = skipReason ?? (await OwnEngine.start());
if (typeof started === 'string' && !skipReason)
  console.log(`SKIPPED: failures of the Docker Engine itself: ${started}`);

/** What goes wrong in a real Engine, as a page is told of it. The Engine is the test's own; nobody else's is touched. */
describe.skipIf(typeof started === 'string')('when the Docker Engine fails', () => {
  const own = started as OwnEngine;
  const labsDir = mkdtempSync(join(tmpdir(), 'academy-failing-labs-'));
  const academy = new TestAcademy({
    labsDir,
    kind: true,
    env: { ACADEMY_NODE_IMAGE: NODE_IMAGE, ACADEMY_TOOLBOX_IMAGE: 'academy/no-such-toolbox:0' },
  });
  let learner: TestLearner;
  let page: TestPage;
  let owner = '';
  let undo: (() => unknown) | undefined;
  const before = process.env['DOCKER_HOST'];

  beforeAll(async () => {
    const image = await new Engine().docker.getImage(NODE_IMAGE).get();
    await followProgress(await own.engine.docker.loadImage(image), () => {});
    process.env['DOCKER_HOST'] = `unix://${own.socket}`;
    mkdirSync(join(labsDir, 'small'));
    writeFileSync(join(labsDir, 'small', 'lab.yaml'), LAB);
    await academy.start();
    owner = readFileSync(join(academy.dataDir, 'owner'), 'utf8').trim();
    learner = academy.learner();
  }, 120_000);

  afterAll(async () => {
    if (typeof started === 'string') return;
    await undo?.();
    await academy.remove();
    await sweep(own.engine, { owner, keep: new Set(), keepPool: false, now: Date.now() });
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
    await own.remove();
    rmSync(labsDir, { recursive: true });
  }, 60_000);

  const left = async (): Promise<string[]> => {
    const filters = { label: [`${LABEL.owner}=${owner}`] };
    const containers = await own.engine.docker.listContainers({ all: true, filters });
    const networks = await own.engine.docker.listNetworks({ filters });
    return [...containers.map(({ Names }) => Names[0]!.slice(1)), ...networks.map(({ Name }) => Name)].sort();
  };
  // At the latest by the sweep that the server makes each minute.
  const leftNothing = () => expect.poll(left, { timeout: 100_000 }).toEqual([]);
  const state = (wanted: string) => page.until(() => page.session?.state === wanted, 200_000, wanted);
  /** The page is told what failed, at which step, and how it is mended; and nothing stays behind. */
  const failsWith = async (code: string, step: RegExp, words: RegExp) => {
    await state('failed');
    expect(page.session?.error).toMatchObject({ code, message: expect.stringMatching(words) });
    expect(page.session?.error?.hint).toMatch(/\w+/);
    const failed = page.session?.steps.filter((each) => each.state === 'failed').map((each) => each.step);
    expect(failed).toEqual([expect.stringMatching(step)]);
    await leftNothing();
  };
  let from = 0;
  const again = async () => {
    from = page.messages.length;
    page.send({ type: 'session.reset' });
    await state('starting');
  };
  const kubernetesStarts = () =>
    page.until(
      () => page.messages.slice(from).some((message) => message.type === 'step' && message.step.step === 'kubeadm'),
      60_000,
      'kubeadm',
    );

  it('an image that is missing is named, with the line that fetches it', async () => {
    const image = own.engine.docker.getImage(NODE_IMAGE);
    await image.tag({ repo: 'academy-test/kept', tag: '1' });
    await image.remove();
    const [repo = '', tag = ''] = NODE_IMAGE.split(':');
    undo = () => own.engine.docker.getImage('academy-test/kept:1').tag({ repo, tag });
    await learner.startLab('small');
    page = learner.connect('small');
    await failsWith('driver/image-missing', /^image$/, new RegExp(`docker pull ${NODE_IMAGE}`));
    await undo();
    undo = undefined;
  });

  it('no network is left to give', async () => {
    const all = await own.engine.docker.createNetwork({
      Name: 'everything',
      Internal: true,
      IPAM: { Driver: 'default', Config: [{ Subnet: '10.213.0.0/16' }] },
    });
    undo = () => all.remove();
    await again();
    await failsWith('driver/network-pool', /^network$/, /10\.213\.0\.0\/16/);
    await undo();
    undo = undefined;
  });

  it('the disk is full from the beginning', async () => {
    undo = own.fill();
    await again();
    await failsWith('driver/disk-full', /^(network|node)$/, /disk of the Docker Engine is full/);
    undo();
    undo = undefined;
  });

  it('the disk runs full while Kubernetes starts', async () => {
    await again();
    await kubernetesStarts();
    undo = own.fill();
    await failsWith('driver/disk-full', /^kubeadm$/, /disk of the Docker Engine is full/);
    undo();
    undo = undefined;
  });

  it('the node is killed while Kubernetes starts', async () => {
    await again();
    await kubernetesStarts();
    const [node] = await left();
    await own.engine.docker.getContainer(node!).kill();
    await failsWith('driver/node-lost', /^kubeadm$/, /has ended/);
  });

  it('an address is taken by somebody else', async () => {
    const driver = createKindDriver({ nodeImage: NODE_IMAGE, owner, profile: 'restricted' }, own.engine);
    let squatter: Promise<string> | undefined;
    /** Takes the node's address the moment the network is there. */
    const squat = async (name: string) => {
      const { IPAM } = await own.engine.docker.getNetwork(name).inspect();
      const address = String(IPAM?.Config?.[0]?.['Gateway']).replace(/\d+$/, (last) => String(Number(last) + 1));
      const id = await own.engine.createContainer({
        name: 'squatter',
        Image: NODE_IMAGE,
        Entrypoint: ['sleep', '600'],
        HostConfig: { NetworkMode: name },
        NetworkingConfig: { EndpointsConfig: { [name]: { IPAMConfig: { IPv4Address: address } } } },
      });
      await own.engine.start(id);
      return id;
    };
    // The first step after the network waits for the squatter: an Engine call is held back until it sits.
    const { createContainer } = own.engine;
    own.engine.createContainer = async (specification, signal) => {
      if (specification.name === 'academy-taken') {
        squatter = squat('academy-taken');
        await squatter;
      }
      return createContainer.call(own.engine, specification, signal);
    };
    undo = async () => {
      own.engine.createContainer = createContainer;
      if (squatter) await own.engine.remove(await squatter);
    };
    const made = driver.create({ id: 'taken', settings, signal: never, onStep() {} });
    await expect(made).rejects.toMatchObject({ code: 'driver/address-taken' });
    await undo();
    undo = undefined;
    await sweep(own.engine, { owner, keep: new Set(), keepPool: false, now: Date.now() });
    await leftNothing();
  });

  it('is restarted while Kubernetes starts, and holds nothing after a sweep', async () => {
    await again();
    await kubernetesStarts();
    await own.halt();
    await state('failed');
    expect(page.session?.error?.code).toMatch(/^driver\/(engine|failed|node-lost)$/);
    await own.run();
    await sweep(own.engine, { owner, keep: new Set(), keepPool: false, now: Date.now() });
    await leftNothing();
  });

  it('is restarted under a running lab: the page says so, the cluster can be come back to, and Reset gives another', {
    timeout: 600_000,
  }, async () => {
    const driver = createKindDriver({ nodeImage: NODE_IMAGE, owner: `${owner}2`, profile: 'restricted' }, own.engine);
    await again();
    await state('ready');
    const cluster = await driver.create({ id: 'back', settings, signal: never, onStep() {} });
    const saved = await cluster.save();
    await cluster.release!();
    await own.halt();
    await own.run();
    await state('failed');
    expect(page.session?.error).toMatchObject({ code: 'driver/node-lost' });
    await leftNothing();
    const back = await driver.create({ id: 'back', settings, signal: never, onStep() {}, restore: saved });
    const nodes = await back.admin.list({ group: '', version: 'v1', resource: 'nodes' });
    expect(nodes.items).toHaveLength(1);
    await back.destroy();
    await again();
    await state('ready');
    page.send({ type: 'session.end' });
    await state('ended');
    await leftNothing();
  });
});
