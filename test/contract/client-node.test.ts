import { CoreV1Api, KubeConfig, makeInformer, type V1ConfigMap } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { type RunningCluster, runCluster } from './support/running.ts';

const CHANGES = 10_000;
const OBJECTS = 200;
const MAPS = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };

let running: RunningCluster;
beforeAll(async () => {
  running = await runCluster(createEmbeddedDriver(), 'kubectl');
});
afterAll(() => running?.close());

/** An informer of another client library, over TLS, while the cluster changes as fast as it can. */
it(`tells @kubernetes/client-node of ${CHANGES} changes, each once`, async () => {
  const { admin } = running.cluster;
  const config = new KubeConfig();
  config.loadFromFile(running.kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const labelSelector = 'for=informer';
  const informer = makeInformer<V1ConfigMap>(
    config,
    '/api/v1/namespaces/default/configmaps',
    () => api.listNamespacedConfigMap({ namespace: 'default', labelSelector }),
    labelSelector,
  );
  const told: string[] = [];
  const failures: unknown[] = [];
  for (const event of ['add', 'update', 'delete'] as const)
    informer.on(event, ({ metadata, data }) => told.push(`${event} ${metadata!.name} ${data?.['n']}`));
  informer.on('error', (error) => failures.push(error));
  await informer.start();

  const made: string[] = [];
  const living = new Set<string>();
  for (let n = 0; n < CHANGES; n++) {
    const name = `map-${(n * 7919) % OBJECTS}`;
    const data = { n: String(n) };
    if (!living.has(name)) {
      living.add(name);
      await admin.create(MAPS, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, labels: { for: 'informer' } },
        data,
      });
      made.push(`add ${name} ${n}`);
    } else if (n % 11 === 0) {
      living.delete(name);
      const { data: last } = await admin.get(MAPS, name);
      await admin.delete(MAPS, name);
      made.push(`delete ${name} ${last.n}`);
    } else {
      await admin.patch(MAPS, name, 'merge', { data });
      made.push(`update ${name} ${n}`);
    }
  }
  await expect.poll(() => told.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(CHANGES);
  await informer.stop();
  expect(failures).toEqual([]);
  expect(told).toEqual(made);
});
