import { expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { serviceAccountAdmission } from '#kube/apiserver/admission/service-account.ts';
import type { AdmissionPlugin } from '#kube/apiserver/seams.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { ControllerContext } from '#kube/controllers/context.ts';
import { startReplicaSets } from '#kube/controllers/replicaset.ts';

const SETS = { group: 'apps', version: 'v1', resource: 'replicasets', namespace: 'shop' };
const core = (resource: string) => ({ group: '', version: 'v1', resource, namespace: 'shop' });

/** A pod that is refused again and again must cost little, and one event. */
it('waits longer and longer for a service account that is not there, and takes it when it comes', async () => {
  const clock = new MovableClock();
  const admission: AdmissionPlugin[] = [];
  const server = new ApiServer({ clock, admission });
  admission.push(serviceAccountAdmission(server.store));
  const client = createKubeClient(createInProcessTransport(server, { username: 'admin', groups: ['system:masters'] }));
  await client.create(
    { group: '', version: 'v1', resource: 'namespaces' },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  );
  const context = new ControllerContext(client, clock);
  const queue = startReplicaSets(context);
  await context.start();
  await client.create(SETS, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { serviceAccountName: 'web', containers: [{ name: 'web', image: 'x' }] },
      },
    },
  });
  const failure = async () => (await client.get(SETS, 'web')).status?.conditions?.[0];
  await expect
    .poll(async () => (await failure())?.message)
    .toBe('pods "web-" is forbidden: error looking up service account shop/web: serviceaccount "web" not found');
  const before = server.store.revision;
  await clock.advance(10_000);
  expect(server.store.revision - before).toBeLessThan(60);
  const events = async () =>
    (await client.list(core('events'))).items.filter(({ reason }) => reason === 'FailedCreate');
  expect(await events()).toHaveLength(1);
  expect((await events())[0]!.count).toBeGreaterThan(1);

  await client.create(core('serviceaccounts'), {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'web' },
  });
  await clock.advance(40_000);
  await expect.poll(async () => (await client.list(core('pods'))).items.length).toBe(1);
  queue.close();
  context.stop();
  clock.stop();
});
