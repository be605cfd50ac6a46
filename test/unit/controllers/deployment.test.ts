import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { ControllerWorld, template } from './world.ts';

let world: ControllerWorld;
beforeEach(async () => {
  world = new ControllerWorld();
  await world.start();
});
afterEach(() => world.stop());

const deployment = (image = 'x:1', spec: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template('web', image), ...spec },
});
const images = async () => (await world.list('pods')).map((pod) => pod.spec.containers[0].image).sort();
const done = () =>
  world.until(async () => {
    const { metadata, spec, status = {} } = await world.get('deployments', 'web');
    return (
      status.observedGeneration === metadata.generation &&
      status.updatedReplicas === spec.replicas &&
      status.replicas === spec.replicas &&
      status.availableReplicas === spec.replicas
    );
  }, true);
const condition = async (type: string) => {
  const { conditions = [] } = await world.status('deployments', 'web');
  const found = (conditions as { type: string; status: string; reason: string }[]).find((one) => one.type === type);
  return found && `${found.status} ${found.reason}`;
};
const revisions = async () =>
  (await world.list('replicasets'))
    .map((set) => `${set.metadata.annotations!['deployment.kubernetes.io/revision']}:${set.spec.replicas}`)
    .sort();

describe('Deployment', () => {
  it('rolls out with surge and without losing availability', async () => {
    await world.apply(deployment());
    await done();
    expect(await condition('Available')).toBe('True MinimumReplicasAvailable');
    expect(await condition('Progressing')).toBe('True NewReplicaSetAvailable');
    world.kubelet.becomesReady = () => false;
    await world.apply(deployment('x:2'));
    // 25 % of three: one more while rolling, none fewer.
    await world.until(images, ['x:1', 'x:1', 'x:1', 'x:2']);
    await world.until(() => condition('Progressing'), 'True ReplicaSetUpdated');
    world.kubelet.becomesReady = () => true;
    await world.kubelet.again();
    await done();
    expect(await images()).toEqual(['x:2', 'x:2', 'x:2']);
    expect(await revisions()).toEqual(['1:0', '2:3']);
  });

  it('goes back to an old template under a new revision', async () => {
    await world.apply(deployment());
    await done();
    await world.apply(deployment('x:2'));
    await done();
    await world.apply(deployment('x:1'));
    await done();
    expect(await revisions()).toEqual(['2:0', '3:3']);
    const { metadata } = await world.get('deployments', 'web');
    expect(metadata.annotations!['deployment.kubernetes.io/revision']).toBe('3');
    const history = (await world.list('replicasets')).map(
      (set) => set.metadata.annotations!['deployment.kubernetes.io/revision-history'],
    );
    expect(history.sort()).toEqual(['1', undefined]);
  });

  it('holds still while paused, and catches up when resumed', async () => {
    await world.apply(deployment());
    await done();
    await world.apply(deployment('x:2', { paused: true }));
    await world.until(() => condition('Progressing'), 'Unknown DeploymentPaused');
    expect(await images()).toEqual(['x:1', 'x:1', 'x:1']);
    await world.apply(deployment('x:2', { paused: true, replicas: 4 }));
    await world.until(images, ['x:1', 'x:1', 'x:1', 'x:1']);
    await world.apply(deployment('x:2', { paused: false }));
    await done();
    expect(await images()).toEqual(['x:2', 'x:2', 'x:2']);
    expect(await condition('Progressing')).toBe('True NewReplicaSetAvailable');
  });

  it('keeps as much history as it is told to', async () => {
    for (const version of ['1', '2', '3', '4']) {
      await world.apply(deployment(`x:${version}`, { revisionHistoryLimit: 1 }));
      await done();
    }
    await world.until(revisions, ['3:0', '4:3']);
  });

  it('says when a rollout has stopped getting on', async () => {
    await world.apply(deployment('x:1', { progressDeadlineSeconds: 60 }));
    await done();
    world.kubelet.becomesReady = () => false;
    await world.apply(deployment('x:bad', { progressDeadlineSeconds: 60 }));
    await world.until(async () => (await images()).length, 4);
    await world.clock.advance(50_000);
    expect(await condition('Progressing')).toBe('True ReplicaSetUpdated');
    await world.clock.advance(15_000);
    await world.until(() => condition('Progressing'), 'False ProgressDeadlineExceeded');
    expect(await condition('Available')).toBe('True MinimumReplicasAvailable');
    await world.apply(deployment('x:1', { progressDeadlineSeconds: 60 }));
    await world.until(() => condition('Progressing'), 'True NewReplicaSetAvailable');
  });

  it('recreates: nothing new before the last old one is gone', async () => {
    const spec = { strategy: { type: 'Recreate' } };
    await world.apply(deployment('x:1', spec));
    await done();
    world.kubelet.lingers = () => true;
    await world.apply(deployment('x:2', spec));
    await world.until(async () => (await world.list('pods')).every((pod) => pod.metadata.deletionTimestamp), true);
    expect(await images()).toEqual(['x:1', 'x:1', 'x:1']);
    world.kubelet.lingers = () => false;
    await world.kubelet.again();
    await done();
    expect(await images()).toEqual(['x:2', 'x:2', 'x:2']);
  });

  it('scales in proportion during a rollout', async () => {
    const spec = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 0 } } };
    await world.apply(deployment('x:1', { ...spec, replicas: 6 }));
    await done();
    world.kubelet.becomesReady = () => false;
    await world.apply(deployment('x:2', { ...spec, replicas: 6 }));
    await world.until(revisions, ['1:6', '2:3']);
    await world.apply(deployment('x:2', { ...spec, replicas: 9 }));
    await world.until(async () => (await images()).length, 12);
    const [old, fresh] = await revisions();
    expect([old, fresh]).toEqual(['1:8', '2:4']);
  });

  it('tells of pods that cannot be made', async () => {
    world.refusesPods = 'no pods today';
    await world.apply(deployment());
    await world.until(() => condition('ReplicaFailure'), 'True FailedCreate');
    await world.until(async () => (await world.events('FailedCreate'))[0], 'Error creating: no pods today');
    world.refusesPods = undefined;
    await world.until(() => condition('ReplicaFailure'), undefined);
    await done();
  });

  it('takes over ReplicaSets that another one left behind', async () => {
    await world.apply(deployment());
    await done();
    const before = await world.names('pods');
    await world.client.delete(world.at('deployments'), 'web', { propagationPolicy: 'Orphan' });
    await world.until(
      async () => (await world.list('replicasets')).flatMap(({ metadata }) => metadata.ownerReferences ?? []),
      [],
    );
    await world.apply(deployment());
    await done();
    expect(await world.names('pods')).toEqual(before);
    expect(await revisions()).toEqual(['1:3']);
  });
});

