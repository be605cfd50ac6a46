import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Cluster, StepEvent } from '#cluster/driver.ts';
import { createKindDriver } from '#cluster/kind/driver.ts';
import { Engine } from '#cluster/kind/engine.ts';
import { LABEL } from '#cluster/kind/labels.ts';
import { nodeName } from '#cluster/kind/names.ts';
import { Pool } from '#cluster/kind/pool.ts';
import { sweep } from '#cluster/kind/sweep.ts';
import { clusterSettings } from '#schema/lab.ts';
import { inWords, stopwatch } from '../support/bring-up.ts';
import { host, NODE_IMAGE, skipReason } from './engine-here.ts';

const settings = clusterSettings.parse({ mesh: 'none' });
const PODS = { group: '', version: 'v1', resource: 'pods', namespace: 'default' } as const;
const NODES = { group: '', version: 'v1', resource: 'nodes' } as const;
const never = new AbortController().signal;

describe.skipIf(skipReason)('kind clusters', () => {
  const engine = new Engine();
  const owner = `test${process.pid}`;
  const kind = { nodeImage: NODE_IMAGE, owner };
  const driver = createKindDriver(kind, engine);

  /** Everything in the Engine that is this test's. */
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

  it('come up step by step, let no packet out, and leave nothing', { timeout: 120_000 }, async () => {
    const counter = countLeavingPackets();
    const steps: StepEvent[] = [];
    const watch = stopwatch(engine, nodeName('steps'));
    const onStep = (step: StepEvent) => {
      steps.push(step);
      watch.onStep(step);
    };
    const cluster = await driver.create({ id: 'steps', settings, signal: never, onStep });
    try {
      await cluster.ready;
      expect(steps.map(({ step, state }) => `${step} ${state}`)).toEqual(
        ['image', 'network', 'node', 'kubeadm', 'system'].flatMap((step) => [`${step} started`, `${step} done`]),
      );
      console.log(`bring-up: ${inWords(await watch.breakdown())}`);
      const { items } = await cluster.admin.list(NODES);
      expect(items.map(({ metadata }) => metadata.name)).toEqual(['academy-steps']);
      const inspected = await engine.inspect('academy-steps');
      expect(inspected.HostConfig.PortBindings ?? {}).toEqual({});
    } finally {
      await cluster.destroy();
    }
    expect(await left()).toEqual([]);
    if (counter) expect(counter()).toBe(0);
    else console.log('SKIPPED: the packets could not be counted, iptables refuses');
  });

  it('have workers on request: pods on any node reach each other under their own addresses, over a pause as well', {
    timeout: 240_000,
  }, async () => {
    const steps: StepEvent[] = [];
    const cluster = await driver.create({
      id: 'several',
      settings: clusterSettings.parse({ mesh: 'none', workers: 1 }),
      signal: never,
      onStep: (step) => steps.push(step),
    });
    try {
      const told = steps.map(({ step, state }) => `${step} ${state}`);
      for (const step of ['worker-1', 'join-1']) expect(told).toContain(`${step} done`);
      const { items } = await cluster.admin.list(NODES);
      expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(['academy-several', 'academy-several-worker1']);
      // Nobody else joins: there is no token left, neither in the cluster nor in a file.
      const secrets = await cluster.admin.list({
        group: '',
        version: 'v1',
        resource: 'secrets',
        namespace: 'kube-system',
      });
      expect(secrets.items.filter(({ type }) => type === 'bootstrap.kubernetes.io/token')).toEqual([]);
      expect(await engine.run('academy-several', ['grep', '-A2', 'bootstrapTokens', '/kind/kubeadm.conf'])).toContain(
        'token: deleted',
      );
      for (const node of ['academy-several', 'academy-several-worker1'])
        await cluster.admin.create(PODS, {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: node, namespace: 'default' },
          spec: {
            nodeName: node,
            containers: [{ name: 'echo', image: 'academy/echo:dev', command: ['/echo', 'serve'] }],
          },
        });
      const addresses = new Map<string, string>();
      const running = async () => {
        const pods = await cluster.admin.list(PODS);
        for (const { metadata, status } of pods.items)
          if (status?.['phase'] === 'Running') addresses.set(metadata.name ?? '', String(status['podIP']));
        return addresses.size;
      };
      await expect.poll(running, { timeout: 60_000 }).toBe(2);
      const saved = await cluster.save();
      const reach = async () => {
        const [from, to] = [...addresses.keys()];
        const url = `http://${addresses.get(to!)}:8080/`;
        const ask = ['kubectl', 'exec', from!, '--', '/echo', 'get', url];
        const said = await engine.run('academy-several', ask, { env: ['KUBECONFIG=/etc/kubernetes/admin.conf'] });
        expect(said).toContain(addresses.get(from!));
      };
      await reach();
      await cluster.release!();
      for (const node of ['academy-several', 'academy-several-worker1']) await engine.pause(node);
      const again = await driver.create({ id: 'several', settings, signal: never, onStep() {}, restore: saved });
      await reach();
      await engine.docker.getContainer('academy-several-worker1').kill();
      await expect(again.lost).rejects.toMatchObject({ code: 'driver/node-lost' });
      await again.destroy();
    } finally {
      await cluster.destroy().catch(() => {});
    }
    expect(await left()).toEqual([]);
  });

  it('can be cancelled in the middle, and then nothing is there', { timeout: 60_000 }, async () => {
    const abort = new AbortController();
    const creating = driver.create({
      id: 'cancelled',
      settings,
      signal: abort.signal,
      onStep: ({ step, state }) => {
        if (step === 'kubeadm' && state === 'started') abort.abort(new DOMException('enough', 'AbortError'));
      },
    });
    await expect(creating).rejects.toMatchObject({ name: 'AbortError' });
    expect(await left()).toEqual([]);
  });

  it('say what is wrong when the image is missing', async () => {
    const missing = createKindDriver({ nodeImage: 'academy/no-such-node:v0', owner, profile: 'restricted' }, engine);
    await expect(missing.create({ id: 'x', settings, signal: never, onStep() {} })).rejects.toMatchObject({
      code: 'driver/image-missing',
    });
    expect(await left()).toEqual([]);
  });

  it('wait in a pool, are claimed once each, and are found again', { timeout: 180_000 }, async () => {
    const errors: string[] = [];
    const pool = new Pool({ engine, settings: kind, cluster: settings, size: 1, onError: (e) => errors.push(e) });
    await pool.fill();
    expect(errors).toEqual([]);
    expect(await left()).toHaveLength(2);
    // A sweep of a server that keeps a pool leaves it alone; who asks for another flavour does not get it.
    expect(await sweepAll([], true)).toEqual([]);
    const steps: string[] = [];
    const cluster = await driver.create({ id: 'one', settings, signal: never, onStep: ({ step }) => steps.push(step) });
    expect(new Set(steps)).toEqual(new Set(['pool']));
    expect((await cluster.admin.list(NODES)).items).toHaveLength(1);

    const saved = await cluster.save();
    await cluster.release!();
    expect(await sweepAll(['one'])).toEqual([]);
    const again = await driver.create({ id: 'one', settings, signal: never, onStep() {}, restore: saved });
    expect((await again.admin.list(NODES)).items).toHaveLength(1);

    // The node's container is killed: the session is told, and coming back starts it again.
    await engine.docker.getContainer('academy-one').kill();
    await again.release!();
    const revived: Cluster = await driver.create({ id: 'one', settings, signal: never, onStep() {}, restore: saved });
    expect((await revived.admin.list(NODES)).items).toHaveLength(1);
    await revived.destroy();
    expect(await left()).toEqual([]);
    await expect(
      driver.create({ id: 'one', settings, signal: never, onStep() {}, restore: saved }),
    ).rejects.toMatchObject({
      code: 'driver/node-lost',
    });
  });

  it('answer on a session’s socket: the owner as administrator, others as themselves', {
    timeout: 120_000,
  }, async () => {
    const { createHttpTransport } = await import('#kube/client/http.ts');
    const { createKubeClient } = await import('#kube/client/create.ts');
    const folder = mkdtempSync(join(tmpdir(), 'academy-kind-'));
    const cluster = await driver.create({ id: 'socket', settings, signal: never, onStep() {} });
    try {
      const socketPath = join(folder, 'api.sock');
      await cluster.serveApi(socketPath, 'the-token');
      const as = (token: string) =>
        createKubeClient(createHttpTransport({ server: 'http://cluster', socketPath, token }));
      expect((await as('the-token').list(NODES)).items).toHaveLength(1);
      await expect(as('another').list(NODES)).rejects.toMatchObject({ code: 401 });
    } finally {
      await cluster.destroy();
      rmSync(folder, { recursive: true });
    }
  });

  describe('when their server is killed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'academy-killed-'));
    afterAll(() => rmSync(folder, { recursive: true }));

    /** Lines of the child at which it is killed; each is a moment of bring-up, use or tear-down. */
    const MOMENTS = [
      'image started',
      'network started',
      'network done',
      'node started',
      'node done',
      'kubeadm started',
      'kubeadm done',
      'system done',
      'up',
      'served',
      'destroying',
    ];

    it('leave nothing after the next start, and no living session is touched', { timeout: 400_000 }, async () => {
      const living = await driver.create({ id: 'living', settings, signal: never, onStep() {} });
      try {
        for (const moment of MOMENTS) {
          await killedAt(moment, owner, 'victim', join(folder, `${MOMENTS.indexOf(moment)}.sock`));
          // What the child had asked the Engine for is made all the same, a moment later: a server sweeps again.
          const swept = async () => {
            await sweepAll(['living']);
            return { moment, left: await left() };
          };
          await expect
            .poll(swept, { timeout: 10_000, interval: 500 })
            .toEqual({ moment, left: ['/academy-living', 'academy-living'] });
          expect((await living.admin.list(NODES)).items).toHaveLength(1);
        }
      } finally {
        await living.destroy();
      }
    });
  });
});

