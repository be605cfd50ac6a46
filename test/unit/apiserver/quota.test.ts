import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { limitRangeAdmission } from '#kube/apiserver/admission/limit-range.ts';
import { priorityAdmission } from '#kube/apiserver/admission/priority.ts';
import { quotaAdmission } from '#kube/apiserver/admission/quota.ts';
import type { AdmissionPlugin } from '#kube/apiserver/seams.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { ControllerContext } from '#kube/controllers/context.ts';
import { startQuotas } from '#kube/controllers/quota.ts';

const core = (resource: string, namespace?: string) => ({
  group: '',
  version: 'v1',
  resource,
  ...(namespace ? { namespace } : {}),
});
const pod = (name: string, resources: object = {}, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop' },
  spec: { containers: [{ name: 'a', image: 'busybox', resources }], ...more },
});
const quota = (hard: Record<string, string>, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'q', namespace: 'shop' },
  spec: { hard, ...more },
});

describe('what a namespace may hold', () => {
  let clock: MovableClock;
  let client: KubeClient;
  let stop: () => void;
  const create = (resource: string, object: KubeObject) => client.create(core(resource, 'shop'), object);

  beforeEach(async () => {
    clock = new MovableClock();
    const admission: AdmissionPlugin[] = [];
    const server = new ApiServer({ clock, admission });
    const { store } = server;
    admission.push(limitRangeAdmission(store), priorityAdmission(store), quotaAdmission(store));
    client = createKubeClient(createInProcessTransport(server, { username: 'admin', groups: ['system:masters'] }));
    await client.create(core('namespaces'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    const context = new ControllerContext(client, clock);
    const queue = startQuotas(context, store);
    await context.start();
    stop = () => {
      queue.stop();
      queue.close();
      context.stop();
      clock.stop();
    };
  });
  afterEach(() => stop());

  it('is refused beyond a quota, in the words of the real server', async () => {
    await create('resourcequotas', quota({ pods: '1' }));
    await create('pods', pod('one'));
    await expect(create('pods', pod('two'))).rejects.toThrow(
      'pods "two" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
    );
  });

  it('holds when many come at once', async () => {
    await create('resourcequotas', quota({ pods: '3' }));
    const made = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => create('pods', pod(`p${i}`))));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  it('asks for what it counts', async () => {
    await create('resourcequotas', quota({ 'requests.cpu': '1', 'limits.memory': '1Gi' }));
    await expect(create('pods', pod('silent'))).rejects.toThrow(
      'pods "silent" is forbidden: failed quota: q: must specify limits.memory for: a; requests.cpu for: a',
    );
  });

  it('counts only what is in its scope', async () => {
    await create('resourcequotas', quota({ pods: '0' }, { scopes: ['BestEffort'] }));
    await expect(create('pods', pod('best'))).rejects.toThrow('exceeded quota');
    await expect(create('pods', pod('burst', { requests: { cpu: '10m' } }))).resolves.toBeDefined();
  });

  it('shows what is used', async () => {
    await create('resourcequotas', quota({ pods: '5', 'requests.memory': '1Gi' }));
    await create('pods', pod('one', { requests: { memory: '64Mi' } }));
    await create('pods', pod('two', { requests: { memory: '64Mi' } }));
    await clock.advance(1_000);
    const { status } = await client.get(core('resourcequotas', 'shop'), 'q');
    expect(status).toEqual({
      hard: { pods: '5', 'requests.memory': '1Gi' },
      used: { pods: '2', 'requests.memory': '128Mi' },
    });
  });

  it('gives containers what a limit range says, and refuses what is outside', async () => {
    await create('limitranges', {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'l', namespace: 'shop' },
      spec: { limits: [{ type: 'Container', default: { cpu: '200m' }, max: { cpu: '1' } }] },
    });
    const made = await create('pods', pod('plain'));
    expect(made.spec.containers[0].resources).toEqual({ limits: { cpu: '200m' }, requests: { cpu: '200m' } });
    expect(made.metadata.annotations?.['kubernetes.io/limit-ranger']).toBe(
      'LimitRanger plugin set: cpu request for container a; cpu limit for container a',
    );
    await expect(create('pods', pod('big', { limits: { cpu: '2' } }))).rejects.toThrow(
      'pods "big" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
    );
  });

  it('knows priorities by their class', async () => {
    await expect(create('pods', pod('none', {}, { priorityClassName: 'none' }))).rejects.toThrow(
      'pods "none" is forbidden: no PriorityClass with name none was found',
    );
  });
});
