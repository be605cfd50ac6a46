import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { Status } from '#kube/api/status.ts';
import type { KubeList, KubeObject } from '#kube/api/types.ts';
import { clusterSettings } from '#schema/lab.ts';
import { dialSpdy, SpdyClient } from './support/spdy-client.ts';

/**
 * What programs in Go with client-go (the official linkerd CLI among them) send to an API server beyond what kubectl
 * does, byte by byte where it matters. Source: client-go rest, metadata, dynamic, tools/portforward, tools/remotecommand.
 */
const PROTOBUF = 'application/vnd.kubernetes.protobuf,application/json';
const METADATA_LIST =
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const METADATA =
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

const WAIT = { timeout: 20_000, interval: 50 };
const token = 'client-go';
const folder = mkdtempSync(join(tmpdir(), 'academy-client-go-'));
const socketPath = join(folder, 'api.sock');
const stopped = new AbortController();
let cluster: Cluster;

interface Answer<T = KubeObject & KubeList & Status> {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  json: T;
}

function ask<T = KubeObject & KubeList & Status>(
  method: string,
  path: string,
  options: { accept?: string; type?: string; body?: unknown; token?: string; headers?: Record<string, string> } = {},
): Promise<Answer<T>> {
  const { body } = options;
  const bytes =
    body === undefined || body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      {
        socketPath,
        method,
        path,
        headers: {
          accept: options.accept ?? PROTOBUF,
          authorization: `Bearer ${options.token ?? token}`,
          'user-agent': 'linkerd/v0.0.0 (linux/amd64) kubernetes/$Format',
          ...(bytes === undefined
            ? {}
            : { 'content-type': options.type ?? 'application/json', 'content-length': Buffer.byteLength(bytes) }),
          ...options.headers,
        },
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('end', () => {
          let json: unknown;
          try {
            json = JSON.parse(text);
          } catch {
            json = undefined;
          }
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json: json as T });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

/** Events of a watch until `enough` of them came. */
function watch(path: string, accept: string, enough: (events: WatchEvent[]) => boolean): Promise<WatchEvent[]> {
  return new Promise((resolve, reject) => {
    const outgoing = http.get(
      { socketPath, path, headers: { accept, authorization: `Bearer ${token}` } },
      (incoming) => {
        let rest = '';
        const events: WatchEvent[] = [];
        const stop = () => {
          outgoing.destroy();
          resolve(events);
        };
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          rest += chunk;
          for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
            events.push(JSON.parse(rest.slice(0, end)) as WatchEvent);
            rest = rest.slice(end + 1);
          }
          if (enough(events)) stop();
        });
        incoming.on('end', stop);
      },
    );
    outgoing.on('error', reject);
  });
}
interface WatchEvent {
  type: string;
  object: KubeObject & Status;
}

const map = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});
const MAPS = '/api/v1/namespaces/shop/configmaps';

/** Protocol buffers by hand: a field with bytes, and the envelope of Kubernetes around a message. */
const field = (number: number, value: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(value);
  const length = [];
  for (let n = bytes.length; ; n >>= 7) {
    length.push(n > 127 ? (n & 127) | 128 : n);
    if (n <= 127) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
};
const enveloped = (apiVersion: string, kind: string, raw: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([field(1, apiVersion), field(2, kind)])),
    field(2, raw),
    field(3, ''),
    field(4, ''),
  ]);

beforeAll(async () => {
  cluster = await createEmbeddedDriver().create({
    id: 'client-go',
    settings: clusterSettings.parse({ mesh: 'none' }),
    onStep: () => {},
    signal: stopped.signal,
  });
  await cluster.serveApi(socketPath, token);
  await cluster.admin.create({ group: '', version: 'v1', resource: 'namespaces' }, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop' },
  } as KubeObject);
  const account = '/api/v1/namespaces/shop/serviceaccounts/default';
  await vi.waitFor(async () => expect((await ask('GET', account)).status).toBe(200), WAIT);
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      containers: [
        {
          name: 'web',
          image: 'kennethreitz/httpbin',
          ports: [{ name: 'http', containerPort: 80 }],
        },
        { name: 'tool', image: 'busybox:1.36', command: ['sleep', '3600'] },
      ],
    },
  };
  const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'shop' };
  await cluster.admin.create(pods, pod);
  await cluster.admin.create({ ...pods, resource: 'services' }, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'www', port: 8080, targetPort: 'http' }] },
  } as KubeObject);
  await vi.waitFor(async () => {
    const { json } = await ask('GET', '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices');
    expect(json.items[0]?.['endpoints']?.[0]?.conditions.ready).toBe(true);
  }, WAIT);
}, 30_000);

