import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonLine } from '#mesh/proxy/log-json.ts';
import { certified } from './certified.ts';
import { type PodWorld, request, serve, World } from './world.ts';

let world: World;

beforeEach(async () => {
  world = await World.open();
});
afterEach(() => world.stop());

/** An api that writes its requests down in this format, and a web that asks it. */
async function logged(format: string): Promise<{ api: PodWorld; web: PodWorld }> {
  const api = world.pod('api', { LINKERD2_PROXY_ACCESS_LOG: format });
  const web = world.pod('web');
  world.meshed(api, 8080);
  serve(api.net, 8080, (req, res) => {
    req.resume();
    res.end('here');
  });
  await Promise.all([certified(api), certified(web)]);
  return { api, web };
}

describe('the log of requests', () => {
  it('is a line for each in Apache’s format, with the identity of who asks', async () => {
    const { api, web } = await logged('apache');
    await request(web.net, api.net.ip, 8080, '/orders?x=1', { headers: { host: 'api' } });
    await request(world.stranger(), api.net.ip, 8080, '/plain');
    const lines = api.log
      .filter((line) => line.includes('HTTP/'))
      .map((line) => line.replace(/:\d+ /, ':<port> ').replace(/\.\d{9}Z/, '.<ns>Z'));
    const at = '[2026-11-01T00:00:00.<ns>Z]';
    expect(lines).toEqual([
      `${web.net.ip}:<port> ${web.name} - ${at} "GET http://api/orders?x=1 HTTP/2.0" 200`,
      `10.244.0.4:<port> - - ${at} "GET /plain HTTP/1.1" 200`,
    ]);
  });

  it('is an object for each as JSON, names in the order of the alphabet', async () => {
    const { api } = await logged('JSON');
    await request(world.stranger(), api.net.ip, 8080, '/plain', {
      method: 'POST',
      body: 'four',
      headers: { host: 'api', 'user-agent': 'till/1', 'x-request-id': 'seven', 'content-length': '4' },
    });
    const line = JSON.parse(api.log.find((each) => each.includes('client.addr'))!) as Record<string, unknown>;
    expect(line).toMatchObject({ 'client.id': '-', host: 'api', method: 'POST', request_bytes: '4', status: 200 });
    expect(line).toMatchObject({ trace_id: 'seven', uri: '/plain', user_agent: 'till/1', version: 'HTTP/1.1' });
    expect(Object.keys(line)).toEqual(Object.keys(line).sort());
    expect(Number(line['processing_ns'])).toBeGreaterThan(0);
  });

  it('is not kept in a format that nobody knows, and the proxy says so', async () => {
    const { api } = await logged('verbose');
    await request(world.stranger(), api.net.ip, 8080);
    expect(api.log[0]).toBe(`Invalid LINKERD2_PROXY_ACCESS_LOG="verbose": expected either 'apache' or 'json'`);
    expect(api.log.filter((line) => line.includes('HTTP/1.1'))).toEqual([]);
  });
});

describe('the proxy’s own log as JSON', () => {
  it('takes spans and fields apart, and leaves what caused an error out', () => {
    const line = jsonLine({
      at: Date.UTC(2026, 10, 1),
      level: 'info',
      thread: 1,
      where: 'inbound:server{port=4143}:rescue{client.addr=10.42.0.7:41000}: linkerd_app_core::errors::respond',
      message:
        'HTTP/1.1 request failed error=client 10.42.0.7:41000: unauthorized error.sources=[unauthorized] path="/a"',
    });
    expect(JSON.parse(line)).toEqual({
      timestamp: '2026-11-01T00:00:00.000000Z',
      level: 'INFO',
      fields: {
        message: 'HTTP/1.1 request failed',
        error: 'client 10.42.0.7:41000: unauthorized',
        path: '/a',
      },
      target: 'linkerd_app_core::errors::respond',
      spans: [
        { name: 'inbound' },
        { port: 4143, name: 'server' },
        { 'client.addr': '10.42.0.7:41000', name: 'rescue' },
      ],
      threadId: 'ThreadId(1)',
    });
  });

  it('is what a proxy writes that is told to', async () => {
    const pod = world.pod('api', { LINKERD2_PROXY_LOG_FORMAT: 'json' });
    await certified(pod);
    const lines = pod.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ level: 'INFO', target: 'linkerd2_proxy', threadId: 'ThreadId(1)' });
    expect(lines.at(-1)).toMatchObject({
      target: 'linkerd_app',
      fields: { message: 'Certified identity', id: pod.name },
      spans: [{ name: 'daemon' }, { name: 'identity' }],
    });
  });
});
