import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Process } from '#kube/images/program.ts';
import type { InboundConfig } from '#mesh/policy/core/config.ts';
import { WATCHED } from '#mesh/policy/core/objects.ts';
import { startPolicy } from '#mesh/policy/program.ts';
import { ReconnectingChannel } from '#mesh/policy/reconnect.ts';
import { createPolicySource } from '#mesh/policy/source.ts';
import type { InboundPolicySource } from '#mesh/proxy/inbound-policy.ts';
import { clock, container, FakeCluster, fabric } from './fake-cluster.ts';
import { MESH, object, pod, policy, route, server } from './objects.ts';

const ARGS = [
  '/linkerd-policy-controller',
  '--control-plane-namespace=linkerd',
  '--grpc-addr=0.0.0.0:8090',
  '--admin-addr=0.0.0.0:9990',
  '--cluster-networks=10.0.0.0/8',
  '--identity-domain=cluster.local',
  '--default-policy=all-unauthenticated',
];

const running: { process: Process; source?: InboundPolicySource }[] = [];
afterEach(async () => {
  for (const { process, source } of running.splice(0)) {
    source?.close();
    process.kill('SIGTERM');
    await process.exited;
  }
});

function start(cluster: FakeCluster) {
  const network = fabric();
  const controller = network.createNamespace({ ip: '10.0.0.5', name: 'policy' });
  const proxy = network.createNamespace({ ip: '10.0.0.9', name: 'proxy' });
  const context = container(controller, ARGS);
  const process = startPolicy(context, { client: cluster.client });
  const source = createPolicySource({
    channel: new ReconnectingChannel({ dial: (signal) => proxy.dial('10.0.0.5', 8090, { signal }) }, clock),
    workload: '{"ns":"shop", "pod":"web-1"}\n',
  });
  const seen: InboundConfig[] = [];
  running.push({ process, source });
  return { process, source, seen, controller, context };
}

describe('the policy controller', () => {
  it('tells a proxy what holds for its port, and every change of it', async () => {
    const cluster = new FakeCluster();
    cluster.unserved.add('tcproutes');
    const { source, seen } = start(cluster);
    source.watchPort(8080, (config) => seen.push(config));
    cluster.put(WATCHED.Pod, pod());
    await vi.waitFor(() =>
      expect(seen.at(-1)?.server).toEqual({ group: '', kind: 'default', name: 'all-unauthenticated' }),
    );
    expect(seen.at(-1)?.routes.map((each) => each.ref.name)).toEqual(['default', 'probe']);

    cluster.put(WATCHED.Server, server('web'));
    await vi.waitFor(() => expect(seen.at(-1)?.server).toEqual({ group: MESH, kind: 'server', name: 'web' }));
    expect(seen.at(-1)?.authorizations).toEqual([]);

    cluster.put(WATCHED.AuthorizationPolicy, policy('open', [MESH, 'Server', 'web']));
    await vi.waitFor(() => expect(seen.at(-1)?.authorizations[0]?.ref.name).toBe('open'));

    cluster.delete(WATCHED.Server, 'shop', 'web');
    await vi.waitFor(() => expect(seen.at(-1)?.server.kind).toBe('default'));
  });

  it('accepts a route in its status, after which it holds', async () => {
    const cluster = new FakeCluster();
    const { source, seen, context } = start(cluster);
    source.watchPort(8080, (config) => seen.push(config));
    cluster.put(WATCHED.Pod, pod());
    cluster.put(WATCHED.Server, server('web'));
    cluster.put(WATCHED.PolicyHTTPRoute, {
      ...route('orders', 'web', [{ type: 'PathPrefix', value: '/orders' }]),
      status: undefined,
    });
    await vi.waitFor(() => expect(seen.at(-1)?.routes.map((each) => each.ref.name)).toEqual(['orders']));
    const [patch] = cluster.patches.filter((each) => each.path.includes('httproutes'));
    expect(patch?.patch).toMatchObject({
      status: {
        parents: [
          {
            controllerName: 'linkerd.io/policy-controller',
            parentRef: { group: MESH, kind: 'Server', name: 'web', namespace: 'shop' },
            conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted' }],
          },
        ],
      },
    });
    expect(context.lines.join('')).toContain('Patched status');
    const count = cluster.patches.length;
    cluster.put(WATCHED.MeshTLSAuthentication, object('MeshTLSAuthentication', 'any', { identities: ['*'] }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(cluster.patches.length).toBe(count);
  });

  it('refuses a second rate limit on a Server', async () => {
    const cluster = new FakeCluster();
    start(cluster);
    cluster.put(WATCHED.Server, server('web'));
    const target = { group: MESH, kind: 'Server', name: 'web' };
    for (const name of ['one', 'two']) {
      cluster.put(
        WATCHED.HTTPLocalRateLimitPolicy,
        object('HTTPLocalRateLimitPolicy', name, { targetRef: target, total: { requestsPerSecond: 5 } }),
      );
    }
    const reasons = () =>
      [...cluster.objects.values()]
        .filter((each) => each.kind === 'HTTPLocalRateLimitPolicy')
        .map((each) => `${each.metadata.name}: ${each.status?.conditions?.[0]?.reason}`);
    await vi.waitFor(() => expect(reasons()).toEqual(['one: Accepted', 'two: RateLimitReasonAlreadyExists']));
  });

  it('leaves writing to the replica that holds the lease', async () => {
    const cluster = new FakeCluster();
    const network = fabric();
    const contexts = ['one', 'two'].map((name, i) => {
      const context = container(network.createNamespace({ ip: `10.0.1.${i}`, name }), ARGS, { name });
      running.push({ process: startPolicy(context, { client: cluster.client }) });
      return context;
    });
    cluster.put(WATCHED.Server, server('web'));
    cluster.put(WATCHED.PolicyHTTPRoute, { ...route('r', 'web', []), status: undefined });
    const wrote = () => contexts.filter((each) => each.lines.join('').includes('Patched status')).length;
    await vi.waitFor(() => expect(wrote()).toBe(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(wrote()).toBe(1);
    const lease = [...cluster.objects.values()].find((each) => each.kind === 'Lease');
    expect(contexts.find((each) => each.lines.length > 0)?.pod.name).toBe(lease?.spec.holderIdentity);
  });

  it('goes away with its container, and proxies keep what they know', async () => {
    const cluster = new FakeCluster();
    const { source, seen, process } = start(cluster);
    cluster.put(WATCHED.Pod, pod());
    source.watchPort(8080, (config) => seen.push(config));
    await vi.waitFor(() => expect(seen.length).toBe(1));
    process.kill('SIGTERM');
    expect(await process.exited).toBe(0);
    cluster.put(WATCHED.Server, server('web'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen.length).toBe(1);
  });
});
