import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certified } from './certified.ts';
import { request, serve, World } from './world.ts';

let world: World;

beforeEach(async () => {
  world = await World.open();
});
afterEach(() => world.stop());

describe('two meshed pods', () => {
  it('talk over mTLS, with nothing of the mesh in the headers', async () => {
    const api = world.pod('api');
    const web = world.pod('web');
    world.meshed(api, 8080);
    await Promise.all([certified(api), certified(web)]);
    let seen: Record<string, unknown> = {};
    serve(api.net, 8080, (req, res) => {
      seen = req.headers;
      let body = '';
      req.on('data', (chunk) => (body += chunk));
      req.on('end', () => res.end(`hello ${req.method} ${req.url} ${body}`));
    });
    const reply = await request(web.net, api.net.ip, 8080, '/orders?x=1', {
      method: 'POST',
      body: 'data',
      headers: { 'x-mine': 'yes' },
    });
    expect(reply).toMatchObject({ status: 200, body: 'hello POST /orders?x=1 data' });
    expect(seen['x-mine']).toBe('yes');
    const ofTheMesh = (headers: object) => Object.keys(headers).filter((name) => name.startsWith('l5d-'));
    expect(ofTheMesh(reply.headers)).toEqual([]);
    expect(ofTheMesh(seen)).toEqual(['l5d-client-id']);
    expect(seen['l5d-client-id']).toBe(web.name);
    const metrics = await request(world.fabric.node, api.net.ip, 4191, '/metrics');
    expect(metrics.body).toContain(`client_id="${web.name}"`);
    expect(metrics.body).toMatch(/inbound_http_authz_allow_total\{[^}]*tls="true"/);
  });

  it('serves an unmeshed client without TLS, and answers 502 for a closed port', async () => {
    const api = world.pod('api');
    await certified(api);
    serve(api.net, 8080, (_req, res) => res.end('plain'));
    const stranger = world.stranger();
    expect(await request(stranger, api.net.ip, 8080)).toMatchObject({ status: 200, body: 'plain' });
    expect(await request(stranger, api.net.ip, 9999)).toMatchObject({ status: 502, body: '' });
  });
});
