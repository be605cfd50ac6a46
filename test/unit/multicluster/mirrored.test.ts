import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { selectorOf } from '#mesh/multicluster/link-object.ts';
import { federatedName, type LinkSpec, mirrorName, remoteName, wantedOf } from '#mesh/multicluster/mirror/link.ts';
import {
  federatedService,
  gatewaySubsets,
  isEmpty,
  isMember,
  joined,
  left,
  mirrorEndpoints,
  mirrorService,
} from '#mesh/multicluster/mirror/mirrored.ts';

const link: LinkSpec = {
  targetClusterName: 'west',
  targetClusterDomain: 'west.local',
  gatewayAddress: '172.18.201.1',
  gatewayPort: '4143',
  gatewayIdentity: 'linkerd-gateway.example',
  selector: selectorOf('mirror.linkerd.io/exported=true'),
  remoteDiscoverySelector: selectorOf('mirror.linkerd.io/exported=remote-discovery'),
  federatedServiceSelector: selectorOf('mirror.linkerd.io/federated=member'),
  excludedLabels: ['secret', 'team/*'],
  excludedAnnotations: ['note'],
};

function service(labels: Record<string, string>, annotations: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', resourceVersion: '7', labels, annotations },
    spec: { clusterIP: '10.97.0.9', ports: [{ name: 'http', port: 80, targetPort: 'web', nodePort: 30_080 }] },
  };
}

describe('what a link wants of a Service', () => {
  it('goes by the three selectors, of which an empty one chooses nothing', () => {
    const wanted = (value: string) => wantedOf(link, service({ 'mirror.linkerd.io/exported': value })).mirror;
    expect(wanted('true')).toBe('gateway');
    expect(wanted('remote-discovery')).toBe('flat');
    expect(wanted('maybe')).toBeUndefined();
    expect(wantedOf(link, service({ 'mirror.linkerd.io/federated': 'member' })).federated).toBe(true);
    const none: LinkSpec = { targetClusterName: 'west', selector: {}, federatedServiceSelector: { matchLabels: {} } };
    expect(wantedOf(none, service({ a: 'b' }))).toEqual({ mirror: undefined, federated: false });
  });

  it('reads selectors as the command line writes them', () => {
    expect(selectorOf('a=b, c == d,e!=f,g in (h, i),j notin (k),l,!m')).toEqual({
      matchLabels: { a: 'b', c: 'd' },
      matchExpressions: [
        { key: 'e', operator: 'NotIn', values: ['f'] },
        { key: 'g', operator: 'In', values: ['h', 'i'] },
        { key: 'j', operator: 'NotIn', values: ['k'] },
        { key: 'l', operator: 'Exists' },
        { key: 'm', operator: 'DoesNotExist' },
      ],
    });
    expect(() => selectorOf('a=(')).toThrow("couldn't parse the selector string");
  });

  it('names mirrors after the cluster, and finds the way back', () => {
    expect(mirrorName(link, 'web')).toBe('web-west');
    expect(remoteName(link, 'web-west')).toBe('web');
    expect(remoteName(link, 'web-west-west')).toBe('web-west');
    expect(federatedName('web')).toBe('web-federated');
  });
});