afterAll(async () => {
  stopped.abort();
  await cluster?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

describe('lists', () => {
  beforeAll(async () => {
    for (let n = 0; n < 7; n++) await ask('POST', MAPS, { body: map(`part-${n}`, { n: `${n}` }, { set: 'parts' }) });
  });
  const page = (query: string) => ask('GET', `${MAPS}?labelSelector=set%3Dparts&${query}`);

  it('answers JSON to clients that would rather have protocol buffers', async () => {
    const { status, headers, json } = await page('limit=500&resourceVersion=0');
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'application/json' });
    expect(json).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
    expect(json.items.map(({ metadata }) => metadata.name)).toHaveLength(7);
    expect(json.metadata.continue).toBeUndefined();
  });

  it('refuses forms that it does not have', async () => {
    for (const accept of ['application/vnd.kubernetes.protobuf', 'text/html']) {
      const { status, json } = await ask('GET', MAPS, { accept });
      expect(status, accept).toBe(406);
      expect(json.reason).toBe('NotAcceptable');
    }
    expect((await ask('GET', MAPS, { accept: 'text/html, */*' })).status).toBe(200);
  });

  it('gives a list in parts as it was when the first was asked for', async () => {
    const first = (await page('limit=3')).json;
    expect(first.items).toHaveLength(3);
    await ask('DELETE', `${MAPS}/part-5`);
    await ask('POST', MAPS, { body: map('part-55', {}, { set: 'parts' }) });
    await ask('PATCH', `${MAPS}/part-4`, { type: 'application/merge-patch+json', body: { data: { n: 'changed' } } });
    const second = (await page(`limit=3&continue=${first.metadata.continue}`)).json;
    const third = (await page(`limit=3&continue=${second.metadata.continue}`)).json;
    expect([...second.items, ...third.items].map((item) => [item.metadata.name, item['data'].n])).toEqual([
      ['part-3', '3'],
      ['part-4', '4'],
      ['part-5', '5'],
      ['part-6', '6'],
    ]);
    expect([second, third].map(({ metadata }) => metadata.resourceVersion)).toEqual([
      first.metadata.resourceVersion,
      first.metadata.resourceVersion,
    ]);
    expect(third.metadata.continue).toBeUndefined();
    const mixed = await page(`limit=3&resourceVersion=1&continue=${first.metadata.continue}`);
    expect([mixed.status, mixed.json.message]).toEqual([
      400,
      'specifying resource version is not allowed when using continue',
    ]);
  });

  it('judges resource versions', async () => {
    const now = (await page('')).json.metadata.resourceVersion!;
    const exact = await page(`resourceVersion=${now}&resourceVersionMatch=Exact`);
    expect([exact.status, exact.json.metadata.resourceVersion]).toEqual([200, now]);
    const future = await page(`resourceVersion=${Number(now) + 1000}&resourceVersionMatch=NotOlderThan`);
    expect(future.json).toMatchObject({
      code: 504,
      reason: 'Timeout',
      message: `Too large resource version: ${Number(now) + 1000}, current: ${now}`,
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
    });
    const lone = await page('resourceVersionMatch=Exact');
    expect(lone.json).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(lone.json.message).toContain(
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    );
  });

  it('gives the metadata alone', async () => {
    const { json } = await ask('GET', `${MAPS}?labelSelector=set%3Dparts`, { accept: METADATA_LIST });
    expect(json).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect(json.items[0]).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'part-0' } });
    expect(json.items[0]).not.toHaveProperty('data');
    const one = (await ask('GET', `${MAPS}/part-0`, { accept: METADATA })).json;
    expect(Object.keys(one).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
    const patched = await ask('PATCH', `${MAPS}/part-0`, {
      accept: METADATA,
      type: 'application/merge-patch+json',
      body: { metadata: { annotations: { seen: 'yes' } } },
    });
    expect(patched.json).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { annotations: { seen: 'yes' } } });
  });
});

