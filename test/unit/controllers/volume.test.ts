import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { storageProtection } from '#kube/apiserver/admission/storage.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { ControllerContext } from '#kube/controllers/context.ts';
import { startVolumes } from '#kube/controllers/volume.ts';

const core = (resource: string, namespace?: string) => ({
  group: '',
  version: 'v1',
  resource,
  ...(namespace ? { namespace } : {}),
});
const CLAIMS = core('persistentvolumeclaims', 'shop');
const VOLUMES = core('persistentvolumes');
const PODS = core('pods', 'shop');

describe('volumes and claims', () => {
  let client: KubeClient;
  let clock: MovableClock;
  let stop: () => void;

  beforeEach(async () => {
    clock = new MovableClock();
    const server = new ApiServer({ clock, admission: [storageProtection] });
    client = createKubeClient(createInProcessTransport(server, { username: 'admin', groups: ['system:masters'] }));
    await client.create(core('namespaces'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    const context = new ControllerContext(client, clock);
    const queue = startVolumes(context);
    await context.start();
    stop = () => {
      queue.close();
      context.stop();
    };
  });
  afterEach(() => {
    stop();
    clock.stop();
  });

  const volume = (name: string, storage: string, spec: object = {}) =>
    client.create(VOLUMES, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], hostPath: { path: `/mnt/${name}` }, ...spec },
    });
  const claim = (storage: string, spec: object = {}) =>
    client.create(CLAIMS, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...spec },
    });
  const phase = (object: KubeObject | undefined) => object?.status?.phase;
  const claimed = () => client.get(CLAIMS, 'data');

  it('binds a claim to the smallest volume that is large enough', async () => {
    await volume('large', '10Gi');
    await volume('fits', '1Gi');
    await volume('small', '100Mi');
    await claim('500Mi');
    await expect.poll(async () => phase(await claimed())).toBe('Bound');
    expect((await claimed()).spec.volumeName).toBe('fits');
    expect((await claimed()).status.capacity).toEqual({ storage: '1Gi' });
    await expect.poll(async () => phase(await client.get(VOLUMES, 'fits'))).toBe('Bound');
    expect(phase(await client.get(VOLUMES, 'large'))).toBe('Available');
  });

  it('says why a claim waits, and binds it when a volume appears', async () => {
    await claim('1Gi');
    await expect
      .poll(async () => (await client.list(core('events', 'shop'))).items.map(({ message }) => message))
      .toEqual(['no persistent volumes available for this claim and no storage class is set']);
    await volume('readonly', '1Gi', { accessModes: ['ReadOnlyMany'] });
    await volume('classed', '1Gi', { storageClassName: 'fast' });
    await volume('late', '1Gi');
    await expect.poll(async () => (await claimed()).spec.volumeName).toBe('late');
  });

  it('keeps a claim while a pod uses it, and its volume afterwards', async () => {
    await volume('disk', '1Gi');
    await claim('1Gi');
    await expect.poll(async () => phase(await claimed())).toBe('Bound');
    await client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'user' },
      spec: {
        containers: [{ name: 'c', image: 'x' }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    await client.delete(CLAIMS, 'data');
    expect((await claimed()).metadata.deletionTimestamp).toBeDefined();
    await client.delete(PODS, 'user');
    await expect.poll(async () => (await client.list(CLAIMS)).items.length).toBe(0);
    await expect.poll(async () => phase(await client.get(VOLUMES, 'disk'))).toBe('Released');
    await client.delete(VOLUMES, 'disk');
    await expect.poll(async () => (await client.list(VOLUMES)).items.length).toBe(0);
  });
});
