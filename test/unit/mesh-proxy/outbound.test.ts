import http from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import type { WatchedKind } from '#mesh/policy/core/objects.ts';
import { outboundFor } from '#mesh/policy/core/outbound.ts';
import { outboundMessage } from '#mesh/policy/wire/outbound.ts';
import { outboundPolicyFrom } from '#mesh/policy/wire/outbound-view.ts';
import type { ServiceProfile } from '#mesh/proxy/service-profile.ts';
import { object, setOf, settings } from '../policy/objects.ts';
import { type PodWorld, request, serve, World } from './world.ts';

let world: World;
let web: PodWorld;

beforeEach(async () => {
  world = await World.open();
  web = world.pod('web');
  await vi.waitFor(() => expect(web.log.join('\n')).toContain('Certified identity'));
});
afterEach(() => world.stop());

const OUTSIDE = '93.184.216.34';
const PARENT = { group: 'core', kind: 'Service', name: 'api', namespace: 'shop', port: 80 };
const service = (name: string, ip: string, annotations: Record<string, string> = {}, port: object = {}) =>
  object('Service', name, { clusterIP: ip, ports: [{ port: 80, ...port }] }, { metadata: { annotations } });

/** An HTTPRoute (or another kind) that its parent accepted. */
function route(
  spec: { rules: unknown[]; hostnames?: string[] },
  parentRef: object = PARENT,
  more: Partial<KubeObject> = {},
) {
  const conditions = [{ type: 'Accepted', status: 'True' }];
  return object(
    more.kind ?? 'HTTPRoute',
    'route',
    { parentRefs: [parentRef], ...spec },
    { ...more, status: { parents: [{ parentRef, controllerName: 'linkerd.io/policy-controller', conditions }] } },
  );
}

/** Tells the client's proxy what the policy controller would say of an address, given these objects. */
function tell(ip: string, port: number, ...objects: [WatchedKind, KubeObject][]): void {
  const config = outboundFor(setOf(objects), settings, { ip, port }, 'shop');
  const policy = config && outboundPolicyFrom(outboundMessage(config, 'cluster.local'));
  const named = config?.parent.kind === 'Service';
  world.targets.set(`${ip}:${port}`, {
    ...(named ? { service: { namespace: 'shop', name: config.parent.name, port } } : {}),
    authority: named ? `${config.parent.name}.shop.svc.cluster.local:${port}` : `${ip}:${port}`,
    protocol: policy!.protocol,
    policy: policy!,
  });
}

/** An unmeshed server behind a Service's authority. */
function backend(name: string, handler: http.RequestListener): void {
  const net = world.stranger();
  serve(net, 8080, handler);
  const key = `${name}.shop.svc.cluster.local:80`;
  const endpoint = { ip: net.ip, port: 8080, opaque: false, h2: false, weight: 1, labels: {} };
  world.endpoints.set(key, [...(world.endpoints.get(key) ?? []), endpoint]);
}
const API = '10.96.0.7';
const get = (path = '/', options: http.RequestOptions & { body?: string } = {}) =>
  request(web.net, API, 80, path, options);
const metrics = async () => (await request(world.fabric.node, web.net.ip, 4191, '/metrics')).body;