describe('watches', () => {
  it('begin with what is there and say when that was all', async () => {
    await ask('POST', MAPS, { body: map('seen', {}, { for: 'watch' }) });
    const path = `${MAPS}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=&timeoutSeconds=300&labelSelector=for%3Dwatch`;
    const events = await watch(path, PROTOBUF, (seen) => seen.some(({ type }) => type === 'BOOKMARK'));
    expect(events.map(({ type, object }) => [type, object.kind, object.metadata.name])).toEqual([
      ['ADDED', 'ConfigMap', 'seen'],
      ['BOOKMARK', 'ConfigMap', undefined],
    ]);
    expect(events[1]!.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    const { json } = await ask('GET', `${MAPS}?watch=true&sendInitialEvents=true`);
    expect(json).toMatchObject({ code: 422, reason: 'Invalid' });
  });

  it('carry the metadata alone, bookmarks too', async () => {
    const path = `${MAPS}?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&labelSelector=for%3Dwatch`;
    const accept = METADATA_LIST.replaceAll('MetadataList', 'Metadata');
    const events = await watch(path, accept, (seen) => seen.some(({ type }) => type === 'BOOKMARK'));
    for (const { object } of events)
      expect(object).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' });
    expect(events[0]!.object).not.toHaveProperty('data');
  });

  it('go on from a version, and end when it is not known any more', async () => {
    const from = (await ask('GET', `${MAPS}?limit=1`)).json.metadata.resourceVersion!;
    await ask('POST', MAPS, { body: map('later', {}, { for: 'watch' }) });
    const path = (version: string) => `${MAPS}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`;
    const [event] = await watch(path(from), PROTOBUF, (seen) => seen.length > 0);
    expect([event!.type, event!.object.metadata.name]).toEqual(['ADDED', 'later']);
    const [error] = await watch(path(String(Number(from) + 100_000)), PROTOBUF, (seen) => seen.length > 0);
    expect(error).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 504, reason: 'Timeout' } });
  });
});

describe('writes', () => {
  it('takes protocol buffers, whoever sends them', async () => {
    const attributes = Buffer.concat([field(1, 'shop'), field(2, 'list'), field(5, 'pods')]);
    const review = field(2, field(1, attributes));
    const answer = await ask<KubeObject>('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      type: 'application/vnd.kubernetes.protobuf',
      body: enveloped('authorization.k8s.io/v1', 'SelfSubjectAccessReview', review),
    });
    expect([answer.status, answer.json.status?.allowed]).toEqual([201, true]);

    const made = await ask('POST', `${MAPS}?fieldManager=linkerd`, {
      type: 'application/vnd.kubernetes.protobuf',
      body: enveloped(
        'v1',
        'ConfigMap',
        Buffer.concat([field(1, field(1, 'proto')), field(2, Buffer.concat([field(1, 'a'), field(2, 'b')]))]),
      ),
    });
    expect([made.status, made.json['data']]).toEqual([201, { a: 'b' }]);
    const removed = await ask('DELETE', `${MAPS}/proto`, {
      type: 'application/vnd.kubernetes.protobuf',
      body: enveloped('v1', 'DeleteOptions', field(4, 'Background')),
    });
    expect([removed.status, removed.json.status]).toEqual([200, 'Success']);
  });

  it('applies on the server, and says who else holds a field', async () => {
    const apply = (manager: string, value: string, force = '') =>
      ask('PATCH', `${MAPS}/applied?fieldManager=${manager}&fieldValidation=Strict${force}`, {
        type: 'application/apply-patch+yaml',
        body: `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  key: ${value}\n`,
      });
    expect((await apply('linkerd', 'one')).status).toBe(201);
    const { json } = await apply('other', 'two');
    expect(json).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(json.message).toBe('Apply failed with 1 conflict: conflict with "linkerd": .data.key');
    expect((await apply('other', 'two', '&force=true')).json['data']).toEqual({ key: 'two' });
  });

  it('is strict where it is asked to be', async () => {
    const body = { ...map('strict'), dat: {} };
    const strict = await ask('POST', `${MAPS}?fieldValidation=Strict`, { body });
    expect([strict.status, strict.json.message]).toEqual([
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dat"',
    ]);
    const warned = await ask('POST', `${MAPS}?fieldValidation=Warn&dryRun=All`, { body });
    expect([warned.status, warned.headers['warning']]).toEqual([201, '299 - "unknown field \\"dat\\""']);
  });
});

