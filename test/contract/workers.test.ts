import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster, StepEvent } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { clusterSettings } from '#schema/lab.ts';

const NODES = { group: '', version: 'v1', resource: 'nodes' } as const;
const ACCOUNTS = { group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'default' } as const;
const PODS = { group: '', version: 'v1', resource: 'pods', namespace: 'default' } as const;

describe('an embedded cluster with workers', () => {
  let cluster: Cluster;
  const steps: StepEvent[] = [];
  beforeAll(async () => {
    cluster = await createEmbeddedDriver().create({
      id: 'several',
      settings: clusterSettings.parse({ mesh: 'none', workers: 2 }),
      signal: new AbortController().signal,
      onStep: (step) => steps.push(step),
    });
    await cluster.ready;
  });
  afterAll(() => cluster.destroy());

  it('has them as nodes, each a step of its own', async () => {
    const { items } = await cluster.admin.list(NODES);
    const roles = items.map(({ metadata }) => [
      metadata.name,
      'node-role.kubernetes.io/control-plane' in (metadata.labels ?? {}),
    ]);
    expect(roles.sort()).toEqual([
      ['academy', true],
      ['academy-worker1', false],
      ['academy-worker2', false],
    ]);
    expect(steps.filter(({ state }) => state === 'done').map(({ step }) => step)).toEqual(
      expect.arrayContaining(['worker-1', 'worker-2']),
    );
  });

  it('binds pods to all of them, under addresses of their own, and answers for each', async () => {
    // As in any cluster, a namespace has its service account a moment after itself.
    const hasAccount = async () => (await cluster.admin.list(ACCOUNTS)).items.length;
    await expect.poll(hasAccount).toBeGreaterThan(0);
    for (const name of ['a', 'b', 'c'])
      await cluster.admin.create(PODS, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: {
          containers: [{ name: 'tool', image: 'curlimages/curl:8.16.0', command: ['sh', '-c', 'echo up; sleep 3600'] }],
        },
      });
    const running = async () => {
      const { items } = await cluster.admin.list(PODS);
      return items.filter(({ status }) => status?.['phase'] === 'Running').length;
    };
    await expect.poll(running).toBe(3);
    const { items } = await cluster.admin.list(PODS);
    expect(new Set(items.map(({ spec }) => spec?.['nodeName']))).toHaveLength(3);
    expect(new Set(items.map(({ status }) => status?.['podIP']))).toHaveLength(3);
    for (const name of ['a', 'b', 'c']) {
      const log = async () => {
        let text = '';
        for await (const chunk of cluster.admin.logs('default', name)) text += Buffer.from(chunk).toString();
        return text;
      };
      await expect.poll(log).toBe('up\n');
    }
  });
});