describe('routes of a Service', () => {
  it('send by path and header, change headers and redirect; what none takes is 404, a missing backend 500', async () => {
    const seen: http.IncomingHttpHeaders[] = [];
    backend('api', (_req, res) => res.end('one'));
    backend('api-v2', (req, res) => {
      seen.push(req.headers);
      res.setHeader('x-secret', 'yes');
      res.end('two');
    });
    const rules = [
      { matches: [{ path: { type: 'PathPrefix', value: '/one' } }] },
      {
        matches: [{ path: { type: 'PathPrefix', value: '/two' }, headers: [{ name: 'x-test', value: 'on' }] }],
        filters: [
          { type: 'RequestHeaderModifier', requestHeaderModifier: { add: [{ name: 'x-added', value: '1' }] } },
          { type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['x-secret'] } },
        ],
        backendRefs: [{ name: 'api-v2', port: 80 }],
      },
      { matches: [{ path: { type: 'Exact', value: '/gone' } }], backendRefs: [{ name: 'nowhere', port: 80 }] },
      {
        matches: [{ path: { type: 'Exact', value: '/old' } }],
        filters: [
          {
            type: 'RequestRedirect',
            requestRedirect: { statusCode: 301, path: { type: 'ReplaceFullPath', replaceFullPath: '/new' } },
          },
        ],
      },
    ];
    tell(
      API,
      80,
      ['Service', service('api', API)],
      ['Service', service('api-v2', '10.96.0.8')],
      ['HTTPRoute', route({ rules })],
    );
    expect((await get('/one/x')).body).toBe('one');
    const two = await get('/two', { headers: { 'x-test': 'on' } });
    expect([two.body, two.headers['x-secret'], seen[0]?.['x-added']]).toEqual(['two', undefined, '1']);
    expect((await get('/two')).status).toBe(404);
    expect((await get('/gone')).status).toBe(500);
    expect(await get('/old')).toMatchObject({ status: 301, headers: { location: 'http://10.96.0.7:80/new' } });
    const text = await metrics();
    expect(text).toMatch(
      /outbound_http_route_request_statuses_total\{parent_group="core",parent_kind="Service",parent_namespace="shop",parent_name="api",parent_port="80",parent_section_name="",route_group="gateway.networking.k8s.io",route_kind="HTTPRoute",route_namespace="shop",route_name="route",hostname="",http_status="200",error=""\} 2/,
    );
    expect(text).toMatch(/outbound_http_balancer_endpoints\{endpoint_state="ready",.*backend_name="api-v2".*\} 1/);
    expect(text).toMatch(/outbound_http_balancer_queue_requests_total\{.*backend_name="api-v2".*\} 1/);
    expect(text).toMatch(/outbound_http_balancer_queue_latency_seconds_count\{.*backend_name="api-v2".*\} 1/);
    expect(text).toMatch(/outbound_http_balancer_queue_gate_timeout_seconds\{.*backend_name="api-v2".*\} 3\.0/);
    const ofRoute = 'parent_group="core".*route_name="route"';
    expect(text).toMatch(
      new RegExp(`outbound_http_route_request_frame_size_bytes_count\\{${ofRoute},hostname=""\\} 0`),
    );
    expect(text).toMatch(
      new RegExp(
        `outbound_http_route_backend_response_frame_size_bytes_sum\\{${ofRoute}.*backend_name="api-v2",.*\\} 3.0`,
      ),
    );
  });

  it('retry what fails, with the body, up to their limit', async () => {
    const bodies: string[] = [];
    backend('api', (req, res) => {
      let body = '';
      req.on('data', (chunk) => {
        body += chunk;
      });
      req.on('end', () => {
        bodies.push(body);
        res.statusCode = bodies.length % 3 === 0 ? 200 : 503;
        res.end();
      });
    });
    const annotations = { 'retry.linkerd.io/http': '5xx', 'retry.linkerd.io/limit': '2' };
    tell(API, 80, ['Service', service('api', API, annotations)]);
    expect((await get('/', { method: 'POST', body: 'data' })).status).toBe(200);
    expect(bodies).toEqual(['data', 'data', 'data']);
    tell(API, 80, ['Service', service('api', API, { ...annotations, 'retry.linkerd.io/limit': '1' })]);
    await vi.waitFor(async () => {
      world.clock.advance(10_000);
      expect((await get()).status).toBe(503);
    });
    expect(await metrics()).toMatch(/outbound_http_route_retry_requests_total\{.*\} [2-9]/);
  });

  it('end at their time limit with 504', async () => {
    backend('api', (_req, res) => void world.clock.setTimeout(() => res.end('late'), 60_000));
    tell(API, 80, ['Service', service('api', API, { 'timeout.linkerd.io/request': '50ms' })]);
    expect((await get()).status).toBe(504);
  });

  it('try again when a try is slow, the last one without a limit', async () => {
    let tries = 0;
    backend('api', (_req, res) => {
      if (++tries > 1) res.end('quick');
    });
    tell(API, 80, [
      'Service',
      service('api', API, { 'retry.linkerd.io/timeout': '50ms', 'retry.linkerd.io/limit': '1' }),
    ]);
    expect((await get()).body).toBe('quick');
  });

  it('stop at an endpoint that keeps failing, and try it again after the penalty', async () => {
    let broken = true;
    let asked = 0;
    backend('api', (_req, res) => {
      asked++;
      res.statusCode = broken ? 500 : 200;
      res.end();
    });
    const accrual = 'balancer.linkerd.io/failure-accrual';
    tell(API, 80, [
      'Service',
      service('api', API, {
        [accrual]: 'consecutive',
        [`${accrual}-consecutive-max-failures`]: '3',
        [`${accrual}-consecutive-min-penalty`]: '6s',
        [`${accrual}-consecutive-jitter-ratio`]: '0',
      }),
    ]);
    for (let i = 0; i < 3; i++) expect((await get()).status).toBe(500);
    const waiting = get();
    await vi.waitFor(async () => expect(await metrics()).toMatch(/endpoint_state="pending".*\} 1/));
    await world.clock.advance(4_000);
    expect((await waiting).status).toBe(504);
    expect((await get()).status).toBe(503);
    expect(asked).toBe(3);
    broken = false;
    await world.clock.advance(3_000);
    expect((await get()).status).toBe(200);
    expect(web.log.join('\n')).toContain('Consecutive failure-accrual breaker closed');
    expect(web.log.join('\n')).toContain('Consecutive failure-accrual breaker reopened');
  });

  it('speak HTTP/2 only where appProtocol says so: an HTTP/1 client meets a protocol error', async () => {
    backend('api', (_req, res) => res.end('never'));
    tell(API, 80, ['Service', service('api', API, {}, { appProtocol: 'kubernetes.io/h2c' })]);
    await expect(get()).rejects.toThrow();
  });

  it('close connections to a port that the Service does not have, and answer 503 where nobody serves', async () => {
    tell(API, 81, ['Service', service('api', API)]);
    await expect(request(web.net, API, 81)).rejects.toThrow();
    world.endpoints.set('api.shop.svc.cluster.local:80', []);
    tell(API, 80, ['Service', service('api', API)]);
    // It waits for an endpoint at first, and no longer once it has waited.
    expect(await get()).toMatchObject({ status: 504, body: '' });
    expect(await get()).toMatchObject({ status: 503, body: '' });
    // Which never came as far as the queue.
    const queue = (name: string) => new RegExp(`outbound_http_balancer_queue_${name}\\{.*backend_name="api".*\\} `);
    const lines = (await metrics()).split('\n');
    const value = (name: string) => lines.find((line) => queue(name).test(line))?.split('} ')[1];
    expect(['requests_total', 'length', 'gate_open_total', 'gate_shut_total'].map(value)).toEqual(['1', '0', '1', '1']);
    expect(value('gate_open_time_seconds')).toBe('0.0');
    expect(Number(value('latency_seconds_sum'))).toBeGreaterThanOrEqual(3);
  });
});

