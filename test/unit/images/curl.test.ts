import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { curlImage } from '#kube/images/curl.ts';
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

describe('curlimages/curl: sleep', () => {
  it('is deaf to SIGTERM as process 1, and not when executed', async () => {
    const main = world.start(curlImage, client, { command: ['sleep', 'infinity'] });
    main.process.kill('SIGTERM');
    const other = world.start(curlImage, client, { command: ['sleep', '1d'], isMain: false });
    other.process.kill('SIGTERM');
    expect(await other.process.exited).toBe(143);
    main.process.kill('SIGKILL');
    expect(await main.process.exited).toBe(137);
  });

  it('sleeps on the clock of the cluster', async () => {
    const hour = world.start(curlImage, client, { args: ['sleep', '1h'] });
    await world.clock.advance(3_600_000);
    expect(await hour.process.exited).toBe(0);
  });
});

describe('curlimages/curl: the shell', () => {
  it('has no program that a real one has not', () => {
    expect(() => world.start(curlImage, client, { command: ['nosuchprogram'] })).toThrow('no such program');
    expect(() => world.start(curlImage, client, { command: ['jq', '.'] })).toThrow('no such program');
  });

  it('runs curl through its entry point and by name', async () => {
    world.start(httpEchoImage, pod, { args: ['-text=hi'] });
    const url = `http://${pod.ip}:5678/`;
    const implied = world.start(curlImage, client, { args: ['-s', url] });
    expect([await implied.process.exited, implied.stdout()]).toEqual([0, 'hi\n']);
    const named = world.start(curlImage, client, {
      command: ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', url],
    });
    expect([await named.process.exited, named.stdout()]).toEqual([0, '200']);
  });

  it('runs scripts with pipes, and gives back their code', async () => {
    const script = world.start(curlImage, client, { command: ['sh', '-c', 'echo one two | wc -w; exit 3'] });
    expect([await script.process.exited, script.stdout().trim()]).toEqual([3, '2']);
  });

  it('makes traffic until SIGTERM, whose trap runs when the sleep has ended', async () => {
    world.start(httpEchoImage, pod, { args: ['-text=hi'] });
    const loop = [
      "trap 'exit 0' TERM",
      'while true; do',
      `  curl -s -o /dev/null -m 10 -w '%{http_code} %{time_total}\\n' http://${pod.ip}:5678/`,
      '  sleep 0.2',
      'done',
    ].join('\n');
    const source = world.start(curlImage, client, { command: ['sh', '-c', loop] });
    await source.printed(/^(200 [\d.]+\n){3}/);
    source.process.kill('SIGTERM');
    expect(await source.process.exited).toBe(0);
  });

  it('keeps files between two commands of one container', async () => {
    const first = world.start(curlImage, client, { command: ['sh', '-c', 'echo kept > /tmp/file; mkdir /tmp/dir'] });
    expect(await first.process.exited).toBe(0);
    const second = world.start(curlImage, client, {
      command: ['sh', '-c', 'cat /tmp/file; ls /tmp; touch /etc/x || true'],
      sharing: first.context,
    });
    expect(await second.process.exited).toBe(0);
    expect(second.stdout()).toBe('kept\ndir\nfile\n');
    expect(second.stderr()).toMatch(/[Pp]ermission denied/);
  });
});
