import { join } from 'node:path';
import { readParameters } from '#grader/parameters.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createHttpTransport } from '#kube/client/http.ts';
import { lab as labSchema } from '#schema/lab.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { LabProcess } from '../../src/cli/prove/lab-process.ts';
import { ROOT } from '../../src/cli/root.ts';
import { type Figure, percentile } from './figure.ts';

const CHANGES = 20;
const SERVERS = { group: 'policy.linkerd.io', version: 'v1beta3', resource: 'servers', namespace: 'shop' };
const CONFIG = { group: '', version: 'v1', resource: 'configmaps', namespace: 'shop' };
const SERVER = {
  apiVersion: 'policy.linkerd.io/v1beta3',
  kind: 'Server',
  metadata: { name: 'bench', namespace: 'shop' },
  spec: { podSelector: { matchLabels: { app: 'api' } }, port: 'http', proxyProtocol: 'HTTP/1', accessPolicy: 'deny' },
};

const TASKS = [
  {
    id: 'policy',
    title: 'web may ask',
    check: 'request',
    with: { from: 'shop/web', to: 'GET http://api.shop/orders', is: 'allowed' },
  },
  {
    id: 'object',
    title: 'the word is said',
    check: 'object',
    with: {
      apiVersion: 'v1',
      resource: 'configmaps',
      namespace: 'shop',
      name: 'bench',
      where: 'object.data.word == "yes"',
    },
  },
  { id: 'file', title: 'the word is written', check: 'file-contains', with: { file: 'word.txt', contains: ['yes'] } },
];

/**
 * How long after a change of the truth the verdict changes, in a running session of an embedded cluster. Counted from when
 * the change was accepted, so that a policy's way to the proxies counts as well.
 */
export async function measure(): Promise<Figure[]> {
  const { workerEntry } = await ensureBuilt(() => {}, ['worker']);
  const base = await new LabSource(join(ROOT, 'labs')).load('default-deny');
  const definition = readParameters(labSchema.parse({ ...base.definition, tasks: TASKS }));
  const session = new LabProcess({ ...base, definition }, { entry: workerEntry, driver: 'embedded' });
  try {
    await session.ready();
    const client = createKubeClient(createHttpTransport({ server: 'http://cluster', ...session.api }));
    await client.create(SERVERS, SERVER);
    await client.create(CONFIG, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'bench', namespace: 'shop' },
      data: { word: 'no' },
    });
    const change: Record<string, (yes: boolean) => Promise<unknown>> = {
      policy: (yes) =>
        client.patch(SERVERS, 'bench', 'merge', { spec: { accessPolicy: yes ? 'all-unauthenticated' : 'deny' } }),
      object: (yes) => client.patch(CONFIG, 'bench', 'merge', { data: { word: yes ? 'yes' : 'no' } }),
      file: async (yes) => session.tell({ type: 'file.write', path: 'word.txt', content: yes ? 'yes' : 'no' }),
    };
    const state = (id: string) => session.tasks.find((task) => task.id === id)?.verdict?.state;
    await change['file']!(false);
    for (const { id } of TASKS) await session.until(() => state(id) === 'failed', 30_000, `${id} to be red`);
    const took: { id: string; ms: number }[] = [];
    for (let i = 0; i < CHANGES; i++) {
      for (const { id } of TASKS) {
        const yes = i % 2 === 0;
        // What the change before set off has come to rest: a learner's changes are seconds apart.
        await session.settled(500, 5_000, () => false);
        await change[id]!(yes);
        const began = performance.now();
        await session.until(() => state(id) === (yes ? 'passed' : 'failed'), 30_000, `the verdict of ${id}`);
        took.push({ id, ms: performance.now() - began });
      }
    }
    const times = (id?: string) => took.filter((one) => id === undefined || one.id === id).map(({ ms }) => ms);
    return [
      {
        what: `a verdict after the truth changed, p95 of ${took.length}`,
        value: percentile(times(), 0.95),
        unit: 'ms',
        bar: 1_000,
      },
      ...TASKS.map(({ id, check }) => ({
        what: `of these, ${check}, median`,
        value: percentile(times(id), 0.5),
        unit: 'ms',
      })),
    ];
  } finally {
    await session.stop();
  }
}