describe('a mirror', () => {
  it('carries labels and annotations over, but for those of mirroring and those left out', () => {
    const labels = { 'mirror.linkerd.io/exported': 'true', app: 'web', secret: 'x', 'team/name': 'a', teams: 'b' };
    const annotations = { note: 'n', other: 'o', 'service.kubernetes.io/topology-mode': 'Auto' };
    expect(mirrorService(link, service(labels, annotations))).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web-west',
        namespace: 'shop',
        labels: {
          'mirror.linkerd.io/mirrored-service': 'true',
          'mirror.linkerd.io/cluster-name': 'west',
          app: 'web',
        },
        annotations: {
          other: 'o',
          'mirror.linkerd.io/remote-svc-fq-name': 'web.shop.svc.west.local',
          'mirror.linkerd.io/remote-resource-version': '7',
        },
      },
      spec: { ports: [{ name: 'http', port: 80, targetPort: 'web' }] },
    });
  });

  it('says of a flat one which Service and cluster it stands for', () => {
    const { metadata } = mirrorService(link, service({ 'mirror.linkerd.io/exported': 'remote-discovery' }));
    expect(metadata.labels).toMatchObject({
      'multicluster.linkerd.io/remote-discovery': 'west',
      'multicluster.linkerd.io/remote-service': 'web',
    });
  });

  it('has the gateway for its endpoints, not ready when it does not answer, none when the Service is empty', () => {
    const web = service({});
    const state = { addresses: ['172.18.201.1'], alive: true, empty: false };
    const ports = [{ name: 'http', port: 4143, protocol: 'TCP' }];
    expect(gatewaySubsets(link, web, state)).toEqual([{ addresses: [{ ip: '172.18.201.1' }], ports }]);
    expect(gatewaySubsets(link, web, { ...state, alive: false })).toEqual([
      { notReadyAddresses: [{ ip: '172.18.201.1' }], ports },
    ]);
    expect(gatewaySubsets(link, web, { ...state, empty: true })).toEqual([]);
    const endpoints = mirrorEndpoints(link, web, gatewaySubsets(link, web, state));
    expect(endpoints.metadata.annotations).toEqual({
      'mirror.linkerd.io/remote-svc-fq-name': 'web.shop.svc.west.local',
      'mirror.linkerd.io/remote-gateway-identity': 'linkerd-gateway.example',
    });
    expect(isEmpty(endpoints)).toBe(false);
    expect(isEmpty({ ...endpoints, subsets: [{ notReadyAddresses: [{ ip: '1.2.3.4' }] }] })).toBe(true);
    expect(isEmpty(undefined)).toBe(true);
  });
});

describe('a federated Service', () => {
  const north: LinkSpec = { targetClusterName: 'north' };
  const own: LinkSpec = { targetClusterName: '' };
  const members = ({ metadata }: KubeObject) => [
    metadata.annotations?.['multicluster.linkerd.io/local-discovery'],
    metadata.annotations?.['multicluster.linkerd.io/remote-discovery'],
  ];

  it('gains members and loses them, and ends with the last', () => {
    const first = federatedService(link, service({ app: 'west' }));
    expect(first.metadata.name).toBe('web-federated');
    expect(members(first)).toEqual([undefined, 'web@west']);
    const second = joined(north, first, service({ app: 'north' }), false);
    expect(members(second)).toEqual([undefined, 'web@west,web@north']);
    expect(members(joined(north, second, service({}), false))).toEqual([undefined, 'web@west,web@north']);
    const third = joined(own, second, service({ app: 'own' }), true);
    expect(members(third)).toEqual(['web', 'web@west,web@north']);
    expect(isMember(link, third, 'web')).toBe(true);
    const fewer = left(link, third, 'web')!;
    expect(members(fewer)).toEqual(['web', 'web@north']);
    expect(isMember(link, fewer, 'web')).toBe(false);
    const alone = left(north, fewer, 'web')!;
    expect(members(alone)).toEqual(['web', '']);
    expect(left(own, alone, 'web')).toBeUndefined();
  });

  it('looks like its oldest member', () => {
    const first = federatedService(north, service({ app: 'north' }, { from: 'north' }));
    expect(joined(link, first, service({ app: 'west' }), false).metadata.labels?.['app']).toBe('north');
    const taken = joined(link, first, service({ app: 'west' }, { from: 'west' }), true);
    expect(taken.metadata.labels?.['app']).toBe('west');
    expect(taken.metadata.annotations?.['from']).toBe('west');
    expect(members(taken)).toEqual([undefined, 'web@north,web@west']);
  });
});
