import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import type { Client, HttpRequest } from '#mesh/policy/core/config.ts';
import { decideConnection, decideRequest } from '#mesh/policy/core/decide.ts';
import { inboundConfig } from '#mesh/policy/core/inbound.ts';
import type { WatchedKind } from '#mesh/policy/core/objects.ts';
import { MESH, meshRef, networkRef, object, pod, policy, route, server, setOf, settings } from './objects.ts';

const meshed = (sa = 'curl', ip = '10.1.0.9'): Client => ({
  ip,
  tls: { kind: 'established', identity: `${sa}.shop.serviceaccount.identity.linkerd.cluster.local` },
});
const unmeshed = (ip = '10.1.0.9'): Client => ({ ip, tls: { kind: 'none', reason: 'no_tls_from_remote' } });
const get = (path = '/', more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  path,
  host: 'web',
  headers: {},
  ...more,
});

type Entries = [WatchedKind, KubeObject][];
const config = (entries: Entries, port = 8080, thePod = pod()) =>
  inboundConfig(setOf([['Pod', thePod], ...entries]), settings, thePod, port);
const ask = (entries: Entries, client: Client, request = get()) =>
  decideRequest(config(entries), client, request).outcome;

const anyMesh: Entries = [
  ['Server', server('web')],
  ['MeshTLSAuthentication', object('MeshTLSAuthentication', 'any', { identities: ['*'] })],
];
const SERVER: [string, string, string] = [MESH, 'Server', 'web'];

describe('authorization of a Server', () => {
  it('denies everybody without authorizations, but not loopback', () => {
    expect(ask([['Server', server('web')]], meshed())).toBe('deny');
    expect(ask([['Server', server('web')]], unmeshed('127.0.0.1'))).toBe('allow');
    expect(ask([['Server', server('web')]], unmeshed('::1'))).toBe('allow');
  });

  it('takes any mesh identity where one is required', () => {
    const entries: Entries = [...anyMesh, ['AuthorizationPolicy', policy('p', SERVER, [meshRef('any')])]];
    expect(ask(entries, meshed())).toBe('allow');
    expect(ask(entries, unmeshed())).toBe('deny');
    expect(ask(entries, { ip: '10.1.0.9', tls: { kind: 'established' } })).toBe('deny');
  });

  it('needs both references of one policy, either of two policies', () => {
    const network: Entries[number] = [
      'NetworkAuthentication',
      object('NetworkAuthentication', 'net', { networks: [{ cidr: '10.1.0.9/32' }] }),
    ];
    const both: Entries = [
      ...anyMesh,
      network,
      ['AuthorizationPolicy', policy('p', SERVER, [meshRef('any'), networkRef('net')])],
    ];
    expect(ask(both, meshed())).toBe('allow');
    expect(ask(both, unmeshed())).toBe('deny');
    expect(ask(both, meshed('curl', '10.1.0.8'))).toBe('deny');
    const either: Entries = [
      ...anyMesh,
      network,
      ['AuthorizationPolicy', policy('p', SERVER, [meshRef('any')])],
      ['AuthorizationPolicy', policy('q', SERVER, [networkRef('net')])],
    ];
    expect(ask(either, unmeshed())).toBe('allow');
    expect(ask(either, meshed('curl', '10.1.0.8'))).toBe('allow');
    expect(ask(either, unmeshed('10.1.0.8'))).toBe('deny');
  });

  it('grants nothing when a referent is missing, everything when nothing is required', () => {
    expect(ask([...anyMesh, ['AuthorizationPolicy', policy('p', SERVER, [meshRef('gone')])]], meshed())).toBe('deny');
    expect(ask([...anyMesh, ['AuthorizationPolicy', policy('p', SERVER, [])]], unmeshed())).toBe('allow');
  });

  it('opens every Server of a namespace, and only ports with a Server', () => {
    const entries: Entries = [...anyMesh, ['AuthorizationPolicy', policy('p', ['', 'Namespace', 'shop'], [])]];
    expect(ask(entries, unmeshed())).toBe('allow');
    const denied = pod({ metadata: { annotations: { 'config.linkerd.io/default-inbound-policy': 'deny' } } });
    const other = config(entries, 9090, denied);
    expect(decideRequest(other, unmeshed(), get()).outcome).toBe('deny');
  });

  it('lets the oldest of overlapping Servers rule', () => {
    const old = server('old', { accessPolicy: 'all-unauthenticated' });
    const young = server('a-young');
    expect(
      config([
        ['Server', young],
        ['Server', old],
      ]).server.name,
    ).toBe('old');
  });

  it('reads ServerAuthorizations: cluster networks by default, labels, unauthenticated TLS', () => {
    const grant = (client: unknown, target: unknown = { name: 'web' }): Entries => [
      ['Server', server('web')],
      ['ServerAuthorization', object('ServerAuthorization', 's', { server: target, client })],
    ];
    expect(ask(grant({ unauthenticated: true }), unmeshed('10.1.0.9'))).toBe('allow');
    expect(ask(grant({ unauthenticated: true }), unmeshed('192.168.0.1'))).toBe('deny');
    const tls = grant({ meshTLS: { unauthenticatedTLS: true } });
    expect(ask(tls, { ip: '10.1.0.9', tls: { kind: 'established' } })).toBe('allow');
    expect(ask(tls, unmeshed())).toBe('deny');
    const account = grant({ meshTLS: { serviceAccounts: [{ name: 'curl' }] } });
    expect(ask(account, meshed('curl'))).toBe('allow');
    expect(ask(account, meshed('other'))).toBe('deny');
  });

  it('audits: allows by name of audit', () => {
    const decision = decideRequest(config([['Server', server('web', { accessPolicy: 'audit' })]]), unmeshed(), get());
    expect(decision).toMatchObject({ outcome: 'allow', authorization: { group: '', kind: 'default', name: 'audit' } });
  });
});

