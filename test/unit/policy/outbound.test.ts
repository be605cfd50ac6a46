import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { parseDuration } from '#mesh/policy/core/durations.ts';
import type { WatchedKind } from '#mesh/policy/core/objects.ts';
import { outboundConfig, outboundFor } from '#mesh/policy/core/outbound.ts';
import { parseOutboundSettings } from '#mesh/policy/core/outbound-settings.ts';
import { object, setOf, settings } from './objects.ts';

const service = (more: Partial<KubeObject['spec']> = {}, annotations = {}) =>
  object(
    'Service',
    'api',
    { clusterIP: '10.96.0.7', ports: [{ port: 80, ...more }, { port: 81 }] },
    { metadata: { annotations } },
  );
const parent = { group: '', kind: 'Service', name: 'api', namespace: 'shop' };
const route = (
  name: string,
  spec: Record<string, unknown> = {},
  more: { namespace?: string; annotations?: Record<string, string>; port?: number } = {},
): KubeObject => {
  const parentRef = { ...parent, ...(more.port ? { port: more.port } : {}) };
  return object(
    'HTTPRoute',
    name,
    { parentRefs: [parentRef], rules: [{}], ...spec },
    {
      metadata: { namespace: more.namespace ?? 'shop', annotations: more.annotations ?? {} },
      status: {
        parents: [
          {
            parentRef,
            controllerName: 'linkerd.io/policy-controller',
            conditions: [{ type: 'Accepted', status: 'True' }],
          },
        ],
      },
    },
  );
};
const look = (entries: [WatchedKind, KubeObject][], from = 'shop', port = 80) => {
  const objects = setOf(entries);
  return outboundConfig(objects, objects.get('Service', 'shop', 'api')!, port, from, '25,3306');
};
const names = (entries: [WatchedKind, KubeObject][], from = 'shop', port = 80) =>
  look(entries, from, port).routes.map((each) => each.ref.name);

