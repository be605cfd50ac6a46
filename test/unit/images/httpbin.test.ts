import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpbinImages } from '#kube/images/httpbin/images.ts';
import type { NetNs } from '#kube/network/network.ts';
import { ImageWorld } from './world.ts';

const [python, go] = httpbinImages as [(typeof httpbinImages)[0], (typeof httpbinImages)[0]];
let world: ImageWorld;
let pod: NetNs;
let client: NetNs;
beforeEach(() => {
  world = new ImageWorld();
  pod = world.pod('httpbin');
  client = world.pod('client');
});
afterEach(() => world.stop());

describe('mccutchen/go-httpbin', () => {
  const call = (path: string, options = {}) => world.call(client, `http://${pod.ip}:8080${path}`, options);
  beforeEach(async () => {
    await world.start(go, pod).printed(/listening on/);
  });

  it('mirrors a request, with lists for values', async () => {
    const { body, headers } = await call('/get?a=1&a=2', { headers: { 'x-one': 'yes' } });
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(body.toString())).toMatchObject({
      args: { a: ['1', '2'] },
      headers: { 'X-One': ['yes'], Host: [`${pod.ip}:8080`] },
      method: 'GET',
      origin: client.ip,
      url: `http://${pod.ip}:8080/get?a=1&a=2`,
    });
    const posted = await call('/post', {
      method: 'POST',
      body: '{"x":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(JSON.parse(posted.body.toString())).toMatchObject({ data: '{"x":1}', json: { x: 1 } });
  });

  it('answers with the status it is asked for, and refuses what it does not know', async () => {
    for (const status of [200, 204, 404, 418, 503]) expect((await call(`/status/${status}`)).status).toBe(status);
    expect((await call('/status/abc')).status).toBe(400);
    expect((await call('/nothing')).status).toBe(404);
    expect((await call('/post')).status).toBe(405);
    expect((await call('/status/500:0,201:1')).status).toBe(201);
  });

  it('waits on the clock of the cluster', async () => {
    const asked = call('/delay/5');
    await new Promise((resolve) => setImmediate(resolve));
    await world.clock.advance(5_000);
    expect((await asked).status).toBe(200);
  });

  it('checks passwords', async () => {
    expect((await call('/basic-auth/me/secret')).status).toBe(401);
    const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect((await call('/basic-auth/me/secret', { headers: { authorization } })).status).toBe(200);
  });
});

describe('kennethreitz/httpbin', () => {
  it('writes single values and sorted names', async () => {
    await world.start(python, pod).printed(/Listening at: http:\/\/0\.0\.0\.0:80/);
    const { body, headers } = await world.call(client, `http://${pod.ip}/get?a=1`);
    expect(headers['server']).toBe('gunicorn/19.9.0');
    const value = JSON.parse(body.toString());
    expect(Object.keys(value)).toEqual(['args', 'headers', 'origin', 'url']);
    expect(value.args).toEqual({ a: '1' });
  });
});
