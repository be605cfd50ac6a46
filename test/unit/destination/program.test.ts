import { afterEach, describe, expect, it, vi } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import type { Process } from '#kube/images/program.ts';
import { createDiscovery } from '#mesh/destination/client.ts';
import { VIEWED } from '#mesh/destination/cluster-view.ts';
import { startDestination } from '#mesh/destination/program.ts';
import { WATCHED } from '#mesh/policy/core/objects.ts';
import { startPolicy } from '#mesh/policy/program.ts';
import { ReconnectingChannel } from '#mesh/policy/reconnect.ts';
import type { DiscoveredEndpoint, Discovery, OutboundTarget } from '#mesh/proxy/discovery.ts';
import { clock, container, FakeCluster, fabric } from '../policy/fake-cluster.ts';
import { object } from '../policy/objects.ts';

const service = (more: Record<string, unknown> = {}, annotations = {}): KubeObject =>
  object(
    'Service',
    'api',
    { clusterIP: '10.96.0.7', ports: [{ port: 80, targetPort: 'http' }], ...more },
    { metadata: { annotations } },
  );
const meshedPod = (name: string, ip: string): KubeObject =>
  object(
    'Pod',
    name,
    {
      serviceAccountName: 'api',
      containers: [{ name: 'api' }],
      initContainers: [
        { name: 'linkerd-proxy', env: [{ name: 'LINKERD2_PROXY_INBOUND_LISTEN_ADDR', value: '0.0.0.0:4143' }] },
      ],
    },
    {
      status: { podIP: ip, phase: 'Running' },
      metadata: {
        labels: { 'linkerd.io/control-plane-ns': 'linkerd', 'pod-template-hash': 'abc' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'api-abc', uid: 'x', controller: true }],
      },
    },
  );
const slice = (...endpoints: [string, string, boolean?][]): KubeObject => ({
  ...object('EndpointSlice', 'api-1', undefined, { metadata: { labels: { 'kubernetes.io/service-name': 'api' } } }),
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080 }],
  endpoints: endpoints.map(([ip, pod, ready = true]) => ({
    addresses: [ip],
    conditions: { ready },
    targetRef: { kind: 'Pod', name: pod, namespace: 'shop' },
  })),
});

const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function start(cluster: FakeCluster): Discovery {
  const network = fabric();
  const controller = network.createNamespace({ ip: '10.0.0.5', name: 'destination' });
  const proxy = network.createNamespace({ ip: '10.0.0.9', name: 'proxy' });
  const run = (process: Process) =>
    ends.push(() => {
      process.kill('SIGTERM');
      return process.exited;
    });
  run(
    startDestination(container(controller, ['destination', '-default-opaque-ports=3306']), { client: cluster.client }),
  );
  run(startPolicy(container(controller, ['policy', '--admin-addr=0.0.0.0:9990']), { client: cluster.client }));
  const policy = new ReconnectingChannel({ dial: (signal) => proxy.dial('10.0.0.5', 8090, { signal }) }, clock);
  ends.push(() => policy.close());
  const discovery = createDiscovery({
    destination: { dial: (signal) => proxy.dial('10.0.0.5', 8086, { signal }) },
    policy,
    clock,
    context: '{"ns":"shop"}',
    workload: '{"ns":"shop","pod":"web-1"}',
  });
  ends.push(() => discovery.close());
  return discovery;
}