describe('routes', () => {
  const root = route('root', 'web', [{ type: 'Exact', value: '/' }]);
  const roux = route('roux', 'web', [{ type: 'Exact', value: '/roux' }]);
  const target: [string, string, string] = [MESH, 'HTTPRoute', 'root'];
  const entries: Entries = [
    ...anyMesh,
    ['PolicyHTTPRoute', root],
    ['PolicyHTTPRoute', roux],
    ['AuthorizationPolicy', policy('p', target, [meshRef('any')])],
  ];

  it('answers 404 before it looks at who asks, 403 on a route without grant', () => {
    expect(ask(entries, meshed(), get('/'))).toBe('allow');
    expect(ask(entries, unmeshed(), get('/'))).toBe('deny');
    expect(ask(entries, meshed(), get('/roux'))).toBe('deny');
    expect(ask(entries, meshed(), get('/other'))).toBe('route-not-found');
    expect(ask(entries, unmeshed(), get('/other'))).toBe('route-not-found');
    expect(ask(entries, meshed(), get('/?a=1'))).toBe('allow');
  });

  it('opens every route with a grant on the Server', () => {
    const open: Entries = [...entries, ['AuthorizationPolicy', policy('q', SERVER, [meshRef('any')])]];
    expect(ask(open, meshed(), get('/roux'))).toBe('allow');
  });

  it('takes the probe route away with the first route, and gives it while there is none', () => {
    const closed: Entries = [['Server', server('web')]];
    expect(ask(closed, unmeshed(), get('/healthz'))).toBe('allow');
    expect(ask(closed, unmeshed(), get('/healthz/x'))).toBe('deny');
    expect(ask(closed, unmeshed(), get('/healthz', { method: 'POST' }))).toBe('deny');
    expect(ask(entries, unmeshed(), get('/healthz'))).toBe('route-not-found');
  });

  it('ignores a route that was not accepted', () => {
    const waiting = { ...root, status: {} };
    expect(
      config([
        ['Server', server('web')],
        ['PolicyHTTPRoute', waiting],
      ]).routes.map((r) => r.ref.name),
    ).toEqual(['default', 'probe']);
  });

  it('ranks by the length of the path whatever its kind, then takes the older', () => {
    const find = (path: string, ...routes: KubeObject[]) => {
      const all: Entries = [['Server', server('web', { accessPolicy: 'all-unauthenticated' })]];
      for (const each of routes) all.push(['PolicyHTTPRoute', each]);
      const decision = decideRequest(config(all), unmeshed(), get(path));
      return 'route' in decision ? decision.route.name : decision.outcome;
    };
    const prefix = route('prefix', 'web', [{ type: 'PathPrefix', value: '/api/v1' }]);
    const regex = route('regex', 'web', [{ type: 'RegularExpression', value: '/api/.*' }]);
    const exact = route('exact', 'web', [{ type: 'Exact', value: '/api/v1' }]);
    expect(find('/api/v1', prefix, exact)).toBe('prefix');
    expect(find('/api/v1/x', prefix, regex)).toBe('regex');
    expect(find('/api/v1x', prefix)).toBe('route-not-found');
    expect(find('/api/v1/', exact)).toBe('route-not-found');
  });

  it('gives gRPC Servers gRPC routes only', () => {
    const grpc = config([
      ['Server', server('web', { proxyProtocol: 'gRPC', accessPolicy: 'all-unauthenticated' })],
      ['PolicyHTTPRoute', root],
    ]);
    expect(grpc.routes.map((each) => [each.protocol, each.ref.name])).toEqual([['grpc', 'default']]);
    expect(decideRequest(grpc, unmeshed(), get('/')).outcome).toBe('route-not-found');
    expect(decideRequest(grpc, unmeshed(), get('/svc/Method', { method: 'POST' })).outcome).toBe('allow');
  });
});

