import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import {
  clientPod,
  grpcPod,
  identityOf,
  manifest,
  refTo,
  serverFor,
  webPod,
  webService,
} from '#mesh/conformance/manifests.ts';
import { Lab, type Room } from '#mesh/conformance/room.ts';
import { curl, type Seen } from '#mesh/conformance/traffic.ts';
import { parseCertificates } from '#pki/certificate.ts';
import { clusterSettings } from '#schema/lab.ts';
import { linkerd } from '../unit/linkerd-cli/run.ts';

/** What was seen of policy on a real cluster, by the number of its line. */
let cluster: Cluster;
let lab: Lab;
const rooms: Room[] = [];

beforeAll(async () => {
  const { signal } = new AbortController();
  const settings = clusterSettings.parse({ mesh: 'linkerd' });
  cluster = await createEmbeddedDriver().create({ id: 'observed', settings, onStep: () => {}, signal });
  await cluster.ready;
  lab = new Lab(cluster.admin, signal, 'observed');
}, 60_000);
afterAll(async () => {
  await cluster?.destroy();
});

const MESH = manifest('MeshTLSAuthentication', 'mesh', { identities: ['*'] });
const opens = (kind: string, name: string, refs: object[] = []): KubeObject =>
  manifest('AuthorizationPolicy', `opens-${name}`, { targetRef: refTo(kind, name), requiredAuthenticationRefs: refs });

/** A room with a meshed web and a client of each sort. */
async function shop(pod: KubeObject = webPod(), service: KubeObject = webService()): Promise<Room> {
  const room = await lab.room();
  rooms.push(room);
  await room.apply(manifest('ServiceAccount', 'curl', undefined));
  await room.apply(pod);
  await room.apply(service);
  await room.apply(clientPod('meshed', { mesh: true, serviceAccount: 'curl' }));
  await room.apply(clientPod('plain', { mesh: false }));
  for (const name of [pod.metadata.name!, 'meshed', 'plain']) await room.ready(name);
  return room;
}
const settled = (look: () => Promise<unknown>) => expect.poll(look, { timeout: 10_000, interval: 100 });
const brief = ({ status, exit }: Seen) => (status === 0 ? `curl ${exit}` : status);
const ask =
  (room: Room, who: 'meshed' | 'plain', url = 'http://web') =>
  async () =>
    brief(await curl(room, who, [url]));
const logOf = async (room: Room, pod: string) => {
  let text = '';
  for await (const chunk of cluster.admin.logs(room.namespace, pod, { container: 'linkerd-proxy' }))
    text += Buffer.from(chunk).toString();
  return text;
};
const metricsOf = async (room: Room, pod = 'web') => {
  const { status } = await room.ready(pod);
  return (await curl(room, 'plain', [`http://${status.podIP}:4191/metrics`])).body;
};

