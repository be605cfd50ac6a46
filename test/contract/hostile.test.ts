import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { Transport } from '#kube/client/client.ts';
import { createHttpTransport } from '#kube/client/http.ts';
import { clusterSettings } from '#schema/lab.ts';

const TOKEN = 'the-token';
const MAPS = '/api/v1/namespaces/default/configmaps';

/** A small generator of the same numbers every time, so that a failure can be seen again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}

describe('an API server among strangers', () => {
  let cluster: Cluster;
  let folder: string;
  let socketPath: string;
  let transport: Transport;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'academy-hostile-'));
    socketPath = join(folder, 'api.sock');
    cluster = await createEmbeddedDriver().create({
      id: 'hostile',
      settings: clusterSettings.parse({ mesh: 'none' }),
      onStep: () => {},
      signal: new AbortController().signal,
    });
    await cluster.serveApi(socketPath, TOKEN);
    transport = createHttpTransport({ server: 'http://cluster', socketPath, token: TOKEN });
  });
  afterAll(async () => {
    transport.close();
    await cluster.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const send = async (
    method: 'POST' | 'PUT' | 'PATCH' | 'GET' | 'DELETE',
    path: string,
    type: string,
    body?: unknown,
  ) => {
    const [plain = '', search = ''] = path.split('?');
    const answer = await transport.request({
      method,
      path: plain,
      query: new URLSearchParams(search),
      headers: body === undefined ? {} : { 'content-type': type },
      ...(body === undefined ? {} : { body }),
    });
    const { body: got } = answer;
    return { status: answer.status, object: (got.type === 'object' ? got.value : undefined) as { kind?: string } };
  };
  /** Any answer but a crash or an untyped one. */
  const isStatus = (answer: { status: number; object: { kind?: string } }, what: string) => {
    expect(answer.status, what).toBeGreaterThanOrEqual(400);
    expect(answer.status, what).toBeLessThan(500);
    expect(answer.object?.kind, what).toBe('Status');
  };

  it.each([
    ['no JSON', '{"apiVersion":'],
    ['not an object', '"text"'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '12'],
    ['metadata that is a text', '{"apiVersion":"v1","kind":"ConfigMap","metadata":"x"}'],
    ['a name that is an object', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":{}}}'],
    ['labels that are a list', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":[1]}}'],
    ['another kind', '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}'],
    ['data that is a number', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":7}'],
    ['deep nesting', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
    ['a deep list', '['.repeat(100_000)],
    [
      'YAML aliases without end',
      'a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d]',
    ],
  ])('refuses %s as a body', async (what, body) => {
    for (const type of ['application/json', 'application/yaml'])
      isStatus(await send('POST', MAPS, type, body), `${what} as ${type}`);
  });

  it('refuses what is too large, without keeping it', async () => {
    const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
    for (let i = 0; i < 10; i++) {
      const data = { big: 'x'.repeat(4_000_000) };
      const answer = await send('POST', MAPS, 'application/json', {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `big-${i}` },
        data,
      }).catch(() => ({ status: 413, object: { kind: 'Status' } }));
      expect(answer.status).toBe(413);
    }
    const after = process.memoryUsage().heapUsed + process.memoryUsage().external;
    expect(after - before).toBeLessThan(150 * 1024 * 1024);
  });

  it('refuses bad patches of every kind, and leaves the object as it was', async () => {
    await send('POST', MAPS, 'application/json', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kept' },
      data: { a: '1' },
    });
    const patches: [string, unknown][] = [
      ['application/json-patch+json', '{}'],
      ['application/json-patch+json', '[{"op":"fly","path":"/data/a"}]'],
      ['application/json-patch+json', '[{"op":"remove","path":"/data/none"}]'],
      ['application/json-patch+json', '[{"op":"replace","path":"no-slash","value":1}]'],
      ['application/json-patch+json', '[{"op":"replace","path":"/metadata/name","value":"other"}]'],
      ['application/json-patch+json', '[{"op":"add","path":"/__proto__/polluted","value":"yes"}]'],
      ['application/merge-patch+json', '[]'],
      ['application/merge-patch+json', '{"metadata":{"resourceVersion":"1"}}'],
      ['application/merge-patch+json', '{"kind":"Secret"}'],
      ['application/strategic-merge-patch+json', '{"metadata":[]}'],
      ['application/apply-patch+yaml', '{"apiVersion":"v1"'],
      ['application/nonsense', '{}'],
      ['text/plain', 'data'],
    ];
    for (const [type, body] of patches) {
      const answer = await send('PATCH', `${MAPS}/kept?fieldManager=test`, type, body);
      isStatus(answer, `${type} ${String(body)}`);
    }
    const { object } = (await send('GET', `${MAPS}/kept`, '')) as { object: { data?: unknown } };
    expect(object.data).toEqual({ a: '1' });
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });

  it('answers a thousand broken requests with a Status each, and still works', async () => {
    const next = numbers(20_261_125);
    const valid = JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'x' }] } },
      },
    });
    const junk = [
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '0',
      '-1',
      'null',
      'true',
      '\\u0000',
      '"\\ud800"',
      '{}',
      '[]',
      '1e999',
    ];
    for (let i = 0; i < 1_000; i++) {
      let body = valid;
      for (let changes = next(4) + 1; changes > 0; changes--) {
        const at = next(body.length);
        body = body.slice(0, at) + junk[next(junk.length)]! + body.slice(at + next(6));
      }
      const answer = await send(
        'POST',
        '/apis/apps/v1/namespaces/default/deployments?dryRun=All',
        'application/json',
        body,
      );
      expect([200, 201, 400, 404, 409, 413, 422], body).toContain(answer.status);
    }
    expect((await send('GET', '/api/v1/namespaces', '')).object.kind).toBe('NamespaceList');
  });

  it('takes no harm from broken protocol buffers', async () => {
    const next = numbers(7);
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(Array.from({ length: next(200) }, () => next(256)));
      const body = i % 3 === 0 ? bytes : Buffer.concat([Buffer.from('k8s\0'), bytes]);
      const answer = await send('POST', '/api/v1/namespaces', 'application/vnd.kubernetes.protobuf', body);
      expect(answer.status, body.toString('hex')).toBe(400);
    }
  });

  it('answers odd paths, selectors and numbers', async () => {
    for (const path of [
      '/api/v1/namespaces/%00/configmaps',
      '/api/v1/namespaces/..%2f..%2fetc/configmaps/a',
      '/apis/nope/v1/things',
      '/api/v1/pods/a/b/c/d/e',
      `${MAPS}?labelSelector=((((`,
      `${MAPS}?fieldSelector=a`,
      `${MAPS}?limit=-5`,
      `${MAPS}?continue=nonsense`,
      `${MAPS}?resourceVersion=abc`,
      `${MAPS}?watch=true&resourceVersion=99999999999`,
    ]) {
      const answer = await send('GET', path, '').catch((error: Error) => error);
      if (answer instanceof Error) throw new Error(`${path}: ${answer.message}`);
      expect(answer.status, path).toBeLessThan(500);
    }
  });

  it('lets go of clients that say nothing or half of it', async () => {
    const half = connect(socketPath);
    half.write(
      `POST ${MAPS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: 1000\r\n\r\n{"half`,
    );
    const garbage = connect(socketPath);
    garbage.write('\0\x01\x02 not http\r\n\r\n');
    const refused = new Promise((resolve) => garbage.on('close', resolve).resume());
    await refused;
    half.destroy();
    expect((await send('GET', '/version', '')).status).toBe(200);
  });
});
