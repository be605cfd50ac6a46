import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpEchoImage } from '#kube/images/http-echo.ts';
import type { NetNs } from '#kube/network/network.ts';
import { ImageWorld } from './world.ts';

let world: ImageWorld;
let pod: NetNs;
let client: NetNs;
beforeEach(() => {
  world = new ImageWorld();
  pod = world.pod('web');
  client = world.pod('client');
});
afterEach(() => world.stop());

describe('hashicorp/http-echo', () => {
  it('answers every path with its text and logs the request', async () => {
    const echo = world.start(httpEchoImage, pod, { args: ['-listen=:8080', '-text=hi'], tag: '1.0' });
    await echo.printed(/server is listening on :8080/);
    const { status, headers, body } = await world.call(client, `http://${pod.ip}:8080/any/path?x=1`);
    expect(status).toBe(200);
    expect(body.toString()).toBe('hi\n');
    expect(Object.keys(headers)).toEqual(['x-app-name', 'x-app-version', 'date', 'content-length', 'content-type']);
    expect(headers).toMatchObject({ 'x-app-version': '1.0.0', 'content-type': 'text/plain; charset=utf-8' });
    expect(headers.date).toMatch(/^Tue, 24 Nov 2026 10:00:/);
    expect(echo.stdout()).toMatch(
      /^2026\/11\/24 10:00:0\d 10\.244\.0\.2:8080 10\.244\.0\.3:\d+ "GET \/any\/path HTTP\/1\.1" 200 3 "" [\d.]+(µs|ms)\n$/,
    );
  });

  it('has a health path of its own and a status code for the rest', async () => {
    world.start(httpEchoImage, pod, { args: ['-text', 'gone', '-status-code', '503'] });
    const health = await world.call(client, `http://${pod.ip}:5678/health`);
    expect([health.status, health.body.toString()]).toEqual([200, '{"status":"ok"}\n']);
    const other = await world.call(client, `http://${pod.ip}:5678/`);
    expect([other.status, other.body.toString()]).toEqual([503, 'gone\n']);
  });

  it('ends with code 2 on SIGTERM, after the request under way', async () => {
    const echo = world.start(httpEchoImage, pod, { args: ['-text=hi'] });
    await world.call(client, `http://${pod.ip}:5678/`);
    // An idle connection that its client keeps open holds nothing up.
    const idle = await client.dial(pod.ip, 5678);
    idle.write('GET / HTTP/1.1\r\nhost: web\r\n\r\n');
    await once(idle, 'data');
    echo.process.kill('SIGTERM');
    expect(await echo.process.exited).toBe(2);
    expect(echo.stderr()).toContain('[INFO] received interrupt, shutting down...');
    await expect(world.call(client, `http://${pod.ip}:5678/`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('refuses bad arguments as the real one does', async () => {
    const none = world.start(httpEchoImage, pod);
    expect(await none.process.exited).toBe(127);
    expect(none.stderr()).toBe('Missing -text option or ECHO_TEXT env var!\n');
    const unknown = world.start(httpEchoImage, pod, { args: ['-nope'] });
    expect(await unknown.process.exited).toBe(2);
    expect(unknown.stderr()).toMatch(/^flag provided but not defined: -nope\nUsage of/);
    const first = world.start(httpEchoImage, pod, { args: ['-text=a'] });
    const second = world.start(httpEchoImage, pod, { args: ['-text=b'] });
    expect(await second.process.exited).toBe(1);
    expect(second.stderr()).toContain('bind: address already in use');
    first.process.kill('SIGKILL');
    expect(await first.process.exited).toBe(137);
  });

  it('takes its text from the environment', async () => {
    world.start(httpEchoImage, pod, { env: { ECHO_TEXT: 'from env' } });
    expect((await world.call(client, `http://${pod.ip}:5678/`)).body.toString()).toBe('from env\n');
  });
});
