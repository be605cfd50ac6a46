import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { clusterSettings } from '#schema/lab.ts';
import { keepHeapsSmall } from '#server/sessions/small-heaps.ts';
import { buildWorker } from '../../src/cli/build/worker.ts';
import type { Order } from './cluster/worker.ts';
import { type Figure, percentile } from './figure.ts';

const CLUSTERS = 25;
const FRESH = 6;
const PODS = 10;
const DEPLOYMENTS = 1_000;
const LISTS = 20;
const SERVER_LIMITS = { maxOldGenerationSizeMb: 384, maxYoungGenerationSizeMb: 3, stackSizeMb: 4 };

/**
 * The embedded cluster in worker threads as sessions have them: the production bundle's settings, the server's flags and
 * limits. A warm worker is one that has its code loaded and made a cluster before; one that has only loaded its code, as a
 * session's worker has when it is taken, is printed beside it.
 */
export async function measure(): Promise<Figure[]> {
  keepHeapsSmall();
  const folder = mkdtempSync(join(tmpdir(), 'academy-bench-'));
  const file = join(folder, 'built', 'worker.mjs');
  await buildWorker(file, 'test/bench/cluster/worker.ts');
  const entry = pathToFileURL(file);
  try {
    return [...(await firstAnswers(entry)), ...(await memory(entry)), ...(await many(entry, folder))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function firstAnswers(entry: URL): Promise<Figure[]> {
  const fresh: number[] = [];
  for (let i = 0; i < FRESH; i++) {
    const worker = await BenchWorker.start(entry);
    fresh.push((await worker.obey({ type: 'first-answer' })) as number);
    await worker.stop();
  }
  const worker = await BenchWorker.start(entry);
  await worker.obey({ type: 'first-answer' });
  const warm: number[] = [];
  for (let i = 0; i < CLUSTERS; i++) warm.push((await worker.obey({ type: 'first-answer' })) as number);
  await worker.stop();
  const what = 'an empty cluster to `kubectl get ns`';
  return [
    { what: `${what}, warm worker, p50`, value: percentile(warm, 0.5), unit: 'ms', bar: 60 },
    { what: `${what}, warm worker, p95`, value: percentile(warm, 0.95), unit: 'ms' },
    { what: `${what}, worker's first, p50`, value: percentile(fresh, 0.5), unit: 'ms' },
  ];
}

async function memory(entry: URL): Promise<Figure[]> {
  const bare = new Worker("require('node:worker_threads').parentPort.on('message', () => {})", {
    eval: true,
    resourceLimits: SERVER_LIMITS,
  });
  await new Promise((resolve) => bare.once('online', resolve));
  const empty = await usedMib(bare);
  await bare.terminate();
  const worker = await BenchWorker.start(entry);
  await worker.obey({ type: 'collect' });
  const loaded = await usedMib(worker.thread);
  await worker.obey({ type: 'mesh-and-pods', pods: PODS });
  await worker.obey({ type: 'collect' });
  const used = await usedMib(worker.thread);
  await worker.stop();
  return [
    { what: `idle, mesh and ${PODS} meshed pods, over an empty worker`, value: used - empty, unit: 'MiB', bar: 15 },
    { what: '  of which code that is loaded before a cluster', value: loaded - empty, unit: 'MiB' },
  ];
}

/** Heap and what it holds outside itself, after a collection. */
async function usedMib(worker: Worker): Promise<number> {
  const { used_heap_size, external_memory } = await worker.getHeapStatistics();
  return (used_heap_size + external_memory) / 1024 / 1024;
}

async function many(entry: URL, folder: string): Promise<Figure[]> {
  const worker = await BenchWorker.start(entry);
  const socketPath = join(folder, 'api.sock');
  const token = 'bench';
  const order: Order = { type: 'many', deployments: DEPLOYMENTS, socketPath, token };
  const { applied, ready } = (await worker.obey(order)) as { applied: number; ready: number };
  await worker.obey({ type: 'collect' });
  const lists: number[] = [];
  const running: number[] = [];
  for (let i = 0; i < LISTS; i++) {
    const began = performance.now();
    const used = process.cpuUsage();
    const bytes = await listed(socketPath, token);
    lists.push(performance.now() - began);
    const { user, system } = process.cpuUsage(used);
    running.push((user + system) / 1000);
    const items = bytes.toString().split('"nodeName"').length - 1;
    if (items !== DEPLOYMENTS) throw new Error(`listed ${items} pods`);
  }
  await worker.stop();
  return [
    { what: `${DEPLOYMENTS} Deployments applied and their pods ready`, value: ready / 1000, unit: 's', bar: 20 },
    { what: '  of which applied', value: applied / 1000, unit: 's' },
    { what: `list of ${DEPLOYMENTS} pods over HTTP, p50`, value: percentile(lists, 0.5), unit: 'ms', bar: 60 },
    { what: '  p95', value: percentile(lists, 0.95), unit: 'ms' },
    { what: '  of which the process was running, both ends', value: percentile(running, 0.5), unit: 'ms' },
  ];
}

/** The bytes of a list of all pods, as a client gets them. */
function listed(socketPath: string, token: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
    http
      .get({ socketPath, path: '/api/v1/namespaces/default/pods', headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve(Buffer.concat(chunks)));
      })
      .on('error', reject);
  });
}

class BenchWorker {
  readonly thread: Worker;

  private constructor(thread: Worker) {
    this.thread = thread;
  }

  static async start(entry: URL): Promise<BenchWorker> {
    const worker = new BenchWorker(
      new Worker(entry, { resourceLimits: SERVER_LIMITS, workerData: { settings: clusterSettings.parse({}) } }),
    );
    await worker.#answer();
    return worker;
  }

  obey(order: Order): Promise<unknown> {
    this.thread.postMessage(order);
    return this.#answer();
  }

  async stop(): Promise<void> {
    await this.thread.terminate();
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const message = ({ result, error }: { result?: unknown; error?: string }) => {
        this.thread.off('error', reject);
        if (error) reject(new Error(error));
        else resolve(result);
      };
      this.thread.once('message', message);
      this.thread.once('error', reject);
    });
  }
}