describe('a ServiceProfile', () => {
  const profile = (more: Partial<ServiceProfile> = {}): void => {
    const routes = [{ name: 'GET /', condition: { pathRegex: '/.*' }, responseClasses: [], isRetryable: true }];
    const budget = { retryRatio: 0, minRetriesPerSecond: 1, ttlMs: 2_000 };
    world.targets.set(`${API}:80`, {
      service: { namespace: 'shop', name: 'api', port: 80 },
      authority: 'api.shop.svc.cluster.local:80',
      protocol: 'detect',
      profile: { routes, budget, overrides: [], ...more },
    });
  };

  it('retries within its budget, and counts by its routes', async () => {
    let asked = 0;
    backend('api', (_req, res) => {
      asked++;
      res.statusCode = 503;
      res.end();
    });
    profile();
    expect((await get()).status).toBe(503);
    expect(asked).toBe(3);
    expect((await get()).status).toBe(503);
    expect(asked).toBe(4);
    expect(await metrics()).toContain('rt_route="GET /"');
  });

  it('splits over other authorities', async () => {
    backend('api', (_req, res) => res.end('old'));
    backend('api-v2', (_req, res) => res.end('new'));
    profile({ overrides: [{ authority: 'api-v2.shop.svc.cluster.local:80', weight: 1_000 }] });
    expect((await get()).body).toBe('new');
  });
});

