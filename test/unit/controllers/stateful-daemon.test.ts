import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { ControllerWorld, template } from './world.ts';

let world: ControllerWorld;
beforeEach(async () => {
  world = new ControllerWorld();
  await world.start(['one', 'two']);
});
afterEach(() => world.stop());

const statefulSet = (image = 'x:1', spec: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'db', namespace: 'shop' },
  spec: {
    serviceName: 'db',
    replicas: 3,
    selector: { matchLabels: { app: 'db' } },
    template: template('db', image),
    ...spec,
  },
});

describe('StatefulSet', () => {
  it('makes pods one after the other, with lasting names and identities', async () => {
    world.kubelet.becomesReady = (pod) => pod.metadata.name === 'db-0';
    await world.apply(statefulSet());
    await world.until(() => world.names('pods'), ['db-0', 'db-1']);
    const pod = await world.get('pods', 'db-1');
    const [revision] = await world.list('controllerrevisions');
    expect(pod.metadata.labels).toEqual({
      app: 'db',
      'apps.kubernetes.io/pod-index': '1',
      'controller-revision-hash': revision!.metadata.name,
      'statefulset.kubernetes.io/pod-name': 'db-1',
    });
    expect(pod.spec).toMatchObject({ hostname: 'db-1', subdomain: 'db' });
    world.kubelet.becomesReady = () => true;
    await world.kubelet.again();
    await world.until(() => world.names('pods'), ['db-0', 'db-1', 'db-2']);
    await world.until(() => world.status('statefulsets', 'db'), {
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
      currentRevision: revision!.metadata.name,
      updateRevision: revision!.metadata.name,
      collisionCount: 0,
    });
    expect(await world.events('SuccessfulCreate')).toContain('Create Pod db-2 in StatefulSet db successful');
  });

  it('makes a deleted pod anew under its name', async () => {
    await world.apply(statefulSet());
    await world.until(async () => (await world.status('statefulsets', 'db'))['readyReplicas'], 3);
    const { uid } = (await world.get('pods', 'db-1')).metadata;
    await world.client.delete(world.at('pods'), 'db-1');
    await world.until(async () => (await world.get('pods', 'db-1')).metadata.uid !== uid, true);
  });

  it('goes down from the highest, one at a time', async () => {
    await world.apply(statefulSet());
    await world.until(async () => (await world.status('statefulsets', 'db'))['readyReplicas'], 3);
    world.kubelet.lingers = () => true;
    await world.apply(statefulSet('x:1', { replicas: 1 }));
    const going = async () =>
      (await world.list('pods')).filter((pod) => pod.metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
    await world.until(going, ['db-2']);
    world.kubelet.lingers = () => false;
    await world.kubelet.again();
    await world.until(() => world.names('pods'), ['db-0']);
  });

  it('rolls from the highest down to the partition, and back', async () => {
    await world.apply(statefulSet());
    await world.until(async () => (await world.status('statefulsets', 'db'))['readyReplicas'], 3);
    const images = async () => (await world.list('pods')).map((pod) => pod.spec.containers[0].image);
    await world.apply(
      statefulSet('x:2', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }),
    );
    await world.until(images, ['x:1', 'x:1', 'x:2']);
    await world.until(async () => (await world.status('statefulsets', 'db'))['updatedReplicas'], 1);
    await world.apply(statefulSet('x:2'));
    await world.until(images, ['x:2', 'x:2', 'x:2']);
    await world.until(async () => {
      const { currentRevision, updateRevision } = await world.status('statefulsets', 'db');
      return currentRevision === updateRevision;
    }, true);
    await world.apply(statefulSet('x:1'));
    await world.until(images, ['x:1', 'x:1', 'x:1']);
    const revisions = (await world.list('controllerrevisions')).map((revision) => revision['revision']);
    expect(revisions.sort()).toEqual([2, 3]);
  });

  it('starts all at once when asked to', async () => {
    world.kubelet.becomesReady = () => false;
    await world.apply(statefulSet('x:1', { podManagementPolicy: 'Parallel' }));
    await world.until(() => world.names('pods'), ['db-0', 'db-1', 'db-2']);
  });

  it('makes claims for its pods, and mounts them', async () => {
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    await world.apply(statefulSet('x:1', { replicas: 1, volumeClaimTemplates: [claim] }));
    await world.until(() => world.names('pods'), ['db-0']);
    const target = { group: '', version: 'v1', resource: 'persistentvolumeclaims', namespace: 'shop' };
    const claims = await world.client.list(target);
    expect(claims.items.map(({ metadata }) => [metadata.name, metadata.labels])).toEqual([
      ['data-db-0', { app: 'db' }],
    ]);
    const { volumes } = (await world.get('pods', 'db-0')).spec;
    expect(volumes).toEqual([{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }]);
  });

  it('gives its pods names in a headless Service', async () => {
    await world.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'db', namespace: 'shop' },
      spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ name: 'sql', port: 5432 }] },
    });
    await world.apply(statefulSet());
    const hosts = async () =>
      (await world.list('endpointslices')).flatMap((slice) =>
        (slice['endpoints'] ?? []).map((endpoint: { hostname?: string }) => endpoint.hostname),
      );
    await world.until(hosts, ['db-0', 'db-1', 'db-2']);
  });
});