describe('outbound policy', () => {
  it('sends everything to the Service where nobody wrote a route', () => {
    const config = look([['Service', service()]]);
    expect(config).toMatchObject({
      protocol: 'detect',
      routes: [{ ref: { name: 'http' }, rules: [{ backends: [{ service: { name: 'api', port: 80 } }] }] }],
    });
    expect(config.accrual).toBeUndefined();
  });
  it('shows producer routes to everybody and consumer routes to their own namespace (OUT-008, OUT-009)', () => {
    const entries: [WatchedKind, KubeObject][] = [
      ['Service', service()],
      ['HTTPRoute', route('mine')],
      ['HTTPRoute', route('theirs', {}, { namespace: 'client' })],
    ];
    expect(names(entries)).toEqual(['mine']);
    expect(names(entries, 'client')).toEqual(['mine', 'theirs']);
    expect(names(entries, 'third')).toEqual(['mine']);
  });
  it('looks for the backends of a consumer route where its parent is, unless they name a namespace', () => {
    const mine = object('Service', 'mine', { ports: [{ port: 80 }] }, { metadata: { namespace: 'client' } });
    const backendRefs = [
      { name: 'mine', port: 80 },
      { name: 'mine', namespace: 'client', port: 80 },
    ];
    const config = look(
      [
        ['Service', service()],
        ['Service', mine],
        ['HTTPRoute', route('theirs', { rules: [{ backendRefs }] }, { namespace: 'client' })],
      ],
      'client',
    );
    expect(config.routes[0]!.rules[0]!.backends).toMatchObject([
      { problem: 'Service not found mine' },
      { service: { namespace: 'client', name: 'mine', port: 80 } },
    ]);
  });
  it('applies a parentRef without port to every port (OUT-007)', () => {
    const entries: [WatchedKind, KubeObject][] = [
      ['Service', service()],
      ['HTTPRoute', route('all')],
      ['HTTPRoute', route('one', {}, { port: 81 })],
    ];
    expect(names(entries)).toEqual(['all']);
    expect(names(entries, 'shop', 81)).toEqual(['all', 'one']);
  });
  it('keeps a backend that does not exist, in other namespaces too (OUT-004 to OUT-006)', () => {
    const other = object('Service', 'far', { ports: [{ port: 80 }] }, { metadata: { namespace: 'away' } });
    const backends = (refs: unknown[] | undefined) =>
      look([
        ['Service', service()],
        ['Service', other],
        ['HTTPRoute', route('r', { rules: [{ backendRefs: refs }] })],
      ]).routes[0]?.rules[0]?.backends.map((each) => each.service);
    expect(backends(undefined)).toEqual([{ namespace: 'shop', name: 'api', port: 80 }]);
    expect(
      backends([
        { name: 'far', namespace: 'away', port: 80 },
        { name: 'gone', port: 80 },
      ]),
    ).toEqual([{ namespace: 'away', name: 'far', port: 80 }, undefined]);
  });
  it('follows appProtocol, opaque ports and the precedence of kinds', () => {
    const protocol = (spec: Record<string, unknown>, annotations = {}) =>
      look([['Service', service(spec, annotations)]]).protocol;
    expect(protocol({ appProtocol: 'XMPP' })).toBe('opaque');
    expect(protocol({ appProtocol: 'http' })).toBe('http1');
    expect(protocol({ appProtocol: 'kubernetes.io/h2c' })).toBe('http2');
    expect(protocol({}, { 'config.linkerd.io/opaque-ports': '80' })).toBe('opaque');
    expect(protocol({ appProtocol: 'http' }, { 'config.linkerd.io/opaque-ports': '80' })).toBe('http1');
    const both = look([
      ['Service', service()],
      ['HTTPRoute', route('h')],
      ['GRPCRoute', { ...route('g'), kind: 'GRPCRoute' }],
    ]);
    expect([both.protocol, both.routes.map((each) => each.ref.name)]).toEqual(['grpc', ['g']]);
  });
  it('lets the annotations of a route replace those of the Service', () => {
    const annotations = {
      'retry.linkerd.io/http': '5xx',
      'retry.linkerd.io/limit': '3',
      'timeout.linkerd.io/request': '1s',
    };
    const rule = (own: Record<string, string>) =>
      look([
        ['Service', service({}, annotations)],
        ['HTTPRoute', route('r', {}, { annotations: own })],
      ]).routes[0]?.rules[0];
    expect(rule({})).toMatchObject({
      retry: { limit: 3, statuses: [{ from: 500, to: 599 }] },
      timeouts: { requestMs: 1000 },
    });
    expect(rule({ 'retry.linkerd.io/http': '503' })).toMatchObject({
      retry: { limit: 1, statuses: [{ from: 503, to: 503 }] },
      timeouts: { requestMs: 1000 },
    });
  });
});

