import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DiscoveredEndpoint } from '#mesh/proxy/discovery.ts';
import { type PodWorld, request, serve, World } from './world.ts';

const FAR = 'api.shop.svc.cluster.local:80';
let world: World;
let web: PodWorld;
let gateway: PodWorld;
let api: PodWorld;
let seen: { url: string; headers: Record<string, unknown> }[];

/** What destination says of a mirror: the gateway's address and identity, and the name behind it. */
const behind = (pod: PodWorld): DiscoveredEndpoint => ({
  ip: pod.net.ip,
  port: 4143,
  identity: pod.name,
  opaque: false,
  h2: true,
  authorityOverride: FAR,
  weight: 10_000,
  labels: {},
});

const certified = ({ log }: PodWorld) =>
  vi.waitFor(() => expect(log.join('\n')).toContain('Certified identity'), 10_000);

beforeEach(async () => {
  world = await World.open();
  web = world.pod('web');
  gateway = world.pod('linkerd-gateway', { LINKERD2_PROXY_INBOUND_GATEWAY_SUFFIXES: 'svc.cluster.local.' });
  api = world.pod('api');
  await Promise.all([web, gateway, api].map(certified));
  seen = [];
  serve(api.net, 8080, (req, res) => {
    seen.push({ url: req.url ?? '', headers: req.headers });
    res.end('far away');
  });
  world.endpoints.set(FAR, [
    {
      ip: api.net.ip,
      port: 8080,
      identity: api.name,
      opaque: false,
      h2: true,
      inboundPort: 4143,
      weight: 1,
      labels: {},
    },
  ]);
  world.targets.set('10.96.0.9:80', { authority: 'api-west.shop.svc.cluster.local:80', protocol: 'detect' });
  world.endpoints.set('api-west.shop.svc.cluster.local:80', [behind(gateway)]);
});
afterEach(() => world.stop());

const metrics = async (pod: PodWorld) => (await request(world.fabric.node, pod.net.ip, 4191, '/metrics')).body;

describe('a gateway', () => {
  it('sends on under its own identity, to the name behind the mirror', async () => {
    const reply = await request(web.net, '10.96.0.9', 80, '/orders', { headers: { host: 'api-west' } });
    expect(reply).toMatchObject({ status: 200, body: 'far away' });
    expect(seen).toHaveLength(1);
    expect(seen[0]!.headers['host']).toBe('api.shop.svc.cluster.local');
    expect(seen[0]!.headers['forwarded']).toBe(
      `by=${gateway.name};for=${web.name};host=api.shop.svc.cluster.local;proto=https`,
    );
    expect(await metrics(gateway)).toMatch(
      new RegExp(`inbound_http_authz_allow_total\\{[^}]*target_port="4143"[^}]*client_id="${web.name}"`),
    );
    expect(await metrics(gateway)).toContain('target_name="api.shop.svc.cluster.local"');
    expect(await metrics(api)).toMatch(new RegExp(`inbound_http_authz_allow_total\\{[^}]*client_id="${gateway.name}"`));
  });

  it('refuses what it has sent on before, and names of other domains', async () => {
    const again = await request(web.net, '10.96.0.9', 80, '/', {
      headers: { forwarded: `by=${gateway.name};for=x;host=y;proto=https` },
    });
    expect(again.status).toBe(508);
    world.endpoints.set('api-west.shop.svc.cluster.local:80', [
      { ...behind(gateway), authorityOverride: 'api.shop.svc.elsewhere:80' },
    ]);
    const other = world.pod('other');
    await certified(other);
    expect((await request(other.net, '10.96.0.9', 80)).status).toBe(404);
    expect(seen).toHaveLength(0);
  });

  it('is no gateway without its setting', async () => {
    world.endpoints.set('api-west.shop.svc.cluster.local:80', [behind(api)]);
    expect((await request(web.net, '10.96.0.9', 80)).status).toBe(404);
  });

  it('carries bytes that are no HTTP', async () => {
    api.net.listen(5432, (connection) => connection.pipe(connection), { uid: 1000 });
    const name = 'db.shop.svc.cluster.local:5432';
    world.endpoints.set(name, [
      {
        ip: api.net.ip,
        port: 5432,
        identity: api.name,
        opaque: true,
        h2: false,
        inboundPort: 4143,
        weight: 1,
        labels: {},
      },
    ]);
    world.targets.set('10.96.0.10:5432', { authority: 'db-west.shop.svc.cluster.local:5432', protocol: 'opaque' });
    world.endpoints.set('db-west.shop.svc.cluster.local:5432', [{ ...behind(gateway), authorityOverride: name }]);
    const connection = await web.net.dial('10.96.0.10', 5432, { uid: 1000 });
    const echoed = new Promise((resolve) => connection.once('data', (data: Buffer) => resolve(String(data))));
    connection.write('ping');
    expect(await echoed).toBe('ping');
    connection.destroy();
  });
});
