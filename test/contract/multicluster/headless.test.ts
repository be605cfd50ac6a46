import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { core, Pair, shop } from './pair.ts';

let pair: Pair;
const scale = (replicas: number) =>
  pair.west.admin.patch({ group: 'apps', version: 'v1', resource: 'statefulsets', namespace: 'shop' }, 'db', 'merge', {
    spec: { replicas },
  });
/** The mirrors of `db` in east. */
const mirrors = async () =>
  (await pair.east.admin.list(core('services', 'shop'), { labelSelector: 'mirror.linkerd.io/mirrored-service' })).items
    .map(({ metadata, spec }) => `${metadata.name} ${spec?.clusterIP === 'None' ? 'headless' : 'with an address'}`)
    .sort();

describe('a headless Service behind a gateway', () => {
  beforeAll(async () => {
    pair = await Pair.make({ network: 'gateway' });
    await shop(pair, [], {});
    await pair.link({ gateway: true, settings: ['controllers[0].enableHeadlessServices=true'] });
    const labels = { app: 'db' };
    await pair.west.admin.create(core('services', 'shop'), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'db', namespace: 'shop', labels: { 'mirror.linkerd.io/exported': 'true' } },
      spec: { clusterIP: 'None', selector: labels, ports: [{ name: 'http', port: 8080 }] },
    });
    await pair.west.admin.create(
      { group: 'apps', version: 'v1', resource: 'statefulsets', namespace: 'shop' },
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'db', namespace: 'shop' },
        spec: {
          replicas: 2,
          serviceName: 'db',
          podManagementPolicy: 'Parallel',
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              terminationGracePeriodSeconds: 0,
              containers: [
                {
                  name: 'db',
                  image: 'hashicorp/http-echo:1.0',
                  args: ['-listen=:8080', '-text=$(NAME)'],
                  env: [{ name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
                  ports: [{ containerPort: 8080 }],
                },
              ],
            },
          },
        },
      },
    );
  }, 120_000);
  afterAll(() => pair?.destroy());

  it('is mirrored with a Service for each of its pods', async () => {
    await vi.waitFor(
      async () =>
        expect(await mirrors()).toEqual(['db-0-west with an address', 'db-1-west with an address', 'db-west headless']),
      20_000,
    );
  });

  it('leads to the very pod that is named', async () => {
    for (const pod of ['db-0', 'db-1']) {
      await vi.waitFor(async () => {
        const ran = await pair.curl(`http://${pod}.db-west.shop.svc.cluster.local:8080/`);
        expect(ran.stdout).toBe(`${pod}\n`);
      }, 20_000);
    }
  });

  it('loses the Service of a pod that goes', async () => {
    await scale(1);
    await vi.waitFor(
      async () => expect(await mirrors()).toEqual(['db-0-west with an address', 'db-west headless']),
      20_000,
    );
  });
});