describe('streams', () => {
  const dial = (path: string, protocols: string[], as = token) =>
    dialSpdy({ socketPath, token: as, path: `/api/v1/namespaces/shop/pods/${path}`, protocols });
  const connected = async (path: string, protocols: string[]) => {
    const client = await dial(path, protocols);
    if (!(client instanceof SpdyClient)) throw new Error(`refused: ${client.status} ${client.body}`);
    return client;
  };
  const EXEC = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];

  it('forwards ports over SPDY, several connections at once', async () => {
    const spdy = await connected('web/portforward', ['portforward.k8s.io']);
    expect(spdy.protocol).toBe('portforward.k8s.io');
    const get = async (id: number, port = '80') => {
      const of = (streamtype: string) => ({ streamtype, port, requestid: String(id) });
      const error = await spdy.open(of('error'));
      spdy.write(error, '', true);
      const data = await spdy.open(of('data'));
      spdy.write(data, `GET /get?n=${id} HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n`);
      return { text: await spdy.read(data), error: await spdy.read(error) };
    };
    const answers = await Promise.all([get(0), get(1)]);
    for (const [n, { text, error }] of answers.entries()) {
      expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
      expect(text).toContain(`get?n=${n}`);
      expect(error).toBe('');
    }
    expect((await get(2, '9999')).error).toContain('connection refused');
    spdy.close();
  });

  it('runs commands over SPDY, with input, errors and a code', async () => {
    const query = new URLSearchParams({ container: 'tool', stdin: 'true', stdout: 'true', stderr: 'true' });
    for (const word of ['sh', '-c', 'tr a-z A-Z; echo no >&2; exit 3']) query.append('command', word);
    const spdy = await connected(`web/exec?${query}`, EXEC);
    expect(spdy.protocol).toBe('v4.channel.k8s.io');
    const error = await spdy.open({ streamtype: 'error' });
    const stdin = await spdy.open({ streamtype: 'stdin' });
    const stdout = await spdy.open({ streamtype: 'stdout' });
    const stderr = await spdy.open({ streamtype: 'stderr' });
    spdy.write(stdin, 'typed\n', true);
    expect(await spdy.read(stdout)).toBe('TYPED\n');
    expect(await spdy.read(stderr)).toBe('no\n');
    expect(JSON.parse(await spdy.read(error))).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
    await spdy.closed();
  });

  it('keeps what a command said before its streams were open', async () => {
    const spdy = await connected('web/exec?container=tool&stdout=true&command=echo&command=early', EXEC);
    await ask('GET', '/version');
    const error = await spdy.open({ streamtype: 'error' });
    const stdout = await spdy.open({ streamtype: 'stdout' });
    expect(await spdy.read(stdout)).toBe('early\n');
    expect(JSON.parse(await spdy.read(error))).toMatchObject({ status: 'Success' });
  });

  it('asks who may before the protocol changes', async () => {
    await cluster.admin.create({ group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'shop' }, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'robot' },
    } as KubeObject);
    const { json } = await ask('POST', '/api/v1/namespaces/shop/serviceaccounts/robot/token', {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    const robot = (json as unknown as { status: { token: string } }).status.token;
    for (const [path, protocols] of [
      ['web/portforward', ['portforward.k8s.io']],
      ['web/exec?container=tool&command=true', EXEC],
    ] as const) {
      const refused = await dial(path, [...protocols], robot);
      expect(refused).toMatchObject({ status: 403 });
      expect((refused as { body: string }).body).toContain('cannot create resource');
    }
    expect(await dial('nobody/portforward', ['portforward.k8s.io'])).toMatchObject({ status: 404 });
    expect(await dial('web/portforward', ['other.example'])).toMatchObject({ status: 403 });
    const tunnel = await ask('GET', '/api/v1/namespaces/shop/pods/web/portforward', {
      token: robot,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io',
      },
    });
    expect([tunnel.status, tunnel.json.reason]).toEqual([403, 'Forbidden']);
    const proxied = await ask('GET', '/api/v1/namespaces/shop/pods/web:80/proxy/get', { token: robot });
    expect(proxied.json.message).toContain('cannot get resource "pods/proxy" in API group ""');
  });
});

