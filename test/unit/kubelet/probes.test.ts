import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { condition, isReady, state, TestNode } from './node.ts';

describe('probes', () => {
  let node: TestNode;
  beforeEach(async () => {
    node = await TestNode.start();
  });
  afterEach(() => node.close());

  it('makes a pod ready when its readiness probe succeeds, and tells of failures that count', async () => {
    await node.run('web', {
      containers: [
        {
          name: 'web',
          image: 'test/tool',
          command: ['serve', '8080'],
          readinessProbe: { httpGet: { path: '/', port: 8081 }, periodSeconds: 2, failureThreshold: 1 },
        },
      ],
    });
    await node.until('web', (pod) => state(pod).running !== undefined);
    await node.clock.advance(5_000);
    const pod = await node.until('web', (one) => one.status.phase === 'Running');
    expect(condition(pod, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [web]',
    });
    expect(await node.events('web')).toContainEqual(
      expect.stringMatching(
        /^Unhealthy: Readiness probe failed: Get "http:\/\/10\.244\.\d+\.\d+:8081\/": dial tcp .*: connect: connection refused$/,
      ),
    );
  });

  it('restarts a container whose liveness probe fails', async () => {
    await node.run('web', {
      containers: [
        {
          name: 'web',
          image: 'test/tool',
          command: ['serve', '8080'],
          livenessProbe: { tcpSocket: { port: 9 }, periodSeconds: 1, failureThreshold: 2 },
        },
      ],
    });
    await node.until('web', isReady);
    await node.clock.advance(4_000);
    await node.until('web', (pod) => pod.status.containerStatuses[0].restartCount === 1);
    expect(node.diary.slice(0, 3)).toEqual(['start web', 'SIGTERM web', 'start web']);
    expect(await node.events('web')).toContain('Killing: Container web failed liveness probe, will be restarted');
  });

  it('asks through exec, and keeps liveness waiting for startup', async () => {
    await node.run('web', {
      containers: [
        {
          name: 'web',
          image: 'test/tool',
          command: ['serve', '8080'],
          startupProbe: { exec: { command: ['exit', '0'] } },
          livenessProbe: { exec: { command: ['exit', '0'] } },
          readinessProbe: { tcpSocket: { port: 8080 } },
        },
      ],
    });
    const pod = await node.until('web', isReady);
    expect(pod.status.containerStatuses[0].started).toBe(true);
  });
});