describe('discovery', () => {
  it('finds the Service behind an address, its endpoints and their identities, as they come and go', async () => {
    const cluster = new FakeCluster();
    const discovery = start(cluster);
    cluster.put(VIEWED.Service, service());
    cluster.put(VIEWED.Pod, meshedPod('api-1', '10.244.0.7'));
    cluster.put(VIEWED.EndpointSlice, slice(['10.244.0.7', 'api-1'], ['10.244.0.8', 'api-2', false]));
    let target: OutboundTarget | undefined;
    discovery.watchTarget('10.96.0.7', 80, (value) => {
      target = value;
    });
    await vi.waitFor(() =>
      expect(target).toMatchObject({
        service: { namespace: 'shop', name: 'api', port: 80 },
        authority: 'api.shop.svc.cluster.local:80',
        protocol: 'detect',
        policy: { parent: { kind: 'Service', name: 'api' }, routes: [{ ref: { kind: 'default', name: 'http' } }] },
      }),
    );
    let endpoints: DiscoveredEndpoint[] | undefined = [];
    discovery.watchEndpoints('api.shop.svc.cluster.local:80', (value) => {
      endpoints = value;
    });
    await vi.waitFor(() =>
      expect(endpoints).toMatchObject([
        {
          ip: '10.244.0.7',
          port: 8080,
          identity: 'api.shop.serviceaccount.identity.linkerd.cluster.local',
          inboundPort: 4143,
          h2: true,
          opaque: false,
          labels: { deployment: 'api', pod: 'api-1', namespace: 'shop', service: 'api' },
        },
      ]),
    );
    cluster.put(VIEWED.EndpointSlice, slice(['10.244.0.8', 'api-2']));
    await vi.waitFor(() =>
      expect(endpoints?.map((each) => [each.ip, each.identity])).toEqual([['10.244.0.8', undefined]]),
    );
    cluster.put(VIEWED.EndpointSlice, slice());
    await vi.waitFor(() => expect(endpoints).toEqual([]));
    cluster.delete(VIEWED.Service, 'shop', 'api');
    await vi.waitFor(() => expect(endpoints).toBeUndefined());
  });

  it('knows opaque ports, pods by their address, and what it does not know', async () => {
    const cluster = new FakeCluster();
    const discovery = start(cluster);
    cluster.put(VIEWED.Service, service({}, { 'config.linkerd.io/opaque-ports': '80' }));
    cluster.put(VIEWED.Pod, meshedPod('api-1', '10.244.0.7'));
    const seen: Record<string, OutboundTarget | undefined> = {};
    for (const [ip, port] of [
      ['10.96.0.7', 80],
      ['10.244.0.7', 8080],
      ['10.244.0.7', 3306],
      ['93.1.1.1', 80],
    ] as const) {
      discovery.watchTarget(ip, port, (value) => {
        seen[`${ip}:${port}`] = value;
      });
    }
    await vi.waitFor(() => {
      expect(Object.keys(seen).length).toBe(4);
      expect(seen['10.96.0.7:80']?.protocol).toBe('opaque');
      expect(seen['10.244.0.7:8080']).toEqual({ authority: '10.244.0.7:8080', protocol: 'detect' });
      expect(seen['10.244.0.7:3306']?.protocol).toBe('opaque');
      expect(seen['93.1.1.1:80']?.policy?.parent).toMatchObject({ kind: 'default', name: 'egress-fallback' });
    });
    let endpoints: DiscoveredEndpoint[] | undefined;
    discovery.watchEndpoints('10.244.0.7:8080', (value) => {
      endpoints = value;
    });
    await vi.waitFor(() =>
      expect(endpoints?.[0]?.identity).toBe('api.shop.serviceaccount.identity.linkerd.cluster.local'),
    );
  });

  it('learns splits, redirects and timeouts from a route on the Service', async () => {
    const cluster = new FakeCluster();
    const discovery = start(cluster);
    cluster.put(VIEWED.Service, service());
    cluster.put(VIEWED.Service, {
      ...service({ clusterIP: '10.96.0.8' }),
      metadata: { name: 'api-v2', namespace: 'shop' },
    });
    let target: OutboundTarget | undefined;
    discovery.watchTarget('10.96.0.7', 80, (value) => {
      target = value;
    });
    await vi.waitFor(() => expect(target?.service?.name).toBe('api'));
    cluster.put(
      WATCHED.HTTPRoute,
      object('HTTPRoute', 'split', {
        parentRefs: [{ group: 'core', kind: 'Service', name: 'api', port: 80 }],
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/' } }],
            timeouts: { request: '2s' },
            backendRefs: [
              { name: 'api', port: 80, weight: 9 },
              { name: 'api-v2', port: 80, weight: 1 },
              { name: 'nowhere', port: 80, weight: 1 },
            ],
          },
        ],
      }),
    );
    await vi.waitFor(() =>
      expect(target?.policy?.routes).toMatchObject([
        {
          ref: { name: 'split' },
          rules: [
            {
              timeouts: { requestMs: 2000 },
              backends: [
                { authority: 'api.shop.svc.cluster.local:80', weight: 9 },
                { authority: 'api-v2.shop.svc.cluster.local:80', weight: 1 },
                { weight: 1 },
              ],
            },
          ],
        },
      ]),
    );
    expect(target?.policy?.routes[0]?.rules[0]?.backends[2]?.authority).toBeUndefined();
  });
});