function killedAt(line: string, owner: string, id: string, socket: string): Promise<void> {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'killed-child.ts'), owner, id, socket],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout!.on('data', (chunk) => {
      printed += String(chunk);
      if (printed.split('\n').includes(line)) child.kill('SIGKILL');
    });
    child.on('exit', (_code, signal) =>
      signal === 'SIGKILL' ? resolve() : reject(new Error(`the child never said "${line}":\n${printed}`)),
    );
  });
}

/**
 * Counts packets of session networks that are about to leave this host: past every filter, out of an interface that is no
 * bridge. Returns a function that reads the counter and takes the rule away, or undefined where rules can't be set.
 */
function countLeavingPackets(): (() => number) | undefined {
  const rule = ['POSTROUTING', '-s', '10.213.0.0/16', '!', '-o', 'br-+', '-j', 'ACCEPT'];
  if (host('iptables', '-t', 'mangle', '-I', ...rule) === undefined) return undefined;
  return () => {
    const listed = host('iptables', '-t', 'mangle', '-nvxL', 'POSTROUTING') ?? '';
    host('iptables', '-t', 'mangle', '-D', ...rule);
    const line = listed.split('\n').find((each) => each.includes('10.213.0.0/16'));
    return Number(line?.trim().split(/\s+/)[0] ?? Number.NaN);
  };
}
