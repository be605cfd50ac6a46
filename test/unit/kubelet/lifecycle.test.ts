import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { condition, isReady, PODS, state, TestNode } from './node.ts';

describe('the life of a pod', () => {
  let node: TestNode;
  beforeEach(async () => {
    node = await TestNode.start();
  });
  afterEach(() => node.close());

  it('runs with an address of its own, conditions and events as a kubelet gives them', async () => {
    const before = performance.now();
    await node.run('web', { containers: [{ name: 'web', image: 'test/tool:1' }] });
    const pod = await node.until('web', isReady);
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(pod.status.podIP).toMatch(/^10\.244\./);
    expect(pod.status.phase).toBe('Running');
    for (const type of ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady'])
      expect(condition(pod, type)?.status, type).toBe('True');
    expect(pod.status.containerStatuses[0]).toMatchObject({
      image: 'docker.io/test/tool:1',
      ready: true,
      restartCount: 0,
      started: true,
    });
    expect(await node.events('web')).toEqual([
      'Pulled: Container image "test/tool:1" already present on machine and can be accessed by the pod',
      'Created: Container created',
      'Started: Container started',
    ]);
  });

  it('runs init containers in order, and a sidecar past its startup probe before what follows', async () => {
    await node.run('web', {
      initContainers: [
        { name: 'first', image: 'test/tool', command: ['exit', '0'] },
        {
          name: 'side',
          image: 'test/tool',
          command: ['serve', '4191'],
          restartPolicy: 'Always',
          startupProbe: { httpGet: { path: '/', port: 4191 }, periodSeconds: 1 },
        },
        { name: 'second', image: 'test/tool', command: ['exit', '0'] },
      ],
      containers: [{ name: 'web', image: 'test/tool' }],
    });
    const pod = await node.until('web', isReady);
    expect(node.diary).toEqual(['start first', 'start side', 'start second', 'start web']);
    expect(state(pod, 'first').terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });

    const gone = node.gone('web');
    await node.client.delete(PODS, 'web');
    await gone;
    expect(node.diary.slice(4)).toEqual(['SIGTERM web', 'SIGTERM side']);
  });

  it('says which list names the images, when one is unknown', async () => {
    await node.run('bad', { containers: [{ name: 'bad', image: 'example.invalid/none:1' }] });
    const failed = await node.until('bad', (pod) => state(pod).waiting?.reason === 'ErrImagePull');
    expect(state(failed).waiting.message).toContain('`academy list images`');
    await node.clock.advance(3_000);
    const backing = await node.until('bad', (pod) => state(pod).waiting?.reason === 'ImagePullBackOff');
    expect(state(backing).waiting.message).toMatch(/^Back-off pulling image "example.invalid\/none:1": ErrImagePull: /);
    expect(backing.status.phase).toBe('Pending');
  });

  it('restarts what fails, at once, then with growing pauses', async () => {
    await node.run('crash', { containers: [{ name: 'crash', image: 'test/tool', command: ['exit', '7'] }] });
    const twice = await node.until('crash', (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
    expect(twice.status.containerStatuses[0].lastState.terminated.exitCode).toBe(7);
    await node.clock.advance(9_500);
    const waiting = await node.until('crash', (pod) => state(pod).waiting?.reason === 'CrashLoopBackOff');
    expect(state(waiting).waiting.message).toBe(
      `back-off 10s restarting failed container=crash pod=crash_shop(${waiting.metadata.uid})`,
    );
    expect(waiting.status.phase).toBe('Running');
    await node.clock.advance(5_000);
    await node.until('crash', (pod) => pod.status.containerStatuses[0].restartCount === 2);
  });

  it('waits for a ConfigMap that a container needs', async () => {
    const env = [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } }];
    await node.run('web', { containers: [{ name: 'web', image: 'test/tool', env }] });
    const waiting = await node.until('web', (pod) => state(pod).waiting?.reason === 'CreateContainerConfigError');
    expect(state(waiting).waiting.message).toBe('configmap "settings" not found');
    await node.client.create(
      { ...PODS, resource: 'configmaps' },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { colour: 'red' } },
    );
    await node.clock.advance(4_000);
    await node.until('web', isReady);
  });

  it.each([
    ['0', 'Succeeded', 'PodCompleted'],
    ['3', 'Failed', 'PodFailed'],
  ])('is over with exit code %s when it is not to be restarted: %s', async (code, phase, reason) => {
    await node.run('once', {
      restartPolicy: 'Never',
      containers: [{ name: 'once', image: 'test/tool', command: ['exit', code] }],
    });
    const pod = await node.until('once', ({ status }) => status?.phase === phase);
    expect(condition(pod, 'Ready')).toMatchObject({ status: 'False', reason });
    expect(state(pod).terminated.exitCode).toBe(Number(code));
  });

  it('ends gracefully: preStop, SIGTERM, and SIGKILL when the grace is over', async () => {
    await node.run('slow', {
      terminationGracePeriodSeconds: 10,
      containers: [
        { name: 'slow', image: 'test/tool', command: ['stubborn'], lifecycle: { preStop: { sleep: { seconds: 4 } } } },
      ],
    });
    await node.until('slow', isReady);
    const gone = node.gone('slow');
    await node.client.delete(PODS, 'slow');
    await node.clock.advance(3_000);
    expect(node.diary).toEqual(['start slow']);
    await node.clock.advance(2_000);
    expect(node.diary).toEqual(['start slow', 'SIGTERM slow']);
    await node.clock.advance(6_000);
    await gone;
    expect(node.diary).toEqual(['start slow', 'SIGTERM slow', 'SIGKILL slow']);
    expect(await node.events('slow')).toContain('Killing: Stopping container slow');
  });

  it('kills at once what the API forgot', async () => {
    await node.run('gone', { containers: [{ name: 'gone', image: 'test/tool', command: ['stubborn'] }] });
    await node.until('gone', isReady);
    await node.client.delete(PODS, 'gone', { gracePeriodSeconds: 0 });
    await expect.poll(() => node.diary).toEqual(['start gone', 'SIGKILL gone']);
  });
});