describe('policy as it was seen', () => {
  it('2: authorised path 200, other route 403, unmatched path 404 for everybody; Exact and queries', async () => {
    const room = await shop();
    await room.apply(serverFor('web'));
    await room.apply(MESH);
    for (const path of ['a', 'b']) {
      const matches = [{ path: { type: 'Exact', value: `/${path}` } }];
      await room.apply(manifest('HTTPRoute', path, { parentRefs: [refTo('Server', 'web')], rules: [{ matches }] }));
    }
    await room.apply(opens('HTTPRoute', 'a', [refTo('MeshTLSAuthentication', 'mesh')]));
    await settled(ask(room, 'meshed', 'http://web/a')).toBe(204);
    expect(await ask(room, 'meshed', 'http://web/a?x=1')()).toBe(204);
    expect(await ask(room, 'meshed', 'http://web/b')()).toBe(403);
    expect(await ask(room, 'plain', 'http://web/a')()).toBe(403);
    for (const who of ['meshed', 'plain'] as const) {
      expect(await ask(room, who, 'http://web/c')()).toBe(404);
      expect(await ask(room, who, 'http://web/a/')()).toBe(404);
    }
  });

  it('3: a denied client sees status, length and nothing of the mesh', async () => {
    const room = await shop();
    await room.apply(serverFor('web'));
    await settled(ask(room, 'meshed')).toBe(403);
    for (const who of ['meshed', 'plain']) {
      const { headers, body } = await curl(room, who, ['http://web']);
      expect(headers).toContain('content-length: 0');
      expect(headers).not.toContain('l5d-');
      expect(body).toBe('');
    }
  });

  it('4: an opaque Server that denies: 502 for the meshed, a reset for the unmeshed', async () => {
    const room = await shop();
    await room.apply(serverFor('web', { proxyProtocol: 'opaque' }));
    await settled(ask(room, 'meshed')).toBe(502);
    expect(await ask(room, 'plain')()).toBe('curl 56');
    await room.apply(MESH);
    await room.apply(opens('Server', 'web', [refTo('MeshTLSAuthentication', 'mesh')]));
    await settled(ask(room, 'meshed')).toBe(204);
    expect(await ask(room, 'plain')()).toBe('curl 56');
  });

  it('5: HTTP/1 clients of gRPC and HTTP/2 Servers', async () => {
    const grpc = await shop(grpcPod());
    await grpc.apply(serverFor('web', { proxyProtocol: 'gRPC', accessPolicy: 'all-unauthenticated' }));
    await settled(ask(grpc, 'meshed')).toBe(404);
    expect(await ask(grpc, 'plain')()).toBe('curl 1');
    const http2 = await shop();
    await http2.apply(serverFor('web', { proxyProtocol: 'HTTP/2', accessPolicy: 'all-unauthenticated' }));
    await settled(ask(http2, 'plain')).toBe('curl 1');
    expect(await ask(http2, 'meshed')()).toBe(204);
  });

  it('6: appProtocol of the Service port', async () => {
    const ports = ['kubernetes.io/h2c', 'linkerd.io/opaque', 'http', 'XMPP'].map((appProtocol, index) => ({
      port: 80 + index,
      appProtocol,
    }));
    const room = await shop(webPod(), webService(ports));
    await settled(ask(room, 'meshed', 'http://web:80')).toBe('curl 1');
    expect(await ask(room, 'plain', 'http://web:80')()).toBe(204);
    for (const port of [81, 82, 83]) {
      expect(await ask(room, 'meshed', `http://web:${port}`)()).toBe(204);
      expect(await ask(room, 'plain', `http://web:${port}`)()).toBe(204);
    }
  });

  it('7: nobody serves, nobody listens, no backend, no rule', async () => {
    const room = await shop();
    await room.apply({
      ...webService(),
      metadata: { name: 'empty' },
      spec: { selector: { app: 'none' }, ports: [{ port: 80 }] },
    });
    await settled(ask(room, 'meshed', 'http://empty')).toBe(503);
    expect(await ask(room, 'plain', 'http://empty')()).toBe('curl 7');
    const { status } = await room.ready('web');
    for (const who of ['meshed', 'plain'] as const)
      expect(await ask(room, who, `http://${status.podIP}:9999`)()).toBe(502);
    const rules = [
      { matches: [{ path: { type: 'Exact', value: '/' } }] },
      { matches: [{ path: { type: 'Exact', value: '/gone' } }], backendRefs: [{ name: 'nowhere', port: 80 }] },
    ];
    await room.apply(manifest('HTTPRoute', 'route', { parentRefs: [{ ...refTo('Service', 'web'), port: 80 }], rules }));
    await settled(ask(room, 'meshed', 'http://web/gone')).toBe(500);
    expect(await ask(room, 'meshed', 'http://web/else')()).toBe(404);
    for (const path of ['/gone', '/else']) expect(await ask(room, 'plain', `http://web${path}`)()).toBe(204);
  });

  it('8: default deny lets the probe path through; an unknown default leaves the cluster default', async () => {
    const key = 'config.linkerd.io/default-inbound-policy';
    const room = await shop(webPod({ probes: true, annotations: { [key]: 'deny' } }));
    expect(await ask(room, 'plain', 'http://web/live')()).toBe(204);
    expect(await ask(room, 'meshed', 'http://web/')()).toBe(403);
    const other = await shop(webPod({ annotations: { [key]: 'nonsense' } }));
    expect(await ask(other, 'plain')()).toBe(204);
  });

  it('9 and 13: rate limits: the log, the shared bucket, and who keeps the Server', async () => {
    const room = await shop();
    await room.apply(serverFor('web', { accessPolicy: 'all-unauthenticated' }));
    const limit = (name: string) =>
      manifest('HTTPLocalRateLimitPolicy', name, {
        targetRef: refTo('Server', 'web'),
        total: { requestsPerSecond: 5 },
      });
    await room.apply(limit('rl'));
    await settled(async () => {
      const codes = await Promise.all(Array.from({ length: 12 }, ask(room, 'plain')));
      return codes.includes(429) && codes.includes(204);
    }).toBe(true);
    expect(await logOf(room, 'web')).toContain('total rate limit exceeded: 5rps');
    expect(await metricsOf(room)).toMatch(
      /inbound_http_local_ratelimit_total\{.*ratelimit_group="policy.linkerd.io",ratelimit_kind="HTTPLocalRateLimitPolicy",ratelimit_name="rl",ratelimit_scope="total",tls="no_identity",no_tls_reason="no_tls_from_remote"\}/,
    );
    await room.apply(limit('second'));
    const condition = async (name: string) => {
      const { status } = await room.get('policy.linkerd.io/v1alpha1', 'HTTPLocalRateLimitPolicy', name);
      return status?.conditions?.map((each: { status: string; reason: string }) => `${each.status} ${each.reason}`);
    };
    await settled(() => condition('second')).toEqual(['False RateLimitReasonAlreadyExists']);
    expect(await condition('rl')).toEqual(['True Accepted']);
  });

  it('10: what is counted of denials and of what was allowed', async () => {
    const room = await shop();
    await room.apply(serverFor('web'));
    await settled(ask(room, 'meshed')).toBe(403);
    expect(await ask(room, 'plain')()).toBe(403);
    const client = identityOf('curl', room.namespace);
    const before = await metricsOf(room);
    const denied =
      'srv_group="policy.linkerd.io",srv_kind="server",srv_name="web",srv_port="8080",route_group="",route_kind="default",route_name="default"';
    expect(before).toMatch(
      new RegExp(`inbound_http_authz_deny_total\\{[^}]*${denied},tls="true",client_id="${client}"\\} [1-9]`),
    );
    expect(before).toMatch(
      new RegExp(
        `inbound_http_authz_deny_total\\{[^}]*${denied},tls="no_identity",no_tls_reason="no_tls_from_remote"\\} [1-9]`,
      ),
    );
    await room.apply(opens('Server', 'web'));
    await settled(ask(room, 'meshed')).toBe(204);
    expect(await metricsOf(room)).toMatch(
      /inbound_http_authz_allow_total\{.*authz_group="policy.linkerd.io",authz_kind="authorizationpolicy",authz_name="opens-web",tls="true"/,
    );
  });

  it('11: who refuses, and in which words', async () => {
    const room = await lab.room();
    rooms.push(room);
    expect(await room.refusal(manifest('EgressNetwork', 'egress', {}))).toBe(
      'EgressNetwork.policy.linkerd.io "egress" is invalid: spec.trafficPolicy: Required value',
    );
    expect(await room.refusal(serverFor('web', { proxyProtocol: 'nonsense' }))).toMatch(
      /^admission webhook "linkerd-policy-validator.linkerd.io" denied the request: /,
    );
  });

  it('12: authz names nothing for a Deployment whose route is authorised', async () => {
    const room = await lab.room();
    rooms.push(room);
    const { metadata, spec } = webPod();
    const { labels = {}, annotations = {} } = metadata;
    await room.apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels, annotations }, spec } },
    });
    await room.apply(serverFor('web'));
    await room.apply(MESH);
    const rules = [{ matches: [{ path: { type: 'Exact', value: '/a' } }] }];
    await room.apply(manifest('HTTPRoute', 'a', { parentRefs: [refTo('Server', 'web')], rules }));
    await room.apply(opens('HTTPRoute', 'a', [refTo('MeshTLSAuthentication', 'mesh')]));
    const at = { client: cluster.admin, clock: cluster.clock };
    expect(await linkerd(at, 'authz', '-n', room.namespace, 'deploy/web')).toEqual({
      stdout: 'ROUTE   SERVER  AUTHORIZATION_POLICY   SERVER_AUTHORIZATION   \n',
      stderr: '',
      code: 0,
    });
  });

  it('an audit policy lets in and says so', async () => {
    const room = await shop();
    await room.apply(serverFor('web', { accessPolicy: 'audit' }));
    await settled(async () => `${await ask(room, 'plain')()} ${await logOf(room, 'web')}`).toMatch(
      /^204 [\s\S]*Request allowed server.group=policy.linkerd.io server.kind=server server.name=web .*authz.group= authz.kind=default authz.name=audit/,
    );
  });
});

