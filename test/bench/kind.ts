import { WallClock } from '#base/clock.ts';
import type { KindCluster } from '#cluster/kind/cluster.ts';
import { createKindDriver } from '#cluster/kind/driver.ts';
import { Engine } from '#cluster/kind/engine.ts';
import { nodeName } from '#cluster/kind/names.ts';
import { Pool } from '#cluster/kind/pool.ts';
import { localName } from '#cluster/kind/references.ts';
import { sweep } from '#cluster/kind/sweep.ts';
import { profileOf } from '#cluster/kind/trial.ts';
import { BoxDesk } from '#cluster/toolbox/desk.ts';
import { clusterSettings } from '#schema/lab.ts';
import { readSettings } from '#server/settings.ts';
import { inWords, stopwatch } from '../support/bring-up.ts';
import { type Figure, percentile } from './figure.ts';

const CLAIMS = 20;
const IDLE_MS = 10_000;

/** A prepared cluster: what it costs while it waits, and how long a learner waits for it. Needs an Engine and the images. */
export async function measure(): Promise<Figure[]> {
  const engine = new Engine();
  const { nodeImage, toolboxImage } = readSettings();
  if (!(await localName(engine, nodeImage).catch(() => undefined))) {
    console.log(`  SKIPPED: no Docker Engine with ${nodeImage}; ACADEMY_NODE_IMAGE names another`);
    return [];
  }
  const owner = `bench${process.pid}`;
  // As a server does it, once.
  const profile = await profileOf(engine, (await localName(engine, nodeImage)) ?? nodeImage);
  const kind = { nodeImage, toolboxImage, owner, profile };
  const cluster = clusterSettings.parse({ mesh: 'none' });
  const driver = createKindDriver(kind, engine);
  const pool = new Pool({
    engine,
    settings: kind,
    cluster,
    size: 1,
    onError: (message) => console.log(`  ${message}`),
  });
  try {
    const watch = stopwatch(engine, nodeName('alone'));
    const alone = await driver.create({
      id: 'alone',
      settings: cluster,
      signal: new AbortController().signal,
      onStep: watch.onStep,
    });
    const spent = await watch.breakdown();
    await alone.destroy();
    console.log(`  ${inWords(spent)}`);
    await pool.fill();
    const [waiting] = await engine.docker.listContainers({
      filters: { label: [`academy.owner=${owner}`, 'academy.role=node'] },
    });
    if (!waiting) return [];
    const before = await usage(engine, waiting.Id);
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const after = await usage(engine, waiting.Id);
    const claims: number[] = [];
    const back = waiting.Names[0]!.slice(1);
    for (let i = 0; i < CLAIMS; i++) {
      const id = `bench${i}`;
      const start = performance.now();
      const claimed = (await driver.create({
        id,
        settings: cluster,
        signal: new AbortController().signal,
        onStep: () => {},
      })) as KindCluster;
      await prompt(claimed);
      claims.push(performance.now() - start);
      await engine.run(claimed.box!.containerId, ['sh', '-c', 'tmux -L academy kill-server; rm -f /run/academy/used']);
      await claimed.release();
      await engine.rename(nodeName(id), back);
      await claimed.pause();
    }
    return [
      { what: 'bring-up to all system pods ready', value: spent.total / 1000, unit: 's' },
      { what: 'the same, against kubeadm and the slowest pod', value: spent.ratio, unit: 'times', bar: 1.2 },
      { what: `claim to API and prompt, p95 of ${CLAIMS}`, value: percentile(claims, 0.95) / 1000, unit: 's', bar: 1 },
      { what: 'claim to API and prompt, median', value: percentile(claims, 0.5) / 1000, unit: 's' },
      {
        what: 'a waiting cluster: CPU',
        value: ((after.cpuNs - before.cpuNs) / 1e6 / IDLE_MS) * 100,
        unit: '% of a core',
        bar: 1,
      },
      { what: 'a waiting cluster: memory', value: after.memory / 1024 / 1024, unit: 'MiB' },
    ];
  } finally {
    await pool.close();
    await sweep(engine, { owner, keep: new Set(), keepPool: false, now: Date.now() });
  }
}

/** Resolves when a terminal shows its prompt. */
async function prompt(cluster: KindCluster): Promise<void> {
  const home = Object.entries(cluster.homeFiles).map(([path, text]) => [path, Buffer.from(text)] as const);
  let shown: () => void = () => {};
  const isShown = new Promise<void>((resolve) => {
    shown = resolve;
  });
  const desk = await BoxDesk.open(cluster.box!, {
    files: Object.fromEntries(home),
    history: [],
    wall: new WallClock(),
    onOpened: () => {},
    onOutput: (_terminal, data) => data.includes('$ ') && shown(),
    onClosed: () => {},
    onHistory: () => {},
    onFile: () => {},
    openEditor: async () => null,
  });
  await desk.open('bench', { columns: 100, rows: 30 });
  await isShown;
  desk.stop();
}

async function usage(engine: Engine, id: string): Promise<{ cpuNs: number; memory: number }> {
  const { cpu_stats, memory_stats } = await engine.docker.getContainer(id).stats({ stream: false, 'one-shot': true });
  return { cpuNs: cpu_stats.cpu_usage.total_usage, memory: memory_stats.usage };
}
