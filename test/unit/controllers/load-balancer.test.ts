import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { ControllerContext } from '#kube/controllers/context.ts';
import { startLoadBalancer } from '#kube/controllers/load-balancer.ts';

const SERVICES = { group: '', version: 'v1', resource: 'services', namespace: 'default' };

describe('addresses of load balancers', () => {
  let client: KubeClient;
  let stop: () => void;

  beforeEach(async () => {
    const clock = new MovableClock();
    client = createKubeClient(
      createInProcessTransport(new ApiServer({ clock }), { username: 'admin', groups: ['system:masters'] }),
    );
    const namespaces = { group: '', version: 'v1', resource: 'namespaces' };
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
    const context = new ControllerContext(client, clock);
    const queue = startLoadBalancer(context, '172.18.200.0/24');
    await context.start();
    stop = () => {
      queue.close();
      context.stop();
      clock.stop();
    };
  });
  afterEach(() => stop());

  const create = (name: string, spec: object = {}) =>
    client.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
    });
  const address = async (name: string) => (await client.get(SERVICES, name)).status?.loadBalancer?.ingress?.[0]?.ip;

  it('are given in turn, and free again when their Service is gone', async () => {
    await create('one');
    await expect.poll(() => address('one')).toBe('172.18.200.1');
    await create('two');
    await expect.poll(() => address('two')).toBe('172.18.200.2');
    await client.delete(SERVICES, 'one');
    await create('three');
    await expect.poll(() => address('three')).toBe('172.18.200.1');
  });

  it('are given as wished where they are free, and awaited where they are not', async () => {
    await create('one', { loadBalancerIP: '172.18.200.40' });
    await expect.poll(() => address('one')).toBe('172.18.200.40');
    await create('two', { loadBalancerIP: '172.18.200.40' });
    const events = { group: '', version: 'v1', resource: 'events', namespace: 'default' };
    const reasons = async () => (await client.list(events)).items.map((each) => String(each['reason']));
    await expect.poll(reasons).toContain('AllocationFailed');
    expect(await address('two')).toBeUndefined();
    await client.delete(SERVICES, 'one');
    await expect.poll(() => address('two')).toBe('172.18.200.40');
  });

  it('are taken back when the Service becomes another type, and left to others by class', async () => {
    await create('one');
    await expect.poll(() => address('one')).toBe('172.18.200.1');
    await client.patch(SERVICES, 'one', 'merge', { spec: { type: 'ClusterIP' } });
    await expect.poll(() => address('one')).toBeUndefined();
    await create('two', { loadBalancerClass: 'example.com/other' });
    await create('three');
    await expect.poll(() => address('three')).toBe('172.18.200.1');
    expect(await address('two')).toBeUndefined();
  });
});