describe('egress', () => {
  const egress = (name: string, spec: object, namespace = 'shop') =>
    object('EgressNetwork', name, { trafficPolicy: 'Deny', ...spec }, { metadata: { namespace } });
  const at = (entries: [WatchedKind, KubeObject][], ip = '93.184.216.34', port = 80) =>
    outboundFor(setOf(entries), settings, { ip, port }, 'shop');
  const attached = (kind: string, spec: object, port: number): KubeObject => {
    const parentRef = { group: 'policy.linkerd.io', kind: 'EgressNetwork', name: 'out', namespace: 'shop', port };
    const accepted = { type: 'Accepted', status: 'True' };
    return object(
      kind,
      'r',
      { parentRefs: [parentRef], rules: [{}], ...spec },
      { status: { parents: [{ parentRef, controllerName: 'linkerd.io/policy-controller', conditions: [accepted] }] } },
    );
  };

  it('falls back to the address itself outside the cluster, and knows nothing inside it (OUT-001, OUT-016)', () => {
    expect(at([], '10.1.2.3')).toBeUndefined();
    expect(at([])).toMatchObject({
      parent: { kind: 'default', name: 'egress-fallback' },
      routes: [{ rules: [{ backends: [{ address: { ip: '93.184.216.34', port: 80 } }] }] }],
    });
  });
  it('takes the narrowest network of the own namespace, else of the global one', () => {
    const wide = egress('wide', {});
    const narrow = egress('narrow', { networks: [{ cidr: '93.184.0.0/16' }] });
    const global = egress('global', {}, 'linkerd-egress');
    const name = (...all: KubeObject[]) => at(all.map((each) => ['EgressNetwork', each]))?.parent.name;
    expect(name(wide, narrow, global)).toBe('narrow');
    expect(name(global)).toBe('global');
    expect(name(egress('elsewhere', {}, 'other'))).toBe('egress-fallback');
  });
  it('ends each list of routes with what the traffic policy says, except for TCP', () => {
    const out = egress('out', {});
    const routes = (kind: WatchedKind, port: number) =>
      at(
        [
          ['EgressNetwork', out],
          [kind, attached(kind, {}, port)],
        ],
        '93.184.216.34',
        port,
      );
    expect(at([['EgressNetwork', out]])?.opaque).toMatchObject({
      ref: { name: 'tcp-egress-deny' },
      rules: [{ forbidden: true }],
    });
    expect(routes('HTTPRoute', 80)?.routes.map(({ ref }) => ref.name)).toEqual(['r', 'http-egress-deny']);
    expect(routes('TLSRoute', 443)).toMatchObject({
      protocol: 'tls',
      routes: [{ ref: { name: 'r' } }, { ref: { name: 'tls-egress-deny' } }],
    });
    expect(routes('TCPRoute', 443)?.routes.map(({ ref }) => ref.name)).toEqual(['r']);
  });
  it('closes ports that a Service does not have', () => {
    expect(outboundFor(setOf([['Service', service()]]), settings, { ip: '10.96.0.7', port: 99 }, 'shop')).toMatchObject(
      {
        protocol: 'opaque',
        routes: [{ ref: { name: 'undefined-port' }, rules: [{ forbidden: true }] }],
      },
    );
  });
});

describe('settings', () => {
  it('of circuit breaking have their defaults (OUT-012)', () => {
    expect(parseOutboundSettings({ 'balancer.linkerd.io/failure-accrual': 'consecutive' }, 'http').accrual).toEqual({
      mode: 'consecutive',
      maxFailures: 7,
      minPenaltyMs: 1000,
      maxPenaltyMs: 60_000,
      jitterRatio: 0.5,
    });
    expect(parseOutboundSettings({ 'balancer.linkerd.io/failure-accrual': 'other' }, 'http').problem).toMatch(
      /unsupported/,
    );
  });
  it('stand when another sort cannot be read, and the load estimator has its own (OUT-015)', () => {
    const alpha = 'balancer.alpha.linkerd.io';
    expect(
      parseOutboundSettings({ [`${alpha}/penalize-failures`]: 'yes', 'retry.linkerd.io/limit': '2' }, 'http'),
    ).toMatchObject({
      retry: { limit: 2 },
      problem: expect.stringContaining('penalize-failures'),
    });
    expect(parseOutboundSettings({ [`${alpha}/penalize-failures`]: 'true' }, 'http').load).toEqual({
      penaltyMs: 5_000,
      maxRetryAfterMs: 300_000,
    });
  });
  it('of retries and durations are read or refused', () => {
    expect(parseOutboundSettings({ 'retry.linkerd.io/http': 'gateway-error,500-501' }, 'http').retry?.statuses).toEqual(
      [
        { from: 502, to: 504 },
        { from: 500, to: 501 },
      ],
    );
    expect(parseOutboundSettings({ 'retry.linkerd.io/http': 'bad' }, 'http').problem).toBeDefined();
    expect(['300ms', '1m30s', '0', '1.5s', '5', ''].map(parseDuration)).toEqual([
      300,
      90_000,
      0,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