const daemonSet = (image = 'x:1', spec: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent', namespace: 'shop' },
  spec: { selector: { matchLabels: { app: 'agent' } }, template: template('agent', image), ...spec },
});

describe('DaemonSet', () => {
  const nodes = async () => (await world.list('pods')).map((pod) => pod.spec.nodeName).sort();

  it('runs one pod on every node that takes it', async () => {
    await world.apply(daemonSet());
    await world.until(nodes, ['one', 'two']);
    await world.until(() => world.status('daemonsets', 'agent'), {
      currentNumberScheduled: 2,
      desiredNumberScheduled: 2,
      numberAvailable: 2,
      numberMisscheduled: 0,
      numberReady: 2,
      observedGeneration: 1,
      updatedNumberScheduled: 2,
    });
    const [pod] = await world.list('pods');
    expect(Object.keys(pod!.metadata.labels!).sort()).toEqual([
      'app',
      'controller-revision-hash',
      'pod-template-generation',
    ]);
    await world.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'three' } });
    await world.until(nodes, ['one', 'three', 'two']);
  });

  it('keeps to a node selector and leaves nodes that no longer fit', async () => {
    await world.apply(
      daemonSet('x:1', {
        template: { ...template('agent'), spec: { ...template('agent').spec, nodeSelector: { disk: 'fast' } } },
      }),
    );
    await world.until(async () => (await world.status('daemonsets', 'agent'))['desiredNumberScheduled'], 0);
    const label = (value: string | null) =>
      world.client.patch({ group: '', version: 'v1', resource: 'nodes' }, 'two', 'merge', {
        metadata: { labels: { disk: value } },
      });
    await label('fast');
    await world.until(nodes, ['two']);
    await label(null);
    await world.until(nodes, []);
  });

  it('replaces old pods one at a time, and makes lost ones anew', async () => {
    await world.apply(daemonSet());
    await world.until(async () => (await world.status('daemonsets', 'agent'))['numberReady'], 2);
    world.kubelet.becomesReady = () => false;
    await world.apply(daemonSet('x:2'));
    const images = async () => (await world.list('pods')).map((pod) => pod.spec.containers[0].image).sort();
    await world.until(images, ['x:1', 'x:2']);
    await world.until(async () => (await world.status('daemonsets', 'agent'))['numberUnavailable'], 1);
    world.kubelet.becomesReady = () => true;
    await world.kubelet.again();
    await world.until(images, ['x:2', 'x:2']);
    const [pod] = await world.list('pods');
    await world.client.delete(world.at('pods'), pod!.metadata.name!);
    await world.until(
      async () => (await world.list('pods')).filter(({ metadata }) => metadata.uid !== pod!.metadata.uid).length,
      2,
    );
  });
});
