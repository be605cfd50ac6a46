import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { ControllerWorld } from './world.ts';

let world: ControllerWorld;
beforeEach(async () => {
  world = new ControllerWorld();
  await world.start();
});
afterEach(() => world.stop());

const pod = (name: string, port = 8080, extra: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'x', ports: [{ name: 'http', containerPort: port }] }], ...extra },
});
const service = (spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop', labels: { tier: 'front' } },
  spec: { selector: { app: 'web' }, ports: [{ name: 'main', port: 80, targetPort: 'http' }], ...spec },
});
interface Endpoint {
  addresses: string[];
  hostname?: string;
  conditions: { ready: boolean; serving: boolean; terminating: boolean };
  targetRef: { name: string };
}
const slices = () => world.list('endpointslices');
const states = async () =>
  Object.fromEntries(
    (await slices())
      .flatMap((slice) => (slice['endpoints'] ?? []) as Endpoint[])
      .map(({ targetRef, conditions: { ready, serving, terminating } }) => [
        targetRef.name,
        [ready && 'ready', serving && 'serving', terminating && 'terminating'].filter(Boolean).join(' '),
      ]),
  );
const addresses = async () => {
  const [subset] = (await world.get('endpoints', 'web'))['subsets'] ?? [];
  return [subset?.addresses?.length ?? 0, subset?.notReadyAddresses?.length ?? 0];
};

describe('endpoints', () => {
  it('follow readiness, in slices and in Endpoints', async () => {
    world.kubelet.becomesReady = ({ metadata }) => metadata.name === 'a';
    await world.apply(service());
    await world.apply(pod('a'));
    await world.apply(pod('b'));
    await world.until(states, { a: 'ready serving', b: '' });
    await world.until(addresses, [1, 1]);
    const [slice] = await slices();
    expect(slice!['ports']).toEqual([{ name: 'main', port: 8080, protocol: 'TCP' }]);
    expect(slice!.metadata.labels).toMatchObject({ tier: 'front', 'kubernetes.io/service-name': 'web' });
    world.kubelet.becomesReady = () => true;
    await world.kubelet.again();
    await world.until(states, { a: 'ready serving', b: 'ready serving' });
    await world.until(addresses, [2, 0]);
  });

  it('show pods that are going as serving and terminating', async () => {
    world.kubelet.lingers = () => true;
    await world.apply(service());
    await world.apply(pod('a'));
    await world.until(states, { a: 'ready serving' });
    await world.client.delete(world.at('pods'), 'a');
    await world.until(states, { a: 'serving terminating' });
    await world.until(addresses, [0, 0]);
  });

  it('publish pods that are not ready when the Service says so', async () => {
    world.kubelet.becomesReady = () => false;
    await world.apply(service({ clusterIP: 'None', publishNotReadyAddresses: true }));
    await world.apply(pod('a', 8080, { hostname: 'first', subdomain: 'web' }));
    await world.until(states, { a: 'ready' });
    const [slice] = await slices();
    expect(slice!['endpoints'][0].hostname).toBe('first');
    expect(slice!.metadata.labels).toHaveProperty('service.kubernetes.io/headless');
    await world.until(addresses, [1, 0]);
  });

  it('keep pods apart whose named port differs', async () => {
    await world.apply(service());
    await world.apply(pod('a', 8080));
    await world.apply(pod('b', 9090));
    const ports = async () => (await slices()).map((slice) => slice['ports'][0]?.port).sort();
    await world.until(ports, [8080, 9090]);
    await world.client.delete(world.at('pods'), 'b');
    await world.until(ports, [8080]);
  });

  it('follow a changed selector and go with the Service', async () => {
    await world.apply(service());
    await world.apply(pod('a'));
    await world.until(states, { a: 'ready serving' });
    await world.apply(service({ selector: { app: 'other' } }));
    await world.until(states, {});
    await world.client.delete(world.at('services'), 'web');
    await world.until(async () => (await slices()).length, 0);
    await world.until(() => world.names('endpoints'), []);
  });

  it('are mirrored where somebody wrote them by hand', async () => {
    await world.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'outside', namespace: 'shop' },
      spec: { ports: [{ name: 'sql', port: 5432 }] },
    });
    const endpoints = (ip: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'outside', namespace: 'shop' },
      subsets: [{ addresses: [{ ip }], ports: [{ name: 'sql', port: 5432 }] }],
    });
    await world.apply(endpoints('203.0.113.7'));
    const mirrored = async () =>
      (await slices()).map((slice) => [slice['endpoints'][0]?.addresses[0], slice['ports'][0]?.port]);
    await world.until(mirrored, [['203.0.113.7', 5432]]);
    expect((await slices())[0]!.metadata.labels).toEqual({
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      'kubernetes.io/service-name': 'outside',
    });
    await world.apply(endpoints('203.0.113.8'));
    await world.until(mirrored, [['203.0.113.8', 5432]]);
    await world.client.delete(world.at('endpoints'), 'outside');
    await world.until(mirrored, []);
  });
});