describe('traffic that leaves the cluster', () => {
  const egress = (trafficPolicy: string) => object('EgressNetwork', 'out', { trafficPolicy });
  const PARENT_NET = { group: 'policy.linkerd.io', kind: 'EgressNetwork', name: 'out', namespace: 'shop', port: 80 };
  beforeEach(() => {
    const server = http.createServer((req, res) => res.end(`outside ${req.url}`));
    world.fabric.addExternalHost({
      name: 'example.org',
      ip: OUTSIDE,
      onConnection: (connection, port) => {
        if (port === 80) server.emit('connection', connection);
        else connection.pipe(connection);
      },
    });
  });
  const ask = (path = '/get') => request(web.net, OUTSIDE, 80, path);

  it('goes where it was sent unless an EgressNetwork denies it; routes are exceptions', async () => {
    tell(OUTSIDE, 80);
    expect((await ask()).body).toBe('outside /get');
    await world.clock.advance(10_000);
    tell(OUTSIDE, 80, ['EgressNetwork', egress('Deny')]);
    expect(await ask()).toMatchObject({ status: 403, body: '' });
    await world.clock.advance(10_000);
    const own = { group: 'policy.linkerd.io', kind: 'EgressNetwork', name: 'out' };
    const rules = [{ matches: [{ path: { value: '/get' } }], backendRefs: [own] }];
    tell(OUTSIDE, 80, ['EgressNetwork', egress('Deny')], ['HTTPRoute', route({ rules }, PARENT_NET)]);
    expect((await ask()).body).toBe('outside /get');
    expect((await ask('/ip')).status).toBe(403);
  });

  it('closes bytes that are denied, and lets a TCPRoute turn them to a Service', async () => {
    const talk = async () => {
      const connection = await web.net.dial(OUTSIDE, 7000, { uid: 0 });
      connection.write('\u0000hello there\n');
      return new Promise<string>((resolve) => {
        connection.once('data', (chunk) => resolve(String(chunk)));
        connection.once('error', () => resolve('closed'));
        connection.once('close', () => resolve('closed'));
      });
    };
    tell(OUTSIDE, 7000, ['EgressNetwork', egress('Deny')]);
    expect(await talk()).toBe('closed');
    await world.clock.advance(10_000);
    const net = world.stranger();
    net.listen(8080, (connection) => void connection.end('from inside'));
    const endpoint = { ip: net.ip, port: 8080, opaque: true, h2: false, weight: 1, labels: {} };
    world.endpoints.set('api.shop.svc.cluster.local:80', [endpoint]);
    const tcp = route(
      { rules: [{ backendRefs: [{ name: 'api', port: 80 }] }] },
      { ...PARENT_NET, port: 7000 },
      { kind: 'TCPRoute' },
    );
    tell(OUTSIDE, 7000, ['EgressNetwork', egress('Deny')], ['Service', service('api', API)], ['TCPRoute', tcp]);
    expect(await talk()).toBe('from inside');
    const text = await metrics();
    expect(text).toMatch(/outbound_tcp_balancer_queue_requests_total\{parent_group="policy.*backend_name="api",.*\} 1/);
    expect(text).not.toContain('outbound_http_balancer');
    const where = `outbound:proxy{addr=${OUTSIDE}:7000}:balance{addr=api.shop.svc.cluster.local:80}`;
    expect(web.log.join('\n')).toContain(`${where}: linkerd_pool_p2c: Adding endpoint`);
  });
});
