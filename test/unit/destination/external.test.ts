import { describe, expect, it } from 'vitest';
import { ClusterView } from '#mesh/destination/cluster-view.ts';
import { addrMessage, endpointFrom } from '#mesh/destination/wire.ts';
import { object } from '../policy/objects.ts';

const IDENTITY = 'spiffe://root.linkerd.cluster.local/vm-1';

function view(annotations: Record<string, string> = {}): ClusterView {
  const domain = { controlPlaneNamespace: 'linkerd', trustDomain: 'cluster.local' };
  const made = new ClusterView({ domain, defaultOpaquePorts: '3306', enableH2Upgrade: true }, 'cluster.local');
  made.put('Service', object('Service', 'vm', { clusterIP: '10.96.0.9', ports: [{ port: 80, targetPort: 8080 }] }));
  made.put(
    'ExternalWorkload',
    object(
      'ExternalWorkload',
      'vm-1',
      {
        meshTLS: { identity: IDENTITY, serverName: 'vm-1.local' },
        ports: [
          { name: 'http', port: 8080 },
          { name: 'linkerd-proxy', port: 4555 },
        ],
      },
      { metadata: { labels: { app: 'vm' }, annotations } },
    ),
  );
  made.put('EndpointSlice', {
    ...object('EndpointSlice', 'vm-x', undefined, { metadata: { labels: { 'kubernetes.io/service-name': 'vm' } } }),
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: [{ addresses: ['192.0.2.7'], targetRef: { kind: 'ExternalWorkload', name: 'vm-1', namespace: 'shop' } }],
  });
  return made;
}
const found = (of: ClusterView) => of.endpoints({ service: 'vm', namespace: 'shop', port: 80 })?.[0];

describe('an endpoint outside the cluster', () => {
  it('is met at its own port over HTTP/2, by its URI and under its server name', () => {
    const endpoint = found(view())!;
    const wanted = {
      ip: '192.0.2.7',
      port: 8080,
      identity: IDENTITY,
      serverName: 'vm-1.local',
      h2: true,
      opaque: false,
    };
    expect(endpoint).toMatchObject({ ...wanted, labels: { external_workload: 'vm-1' } });
    expect(endpoint.inboundPort).toBeUndefined();
    const message = addrMessage(endpoint);
    expect(message['tls_identity']).toEqual({
      uri_like_identity: { uri: IDENTITY },
      server_name: { name: 'vm-1.local' },
    });
    expect(endpointFrom(message)).toMatchObject({ identity: IDENTITY, serverName: 'vm-1.local' });
  });

  it('gets a transport header at the port of its proxy where bytes are all that is known', () => {
    const opaque = { opaque: true, h2: false, inboundPort: 4555 };
    expect(found(view({ 'config.linkerd.io/opaque-ports': '8080' }))).toMatchObject(opaque);
    const served = view();
    const externalWorkloadSelector = { matchLabels: { app: 'vm' } };
    served.put('Server', object('Server', 'vm', { externalWorkloadSelector, port: 'http', proxyProtocol: 'opaque' }));
    expect(found(served)).toMatchObject(opaque);
  });
});
