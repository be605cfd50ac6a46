import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createKindDriver } from '#cluster/kind/driver.ts';
import { Engine } from '#cluster/kind/engine.ts';
import { LABEL } from '#cluster/kind/labels.ts';
import { Pool } from '#cluster/kind/pool.ts';
import { sweep } from '#cluster/kind/sweep.ts';
import { clusterSettings } from '#schema/lab.ts';
import { NODE_IMAGE, skipToolbox, TOOLBOX_IMAGE } from './engine-here.ts';
import { Told } from './support-box.ts';

const settings = clusterSettings.parse({ mesh: 'none' });
const never = new AbortController().signal;

describe.skipIf(skipToolbox)('a cluster with a toolbox', () => {
  const engine = new Engine();
  const owner = `boxed${process.pid}`;
  const kind = { nodeImage: NODE_IMAGE, toolboxImage: TOOLBOX_IMAGE, owner };
  const driver = createKindDriver(kind, engine);
  const left = async (): Promise<string[]> => {
    const filters = { label: [`${LABEL.owner}=${owner}`] };
    const containers = await engine.docker.listContainers({ all: true, filters });
    const networks = await engine.docker.listNetworks({ filters });
    return [...containers.map(({ Names }) => Names[0] ?? ''), ...networks.map(({ Name }) => Name)].sort();
  };
  const sweepAll = (keep: string[] = [], keepPool = false) =>
    sweep(engine, { owner, keep: new Set(keep), keepPool, now: Date.now() });
  afterEach(async () => {
    await sweepAll();
    expect(await left()).toEqual([]);
  });
  afterAll(() => sweepAll());

  it('waits with it, is claimed with it, is come back to with it, and takes it away', {
    timeout: 180_000,
  }, async () => {
    const errors: string[] = [];
    const pool = new Pool({ engine, settings: kind, cluster: settings, size: 1, onError: (e) => errors.push(e) });
    await pool.fill();
    expect(errors).toEqual([]);
    expect(await left()).toHaveLength(3);
    const { stats } = { stats: await Promise.all((await left()).slice(0, 2).map((name) => usage(engine, name))) };
    console.log(`waiting: ${stats.join(', ')}`);
    expect(await sweepAll([], true)).toEqual([]);

    const from = performance.now();
    const cluster = await driver.create({ id: 'one', settings, signal: never, onStep() {} });
    let told = new Told();
    let desk = await told.desk(cluster.box!);
    console.log(`claimed to a desk in ${Math.round(performance.now() - from)} ms`);
    const script = await desk.runScript(
      'kubectl get nodes -o name && kubectl auth whoami -o jsonpath={.status.userInfo.username}',
    );
    expect(script).toEqual({
      code: 0,
      output: 'node/academy-one\nkubernetes-admin'.replace('academy-one', await nodeOf(cluster)),
    });
    await desk.open('t', { columns: 100, rows: 30 });
    desk.input('t', 'kubectl create configmap a --from-literal=colour=red && kubectl edit configmap a\r');
    await expect.poll(() => told.edits.length, { timeout: 20_000 }).toBe(1);
    told.edits[0]!.answer(told.edits[0]!.content.replace('colour: red', 'colour: green'));
    await expect.poll(() => told.output('t'), { timeout: 20_000 }).toContain('configmap/a edited');

    const saved = await cluster.save();
    await desk.stop();
    await cluster.release!();
    // A sweep keeps both, although the toolbox was made for another name.
    expect(await sweepAll(['one'])).toEqual([]);
    const again = await driver.create({ id: 'one', settings, signal: never, onStep() {}, restore: saved });
    told = new Told();
    desk = await told.desk(again.box!);
    expect(told.opened).toEqual(['t']);
    await expect.poll(() => told.output('t'), { timeout: 10_000 }).toContain('configmap/a edited');

    await engine.docker.getContainer('academy-one').kill();
    await expect(again.lost).rejects.toMatchObject({ code: 'driver/node-lost' });
    await desk.stop();
    await again.destroy();
    expect(await left()).toEqual([]);
  });

  it('says that it goes without when its image is missing', { timeout: 60_000 }, async () => {
    const abort = new AbortController();
    const told: string[] = [];
    const without = createKindDriver({ ...kind, toolboxImage: 'academy/no-such-toolbox:0' }, engine);
    const creating = without.create({
      id: 'without',
      settings,
      signal: abort.signal,
      onStep: ({ step, state, message }) => {
        if (step === 'toolbox') told.push(`${state}: ${message}`);
        if (step === 'network' && state === 'started') abort.abort(new DOMException('enough', 'AbortError'));
      },
    });
    await expect(creating).rejects.toMatchObject({ name: 'AbortError' });
    expect(told).toEqual([expect.stringMatching(/^skipped: .*no-such-toolbox:0 is not here.*academy images build/)]);
  });
});

async function nodeOf(cluster: { admin: import('#kube/client/client.ts').KubeClient }): Promise<string> {
  const { items } = await cluster.admin.list({ group: '', version: 'v1', resource: 'nodes' });
  return items[0]!.metadata.name!;
}

/** Memory of a container as the Engine counts it. */
async function usage(engine: Engine, name: string): Promise<string> {
  const stats = await engine.docker.getContainer(name.slice(1)).stats({ stream: false });
  return `${name.slice(1)} ${Math.round(stats.memory_stats.usage / 1024 / 1024)} MiB`;
}