describe('default policies', () => {
  const annotated = (annotations: Record<string, string>) => config([], 8080, pod({ metadata: { annotations } }));
  it('follow the annotation of the pod, and ignore a value that is none', () => {
    const key = 'config.linkerd.io/default-inbound-policy';
    expect(annotated({ [key]: 'deny' }).server.name).toBe('deny');
    expect(annotated({ [key]: 'bogus' }).server.name).toBe('all-unauthenticated');
    const cluster = annotated({ [key]: 'cluster-authenticated' });
    expect(decideRequest(cluster, meshed(), get()).outcome).toBe('allow');
    expect(decideRequest(cluster, unmeshed(), get()).outcome).toBe('deny');
    expect(decideRequest(cluster, meshed('curl', '192.168.1.1'), get()).outcome).toBe('deny');
  });
  it('require identity on listed ports', () => {
    expect(annotated({ 'config.linkerd.io/proxy-require-identity-inbound-ports': '8080' }).server.name).toBe(
      'all-authenticated',
    );
  });
  it('are opaque on opaque ports, and then decide connections', () => {
    const opaque = annotated({ 'config.linkerd.io/opaque-ports': '8000-8090' });
    expect(opaque.protocol).toBe('opaque');
    expect(opaque.routes).toEqual([]);
    expect(decideConnection(opaque, unmeshed()).outcome).toBe('allow');
    expect(config([], 3306).protocol).toBe('opaque');
  });
  it('let probes through under deny', () => {
    const deny = annotated({ 'config.linkerd.io/default-inbound-policy': 'deny' });
    expect(decideRequest(deny, unmeshed('192.168.9.9'), get('/healthz'))).toMatchObject({
      outcome: 'allow',
      route: { name: 'probe' },
      authorization: { name: 'probe' },
    });
    expect(decideRequest(deny, meshed(), get('/')).outcome).toBe('deny');
  });
});
