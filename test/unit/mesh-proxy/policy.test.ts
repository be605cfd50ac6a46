import http2 from 'node:http2';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PodWorld, request, serve, World } from './world.ts';

let world: World;
let api: PodWorld;
let web: PodWorld;

beforeEach(async () => {
  world = await World.open();
  api = world.pod('api');
  web = world.pod('web');
  world.meshed(api, 8080);
  serve(api.net, 8080, (_req, res) => res.end('ok'));
  for (const { log } of [api, web]) await vi.waitFor(() => expect(log.join('\n')).toContain('Certified identity'));
});
afterEach(() => world.stop());

const say = (policy: 'deny' | 'all-authenticated' | 'all-unauthenticated', port = 8080) =>
  world.policies.get(`${api.net.ip}:${port}`)!(world.policyOf(port, policy));

describe('inbound policy', () => {
  it('lets in only whom it names, from one request to the next', async () => {
    const stranger = world.stranger();
    expect((await request(stranger, api.net.ip, 8080)).status).toBe(200);
    say('all-authenticated');
    const refused = await request(stranger, api.net.ip, 8080);
    expect(refused).toMatchObject({ status: 403, body: '' });
    expect(Object.keys(refused.headers).filter((name) => name.startsWith('l5d-'))).toEqual([]);
    expect((await request(web.net, api.net.ip, 8080)).status).toBe(200);
    say('deny');
    const denied = await request(web.net, api.net.ip, 8080);
    expect(denied).toMatchObject({ status: 403, body: '' });
    expect(Object.keys(denied.headers).filter((name) => name.startsWith('l5d-'))).toEqual([]);
    const log = api.log.join('\n');
    expect(log).toContain(
      'linkerd_app_inbound::policy::http: Request denied server.group= server.kind=default server.name=all-authenticated',
    );
    expect(log).toContain('client.tls=None(NoClientHello)');
    expect(web.log.join('\n')).toContain('handle_proxy_error_headers: Remote proxy error');
    const { body } = await request(world.fabric.node, api.net.ip, 4191, '/metrics');
    expect(body).toMatch(
      /inbound_http_authz_deny_total\{[^}]*tls="no_identity",no_tls_reason="no_tls_from_remote"\} 1/,
    );
    expect(body).toContain(`client_id="${web.name}"`);
  });

  it('answers 404 where no route fits, and gRPC clients by a status', async () => {
    const config = world.policyOf(8080);
    world.policies.get(`${api.net.ip}:8080`)!({
      ...config,
      routes: config.routes.map(
        (route) =>
          ({
            ...route,
            rules: [
              { matches: [{ path: { type: 'Exact', value: '/only' }, headers: [], queryParams: [] }], filters: [] },
            ],
          }) as never,
      ),
    });
    expect((await request(web.net, api.net.ip, 8080, '/else')).status).toBe(404);
    expect((await request(web.net, api.net.ip, 8080, '/only')).status).toBe(200);
    say('deny');
    const connection = await web.net.dial(api.net.ip, 8080, { uid: 0 });
    const session = http2.connect('http://api', { createConnection: () => connection as never });
    const stream = session.request({ ':method': 'POST', ':path': '/svc/Call', 'content-type': 'application/grpc' });
    stream.end();
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => stream.on('response', resolve));
    expect(headers[':status']).toBe(200);
    expect(headers['grpc-status']).toBe('7');
    session.destroy();
  });

  it('carries bytes that are no HTTP, with identity, and closes what is not allowed', async () => {
    world.targets.set(`${api.net.ip}:3306`, { authority: `${api.net.ip}:3306`, protocol: 'opaque' });
    world.endpoints.set(`${api.net.ip}:3306`, [
      {
        ip: api.net.ip,
        port: 3306,
        identity: api.name,
        opaque: true,
        h2: true,
        inboundPort: 4143,
        weight: 1,
        labels: {},
      },
    ]);
    api.net.listen(3306, (connection) => connection.pipe(connection));
    const talk = async () => {
      const connection = await web.net.dial(api.net.ip, 3306, { uid: 0 });
      connection.write('ping');
      return new Promise<string>((resolve) => {
        connection.once('data', (chunk) => resolve(String(chunk)));
        connection.once('error', () => resolve('reset'));
        connection.once('end', () => resolve('closed'));
      });
    };
    expect(await talk()).toBe('ping');
    say('deny', 3306);
    expect(await talk()).toMatch(/reset|closed/);
    expect(api.log.join('\n')).toContain('Connection denied');
  });
});
