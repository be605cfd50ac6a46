import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { ClusterView } from '#mesh/destination/cluster-view.ts';
import { resolveEndpoints } from '#mesh/destination/resolve.ts';
import { addrMessage, endpointFrom } from '#mesh/destination/wire.ts';
import { object } from '../policy/objects.ts';

const GATEWAY = 'linkerd-gateway.linkerd-multicluster.serviceaccount.identity.linkerd.cluster.local';

const viewOf = (trustDomain = 'cluster.local') =>
  new ClusterView(
    { domain: { controlPlaneNamespace: 'linkerd', trustDomain }, defaultOpaquePorts: '', enableH2Upgrade: true },
    'cluster.local',
  );

function service(name: string, metadata: object = {}): KubeObject {
  return object('Service', name, { clusterIP: '10.96.0.7', ports: [{ port: 80 }] }, { metadata });
}

function withPod(view: ClusterView, name: string, ip: string): void {
  view.put('Service', service(name));
  view.put(
    'Pod',
    object(
      'Pod',
      `${name}-1`,
      { serviceAccountName: name, containers: [{ name: 'linkerd-proxy' }] },
      { status: { podIP: ip, phase: 'Running' }, metadata: { labels: { 'linkerd.io/control-plane-ns': 'linkerd' } } },
    ),
  );
  view.put('EndpointSlice', {
    ...object('EndpointSlice', `${name}-x`, undefined, {
      metadata: { labels: { 'kubernetes.io/service-name': name } },
    }),
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: [{ addresses: [ip], targetRef: { kind: 'Pod', name: `${name}-1`, namespace: 'shop' } }],
  });
}

const asked = (name: string) => ({ namespace: 'shop', service: name, port: 80 });

describe('endpoints of other clusters', () => {
  it('of a mirror are the gateway, with its identity and the name behind it', () => {
    const view = viewOf();
    view.put('Service', service('api-west'));
    view.put('EndpointSlice', {
      ...object('EndpointSlice', 'api-west-x', undefined, {
        metadata: {
          labels: { 'kubernetes.io/service-name': 'api-west', 'mirror.linkerd.io/cluster-name': 'west' },
          annotations: {
            'mirror.linkerd.io/remote-gateway-identity': GATEWAY,
            'mirror.linkerd.io/remote-svc-fq-name': 'api.shop.svc.cluster.local',
          },
        },
      }),
      addressType: 'IPv4',
      ports: [{ name: '', port: 4143 }],
      endpoints: [{ addresses: ['172.18.255.1'], conditions: { ready: true } }],
    });
    const [endpoint] = resolveEndpoints(view, undefined, asked('api-west'))!;
    expect(endpoint).toEqual({
      ip: '172.18.255.1',
      port: 4143,
      identity: GATEWAY,
      opaque: false,
      h2: true,
      authorityOverride: 'api.shop.svc.cluster.local:80',
      weight: 10_000,
      labels: {
        target_cluster: 'west',
        target_service: 'api',
        target_service_namespace: 'shop',
      },
    });
    expect(endpointFrom(addrMessage(endpoint!))).toEqual(endpoint);
  });

  it('of a flat mirror are the pods of the other cluster, by its trust domain', () => {
    const view = viewOf();
    const west = viewOf('west.example');
    withPod(west, 'api', '10.245.0.7');
    view.put(
      'Service',
      service('api-west', {
        labels: {
          'multicluster.linkerd.io/remote-discovery': 'west',
          'multicluster.linkerd.io/remote-service': 'api',
        },
      }),
    );
    const remotes = { get: (name: string) => (name === 'west' ? { view: west, clusterDomain: 'x' } : undefined) };
    expect(resolveEndpoints(view, remotes, asked('api-west'))).toMatchObject([
      { ip: '10.245.0.7', port: 8080, identity: 'api.shop.serviceaccount.identity.linkerd.west.example' },
    ]);
    expect(resolveEndpoints(view, { get: () => undefined }, asked('api-west'))).toBeUndefined();
  });

  it('of a federated Service are those of all members that can be found', () => {
    const view = viewOf();
    const west = viewOf();
    withPod(view, 'api', '10.244.0.7');
    withPod(west, 'api', '10.245.0.7');
    const remotes = { get: (name: string) => (name === 'west' ? { view: west, clusterDomain: 'x' } : undefined) };
    const federated = (annotations: Record<string, string>) => {
      view.put('Service', service('api-federated', { annotations }));
      return resolveEndpoints(view, remotes, asked('api-federated'))?.map(({ ip }) => ip);
    };
    const local = { 'multicluster.linkerd.io/local-discovery': 'api' };
    const remote = { 'multicluster.linkerd.io/remote-discovery': 'api@west,api@north,nonsense' };
    expect(federated({ ...local, ...remote })).toEqual(['10.244.0.7', '10.245.0.7']);
    expect(federated(local)).toEqual(['10.244.0.7']);
    expect(federated(remote)).toEqual(['10.245.0.7']);
  });
});
