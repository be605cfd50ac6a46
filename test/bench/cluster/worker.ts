import { parentPort, workerData } from 'node:worker_threads';
import { WallClock } from '#base/clock.ts';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { ClusterSettings } from '#schema/lab.ts';
import { keepBuffersSmall } from '#server/sessions/worker/small-buffers.ts';
import { collector, readerOf } from '#shell/pipe.ts';
import { createShell } from '#shell/shell.ts';
import { loadParser } from '#shell/syntax/parse.ts';
import { createKubectl } from '#terminal/kubectl/kubectl.ts';
import { LoopbackNet } from '#terminal/loopback.ts';
import { HOME, Workspace } from '#terminal/workspace.ts';

/** What the benchmark asks of a worker; each answer is one message. */
export type Order =
  | { type: 'first-answer' }
  | { type: 'mesh-and-pods'; pods: number }
  | { type: 'collect' }
  | { type: 'many'; deployments: number; socketPath: string; token: string };

keepBuffersSmall();
const port = parentPort!;
/** Read by the main thread: a worker has no schemas. */
const { settings } = workerData as { settings: ClusterSettings };
const driver = createEmbeddedDriver();
const clock = new WallClock();
const make = (mesh: 'linkerd' | 'none'): Promise<Cluster> =>
  driver.create({
    id: 'bench',
    settings: { ...settings, mesh },
    onStep: () => {},
    signal: new AbortController().signal,
  });

/** From the order for a cluster until kubectl, in a shell of a learner's terminal, printed its namespaces. ms. */
async function firstAnswer(): Promise<number> {
  const began = performance.now();
  const cluster = await make('none');
  const workspace = new Workspace({ files: {}, onFile: () => {} });
  const shell = createShell({
    fs: workspace.fs,
    clock,
    env: { HOME },
    cwd: HOME,
    commands: new Map([
      ['kubectl', createKubectl({ client: cluster.admin, clock: cluster.clock, loopback: new LoopbackNet() })],
    ]),
  });
  const out = collector();
  const stdio = { stdin: readerOf(''), stdout: out.writer, stderr: out.writer };
  const code = await shell.run('kubectl get ns', stdio, new AbortController().signal);
  const took = performance.now() - began;
  if (code !== 0 || !/kube-system +Active/.test(out.text())) throw new Error(`kubectl: ${code} ${out.text()}`);
  shell.close();
  await cluster.destroy();
  return took;
}

const deployment = (name: string, meshed: boolean): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: {
        labels: { app: name, set: 'bench' },
        ...(meshed ? { annotations: { 'linkerd.io/inject': 'enabled' } } : {}),
      },
      spec: { containers: [{ name: 'web', image: 'hashicorp/http-echo:1.0', args: ['-text=hi'] }] },
    },
  },
});

async function untilReady(client: KubeClient, pods: number): Promise<void> {
  const ready = new Set<string>();
  const target = { group: '', version: 'v1', resource: 'pods', namespace: 'default' };
  const conditions = (object: KubeObject) => (object.status?.conditions ?? []) as { type: string; status: string }[];
  for await (const { object } of client.watch(target, { labelSelector: 'set=bench' })) {
    if (conditions(object as KubeObject).some(({ type, status }) => type === 'Ready' && status === 'True'))
      ready.add((object as KubeObject).metadata.name!);
    if (ready.size >= pods) return;
  }
}

let kept: Cluster | undefined;

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case 'first-answer':
      return firstAnswer();
    case 'mesh-and-pods': {
      kept = await make('linkerd');
      await kept.ready;
      for (let n = 0; n < order.pods; n++)
        await kept.admin.apply(deployment(`web-${n}`, true), { fieldManager: 'bench' });
      await untilReady(kept.admin, order.pods);
      return undefined;
    }
    case 'collect': {
      // What is still on its way out leaves within a few turns.
      for (let i = 0; i < 3; i++) {
        await clock.sleep(300);
        (globalThis as { gc?: () => void }).gc?.();
      }
      return undefined;
    }
    case 'many': {
      kept = await make('none');
      await kept.serveApi(order.socketPath, order.token);
      const began = performance.now();
      for (let n = 0; n < order.deployments; n++)
        await kept.admin.apply(deployment(`web-${n}`, false), { fieldManager: 'bench' });
      const applied = performance.now() - began;
      await untilReady(kept.admin, order.deployments);
      return { applied, ready: performance.now() - began };
    }
  }
}

port.on('message', (order: Order) => {
  obey(order).then(
    (result) => port.postMessage({ result }),
    (error: unknown) => port.postMessage({ error: String((error as Error).stack) }),
  );
});
void loadParser().then(() => port.postMessage({ result: 'loaded' }));
