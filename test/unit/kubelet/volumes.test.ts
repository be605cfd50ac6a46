import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isReady, PODS, TestNode } from './node.ts';

describe('volumes', () => {
  let node: TestNode;
  beforeEach(async () => {
    node = await TestNode.start();
  });
  afterEach(() => node.close());

  const read = async (pod: string, file: string): Promise<string> => {
    let text = '';
    await node.client.exec({
      namespace: 'shop',
      pod,
      command: ['read', file],
      stdout: (chunk) => {
        text += Buffer.from(chunk).toString();
      },
    });
    return text;
  };

  it('shows a changed Secret after the kubelet’s sync, not before', async () => {
    const secrets = { ...PODS, resource: 'secrets' };
    const secret = (value: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key' },
      stringData: { password: value },
    });
    await node.client.create(secrets, secret('one'));
    await node.run('web', {
      containers: [{ name: 'web', image: 'test/tool', volumeMounts: [{ name: 'key', mountPath: '/key' }] }],
      volumes: [{ name: 'key', secret: { secretName: 'key' } }],
    });
    await node.until('web', isReady);
    expect(await read('web', '/key/password')).toBe('one');
    await node.client.patch(secrets, 'key', 'merge', { stringData: { password: 'two' } });
    await node.clock.advance(1_000);
    expect(await read('web', '/key/password')).toBe('one');
    await node.clock.advance(3_000);
    expect(await read('web', '/key/password')).toBe('two');
  });

  it('tells what can’t be mounted, and goes on when it is there', async () => {
    await node.run('web', {
      containers: [{ name: 'web', image: 'test/tool', volumeMounts: [{ name: 'conf', mountPath: '/conf' }] }],
      volumes: [{ name: 'conf', configMap: { name: 'conf' } }],
    });
    await expect
      .poll(() => node.events('web'))
      .toContain('FailedMount: MountVolume.SetUp failed for volume "conf" : configmap "conf" not found');
    await node.client.create(
      { ...PODS, resource: 'configmaps' },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf' }, data: { a: '1' } },
    );
    await node.until('web', isReady);
    expect(await read('web', '/conf/a')).toBe('1');
  });

  it('shows labels through the downward API', async () => {
    await node.run('web', {
      containers: [{ name: 'web', image: 'test/tool', volumeMounts: [{ name: 'pod', mountPath: '/pod' }] }],
      volumes: [
        { name: 'pod', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      ],
    });
    await node.until('web', isReady);
    await node.client.patch(PODS, 'web', 'merge', { metadata: { labels: { tier: 'front' } } });
    await node.clock.advance(4_000);
    expect(await read('web', '/pod/labels')).toBe('tier="front"');
  });
});
