import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { curlImage } from '#kube/images/curl.ts';
import { emojivotoImages } from '#kube/images/emojivoto/images.ts';
import { podinfoImages } from '#kube/images/podinfo.ts';
import { grpcurlImage, smallLinuxImages } from '#kube/images/small-linux.ts';
import { smallServerImages } from '#kube/images/small-servers.ts';
import { tcpEchoImage } from '#kube/images/tcp-echo.ts';
import type { NetNs } from '#kube/network/network.ts';
import { ImageWorld } from './world.ts';

let world: ImageWorld;
let pod: NetNs;
let client: NetNs;
beforeEach(() => {
  world = new ImageWorld();
  pod = world.pod('server');
  client = world.pod('client');
});
afterEach(() => world.stop());

const server = (name: string) => smallServerImages.find(({ repository }) => repository === name)!;

describe('servers of one answer', () => {
  it('answer it', async () => {
    world.start(server('ghcr.io/olix0r/hokay'), pod);
    const okay = await world.call(client, `http://${pod.ip}:8080/any`);
    expect([okay.status, okay.body.length]).toEqual([204, 0]);
    world.start(server('traefik/whoami'), pod);
    const who = (await world.call(client, `http://${pod.ip}/x`, { headers: { 'x-one': '1' } })).body.toString();
    expect(who).toContain(`Hostname: server\nIP: 127.0.0.1\nIP: ${pod.ip}\nRemoteAddr: ${client.ip}:`);
    expect(who).toContain('GET /x HTTP/1.1\n');
    expect(who).toContain('X-One: 1\n');
    world.start(server('gcr.io/google-samples/hello-app'), pod, { env: { PORT: '8081' }, tag: '2.0' });
    const hello = (await world.call(client, `http://${pod.ip}:8081/`)).body.toString();
    expect(hello).toBe('Hello, world!\nVersion: 2.0.0\nHostname: server\n');
  });
});

describe('istio/tcp-echo-server', () => {
  it('answers line by line, whole or not', async () => {
    world.start(tcpEchoImage, pod, { args: ['9000,9001', 'hi'] });
    const connection = await client.dial(pod.ip, 9001);
    let got = '';
    connection.on('data', (chunk) => {
      got += chunk;
    });
    connection.write('one\ntw');
    await expect.poll(() => got).toBe('hi one\n');
    connection.write('o\n');
    await expect.poll(() => got).toBe('hi one\nhi two\n');
    connection.destroy();
  });
});

describe('podinfo', () => {
  const podinfo = podinfoImages[0]!;
  const call = (path: string, options = {}) => world.call(client, `http://${pod.ip}:9898${path}`, options);

  it('tells of itself and has states to switch', async () => {
    const started = world.start(podinfo, pod, { tag: '6.9.0', env: { PODINFO_UI_MESSAGE: 'hi' } });
    await started.printed(/Starting HTTP Server/);
    expect(JSON.parse((await call('/')).body.toString())).toMatchObject({
      hostname: 'server',
      version: '6.9.0',
      message: 'hi',
    });
    expect((await call('/readyz')).status).toBe(200);
    await call('/readyz/disable', { method: 'POST' });
    expect((await call('/readyz')).status).toBe(503);
    expect((await call('/status/418')).status).toBe(418);
    started.process.kill('SIGTERM');
    expect(await started.process.exited).toBe(0);
  });

  it('speaks HTTP/2 to those who begin with it', async () => {
    world.start(podinfo, pod);
    const curl = world.start(curlImage, client, {
      args: ['-s', '--http2-prior-knowledge', '-w', ' %{http_version}', `http://${pod.ip}:9898/version`],
      isMain: false,
    });
    expect([await curl.process.exited, curl.stderr()]).toEqual([0, '']);
    expect(curl.stdout()).toMatch(/"version": "6\.9\.2"\n\} 2$/);
  });

  it('passes echoes on to its backends', async () => {
    const back = world.pod('back');
    world.start(podinfo, back);
    world.start(podinfo, pod, {
      command: ['./podinfo'],
      args: [`--backend-url=http://${back.ip}:9898/echo`, '--port=9898'],
    });
    const { status, body } = await call('/echo', { method: 'POST', body: 'ping' });
    expect([status, JSON.parse(body.toString())]).toEqual([202, ['ping']]);
  });
});

describe('grpcurl', () => {
  const PROTO = `syntax = "proto3";
package emojivoto.v1;
message VoteRequest {}
message VoteResponse {}
message Result { string Shortcode = 1; int32 Votes = 2; }
message ResultsResponse { repeated Result results = 1; }
service VotingService {
  rpc VoteJoy (VoteRequest) returns (VoteResponse);
  rpc VoteDoughnut (VoteRequest) returns (VoteResponse);
  rpc VoteNobody (VoteRequest) returns (VoteResponse);
  rpc Results (VoteRequest) returns (ResultsResponse);
}
`;
  const netshoot = smallLinuxImages.find(({ repository }) => repository === 'nicolaka/netshoot')!;
  const run = async (...args: string[]) => {
    const started = world.start(netshoot, client, {
      command: ['grpcurl', '-plaintext', '-import-path', '/protos', '-proto', 'voting.proto', ...args],
      files: { '/protos/voting.proto': PROTO },
    });
    return { code: await started.process.exited, out: started.stdout(), err: started.stderr() };
  };

  it('calls methods by their .proto file, and ends with their status', async () => {
    const voting = world.start(emojivotoImages[2]!, pod, { env: { GRPC_PORT: '8080' }, tag: 'v11' });
    await voting.printed(/Starting grpc server/);
    const target = `${pod.ip}:8080`;
    expect(await run('list')).toEqual({ code: 0, out: 'emojivoto.v1.VotingService\n', err: '' });
    expect(await run(target, 'emojivoto.v1.VotingService/VoteJoy')).toEqual({ code: 0, out: '{}\n', err: '' });
    expect(JSON.parse((await run('-d', '{}', target, 'emojivoto.v1.VotingService/Results')).out)).toEqual({
      results: [{ Shortcode: ':joy:', Votes: 1 }],
    });
    const failed = await run(target, 'emojivoto.v1.VotingService/VoteDoughnut');
    expect(failed).toEqual({ code: 66, out: '', err: 'ERROR:\n  Code: Unknown\n  Message: ERROR\n' });
    const unknown = await run(target, 'emojivoto.v1.VotingService/VoteNobody');
    expect([unknown.code, unknown.err]).toEqual([
      76,
      'ERROR:\n  Code: Unimplemented\n  Message: unknown method VoteNobody for service emojivoto.v1.VotingService\n',
    ]);
    const closed = await run(`${pod.ip}:81`, 'emojivoto.v1.VotingService/VoteJoy');
    expect(closed.code).toBe(78);
    expect(closed.err).toContain('connection refused');
  });

  it('says what it would need without one', async () => {
    const started = world.start(grpcurlImage, client, { args: ['-plaintext', `${pod.ip}:8080`, 'list'] });
    expect(await started.process.exited).toBe(1);
    expect(started.stderr()).toMatch(/^Failed to list services: server does not support the reflection API/);
  });
});