describe('identity as it was seen', () => {
  it('9: what install makes by itself is called by an empty trust domain; identities are not', async () => {
    const at = { client: cluster.admin, clock: cluster.clock };
    const { stdout, code } = await linkerd(at, 'install', '--ignore-cluster');
    expect(code).toBe(0);
    const objects = parseAllDocuments(stdout).map((document) => document.toJS() as KubeObject | null);
    const find = (kind: string, name: string) =>
      objects.find((each) => each?.kind === kind && each.metadata.name === name) as KubeObject;
    const secret = find('Secret', 'linkerd-identity-issuer');
    const text = secret['stringData']?.['crt.pem'] ?? Buffer.from(secret['data']['crt.pem'], 'base64').toString();
    const roots: string = find('ConfigMap', 'linkerd-identity-trust-roots')['data']['ca-bundle.crt'];
    for (const certificate of [...parseCertificates(text), ...parseCertificates(roots)])
      expect(certificate.subject).toBe('CN=identity.linkerd.');
    const environment = JSON.stringify(find('Deployment', 'linkerd-identity').spec.template.spec);
    expect(environment).toContain('.identity.linkerd.cluster.local');
  });
});

describe('workloads outside the cluster', () => {
  it('have slices written for the Services that select them, with the ports that they document', async () => {
    const room = await lab.room();
    rooms.push(room);
    const slices = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: room.namespace };
    const own = async () =>
      (await cluster.admin.list(slices, { labelSelector: 'kubernetes.io/service-name=vm' })).items.filter(
        ({ metadata }) => metadata.name!.startsWith('linkerd-external-vm-'),
      );
    await room.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'vm', labels: { team: 'ops' } },
      spec: {
        selector: { app: 'vm' },
        ports: [
          { name: 'http', port: 80, targetPort: 'web' },
          { name: 'other', port: 81 },
        ],
      },
    });
    const workload = (ip: string) => ({
      apiVersion: 'workload.linkerd.io/v1beta1',
      kind: 'ExternalWorkload',
      metadata: { name: 'vm-1', labels: { app: 'vm' } },
      spec: {
        meshTLS: { identity: 'spiffe://root.linkerd.cluster.local/vm-1', serverName: 'vm-1.local' },
        workloadIPs: [{ ip }],
        ports: [{ name: 'web', port: 8080 }],
      },
    });
    await room.apply(workload('192.0.2.7'));
    await settled(own).toMatchObject([
      {
        metadata: {
          labels: {
            team: 'ops',
            'kubernetes.io/service-name': 'vm',
            'endpointslice.kubernetes.io/managed-by': 'linkerd-external-workloads-controller',
          },
          ownerReferences: [{ kind: 'Service', name: 'vm', controller: true }],
        },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: [
          {
            addresses: ['192.0.2.7'],
            conditions: { ready: false, serving: false, terminating: false },
            targetRef: { kind: 'ExternalWorkload', name: 'vm-1' },
          },
        ],
      },
    ]);
    const [first] = await own();
    await room.apply(workload('192.0.2.8'));
    await settled(async () =>
      (await own()).map((slice) => [slice.metadata.name, slice['endpoints'][0].addresses]),
    ).toEqual([[first!.metadata.name, ['192.0.2.8']]]);
    const workloads = { group: 'workload.linkerd.io', version: 'v1beta1', resource: 'externalworkloads' };
    await cluster.admin.delete({ ...workloads, namespace: room.namespace }, 'vm-1');
    await settled(own).toEqual([]);
  });
});