describe('ReplicaSet', () => {
  const set = (replicas = 2): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'rs', namespace: 'shop' },
    spec: { replicas, selector: { matchLabels: { app: 'rs' } }, template: template('rs') },
  });
  const ready = (count: number) =>
    world.until(async () => (await world.status('replicasets', 'rs'))['readyReplicas'], count);

  it('adopts pods that it selects and lets go of those it no longer does', async () => {
    await world.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'lone', namespace: 'shop', labels: { app: 'rs' } },
      spec: template('rs').spec,
    });
    await world.apply(set(2));
    await ready(2);
    const lone = await world.get('pods', 'lone');
    expect(lone.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet', name: 'rs', controller: true }]);
    await world.client.patch(world.at('pods'), 'lone', 'merge', { metadata: { labels: { app: 'other' } } });
    await world.until(async () => (await world.get('pods', 'lone')).metadata.ownerReferences, undefined);
    await world.until(async () => (await world.names('pods')).length, 3);
  });

  it('leaves its pods behind when asked to, for the next one', async () => {
    await world.apply(set(2));
    await ready(2);
    const before = await world.names('pods');
    await world.client.delete(world.at('replicasets'), 'rs', { propagationPolicy: 'Orphan' });
    await world.until(() => world.names('replicasets'), []);
    await world.until(
      async () => (await world.list('pods')).flatMap(({ metadata }) => metadata.ownerReferences ?? []),
      [],
    );
    await world.apply(set(2));
    await ready(2);
    expect(await world.names('pods')).toEqual(before);
  });

  it('replaces what fails and removes the least useful first', async () => {
    world.kubelet.becomesReady = (pod) => pod.metadata.name !== 'new';
    await world.apply(set(2));
    await ready(2);
    const [first] = await world.names('pods');
    await world.client.patch(
      world.at('pods'),
      first!,
      'merge',
      { status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: world.iso() }] } },
      { subresource: 'status' },
    );
    await ready(1);
    await world.apply(set(1));
    await world.until(async () => (await world.names('pods')).includes(first!), false);
  });
});

describe('PodDisruptionBudget', () => {
  const budget = (spec: object): KubeObject => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  });
  const allowed = async () => {
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = await world.status('budgets', 'web');
    return [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods];
  };

  it('counts what may go', async () => {
    await world.apply(deployment());
    await done();
    await world.apply(budget({ minAvailable: 1 }));
    await world.until(allowed, [2, 3, 1, 3]);
    await world.apply(deployment('x:1', { replicas: 1 }));
    await world.until(allowed, [0, 1, 1, 1]);
  });

  it('takes shares of what the Deployment asks for', async () => {
    world.kubelet.becomesReady = (pod) => !pod.metadata.name!.includes('never');
    await world.apply(deployment('x:1', { replicas: 4 }));
    await done();
    await world.apply(budget({ maxUnavailable: '50%' }));
    await world.until(allowed, [2, 4, 2, 4]);
  });
});