describe('the proxy of pods and services', () => {
  const POD = '/api/v1/namespaces/shop/pods';
  const SERVICE = '/api/v1/namespaces/shop/services';

  it('passes method, path, query, headers and body on, and the answer back', async () => {
    const { status, headers, json } = await ask<Record<string, unknown>>(
      'POST',
      `${POD}/web:80/proxy/anything/a%20b?x=1&x=2`,
      {
        accept: '*/*',
        type: 'text/plain',
        body: 'hello',
        headers: { 'x-mine': 'yes' },
      },
    );
    expect([status, headers['content-type'], json['method'], json['data']]).toEqual([
      200,
      'application/json',
      'POST',
      'hello',
    ]);
    expect(json['args']).toEqual({ x: ['1', '2'] });
    expect(json['headers']).toMatchObject({ 'X-Mine': 'yes' });
    expect(json['headers']).not.toHaveProperty('Authorization');
    const teapot = await ask('GET', `${POD}/http:web:80/proxy/status/418`);
    expect(teapot.status).toBe(418);
  });

  it('finds a Service’s port by name or number', async () => {
    for (const id of ['web', 'web:www', 'web:8080', 'http:web:www'])
      expect((await ask('GET', `${SERVICE}/${id}/proxy/get`)).status, id).toBe(200);
    const wrong = await ask('GET', `${SERVICE}/web:smtp/proxy/get`);
    expect([wrong.status, wrong.json.message]).toEqual([503, 'no service port "smtp" found for service "web"']);
  });

  it('says what it can’t reach', async () => {
    const refused = await ask('GET', `${POD}/web:9999/proxy/`);
    expect(refused.json).toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
    expect(refused.json.message).toMatch(
      /^error trying to reach service: dial tcp 10\.[\d.]+:9999: connect: connection refused$/,
    );
    expect((await ask('GET', `${POD}/nobody/proxy/`)).json.message).toBe('pods "nobody" not found');
    expect((await ask('GET', `${POD}/ftp:web:80/proxy/`)).json.message).toBe('invalid pod request "ftp:web:80"');
    const bare = await ask('GET', `${POD}/web:80/proxy`);
    expect([bare.status, bare.headers.location]).toEqual([301, `${POD}/web:80/proxy/`]);
  });

  it('keeps redirects of the program under its own path', async () => {
    const { status, headers } = await ask('GET', `${POD}/web:80/proxy/redirect-to?url=/get`);
    expect([status, headers.location]).toEqual([302, `${POD}/web:80/proxy/get`]);
  });

  it('hands on what comes as it comes', async () => {
    const chunks = await new Promise<number>((resolve, reject) => {
      const outgoing = http.get(
        {
          socketPath,
          path: `${POD}/web:80/proxy/drip?numbytes=3&duration=1`,
          headers: { authorization: `Bearer ${token}` },
        },
        (incoming) => {
          let count = 0;
          incoming.on('data', () => {
            count++;
          });
          incoming.on('end', () => resolve(count));
        },
      );
      outgoing.on('error', reject);
    });
    expect(chunks).toBeGreaterThan(1);
  });
});
