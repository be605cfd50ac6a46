import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ipMessage } from '#mesh/api/addresses.ts';
import { decode, encode, type Message } from '#mesh/api/protobuf.ts';
import { OBSERVE } from '#mesh/api/tap-api.ts';
import type { Exchange } from '#mesh/proxy/exchange.ts';
import { InvalidMatch, readMatch, type Tapped } from '#mesh/proxy/tap/match.ts';
import { Tap, type TapPoint, Taps } from '#mesh/proxy/tap/taps.ts';
import { tapPatch } from '#mesh/viz/injector.ts';
import { proxyMatch } from '#mesh/viz/observe.ts';

const seen: Tapped = {
  method: 'POST',
  path: '/orders/7',
  authority: 'web.shop:80',
  scheme: 'http',
  source: { ip: '10.244.0.7', port: 40_000 },
  destination: { ip: '10.244.0.8', port: 8080 },
  destinationLabels: { deployment: 'web', namespace: 'shop' },
  routeLabels: undefined,
};

/** Over the wire and back, as a proxy gets it. */
function matches(match: Message): boolean {
  const { match: read } = decode(OBSERVE.request, encode(OBSERVE.request, { limit: 1, match }));
  return readMatch(read)(seen);
}
const http = (match: Message) => ({ http: match });

describe('what a tap matches', () => {
  it.each<[string, Message, boolean]>([
    ['everything', { all: { matches: [] } }, true],
    ['nothing', { any: { matches: [] } }, false],
    ['a method', http({ method: { registered: 1 } }), true],
    ['another method', http({ method: { registered: 0 } }), false],
    ['a method of nobody else', http({ method: { unregistered: 'PURGE' } }), false],
    ['a scheme', http({ scheme: { registered: 0 } }), true],
    ['another scheme', http({ scheme: { registered: 1 } }), false],
    ['an authority', http({ authority: { exact: 'web.shop:80' } }), true],
    ['the start of a path', http({ path: { prefix: '/orders' } }), true],
    ['a whole path', http({ path: { exact: '/orders' } }), false],
    ['a label', { destination_label: { key: 'deployment', value: 'web' } }, true],
    ['another label', { destination_label: { key: 'deployment', value: 'api' } }, false],
    ['a route that there is not', { route_label: { key: 'route', value: '/' } }, false],
    ['a port', { destination: { ports: { min: 8080 } } }, true],
    ['a range of ports', { source: { ports: { min: 1, max: 1024 } } }, false],
    ['a network', { source: { netmask: { ip: ipMessage('10.244.0.0'), mask: 16 } } }, true],
    ['another network', { source: { netmask: { ip: ipMessage('10.1.0.0'), mask: 16 } } }, false],
    ['a network of the other family', { source: { netmask: { ip: ipMessage('fd00::'), mask: 8 } } }, false],
    ['not', { not: http({ method: { registered: 0 } }) }, true],
    [
      'all of several',
      { all: { matches: [http({ method: { registered: 1 } }), { destination: { ports: { min: 1 } } }] } },
      false,
    ],
    [
      'any of several',
      { any: { matches: [http({ method: { registered: 1 } }), { destination: { ports: { min: 1 } } }] } },
      true,
    ],
  ])('%s', (_name, match, expected) => {
    expect(matches(match)).toBe(expected);
  });

  it.each<[Message, string]>([
    [{}, 'missing required field'],
    [{ not: {} }, 'missing required field'],
    [{ destination_label: { key: 'pod' } }, 'missing required field'],
    [{ source: { ports: { min: 9, max: 3 } } }, 'invalid port number'],
    [{ source: { netmask: { ip: ipMessage('10.0.0.0'), mask: 33 } } }, 'invalid network address'],
    [http({ scheme: { registered: 7 } }), 'invalid request scheme'],
  ])('refuses %j', (match, message) => {
    expect(() => matches(match)).toThrow(new InvalidMatch(message));
  });

  it('is made of what the command line asks for', () => {
    const asked = {
      all: {
        matches: [
          { destinations: { resource: { type: 'deployment', name: 'web', namespace: 'shop' } } },
          { http: { method: 'post' } },
          { http: { path: '/orders' } },
        ],
      },
    };
    expect(matches(proxyMatch(asked))).toBe(true);
  });
});

describe('taps of a proxy', () => {
  const exchange: Exchange = {
    version: 'HTTP/1.1',
    method: 'GET',
    path: '/orders?id=7',
    authority: 'web',
    headers: { accept: '*/*', 'l5d-client-id': 'nobody' },
    isGrpc: false,
    isNative: true,
    respond() {},
    onDone() {},
  };
  const point = (): TapPoint => ({
    direction: 'inbound',
    source: seen.source,
    destination: seen.destination,
    sourceLabels: { tls: 'true' },
    destinationLabels: {},
    destinationTls: { tls: 'loopback' },
  });
  const everything = () => true;

  it('are not asked where a request comes from while there are none', () => {
    const taps = new Taps();
    expect(taps.begin(exchange, () => expect.fail('nobody looks'))).toBeUndefined();
  });

  it('see as many requests as they want, and are done when the last of them is', async () => {
    const taps = new Taps();
    const events: Message[] = [];
    const tap = new Tap({ base: 4, limit: 1, matches: everything, headers: true, send: (each) => events.push(each) });
    taps.add(tap);
    const telling = taps.begin(exchange, point)!;
    expect(taps.begin(exchange, point)).toBeUndefined();
    const body = Readable.from([Buffer.from('hel'), Buffer.from('lo')], { objectMode: false });
    const answer = telling.answered({
      status: 200,
      headers: { server: 'x' },
      body,
      trailers: () => ({ 'grpc-status': '5' }),
    });
    let text = '';
    for await (const chunk of answer.body!) text += chunk;
    await tap.done;
    expect(text).toBe('hello');
    const [request, response, end] = events.map((each) => Object.values(each['http'])[0] as Message);
    expect(request).toMatchObject({ id: { base: 4, stream: 0 }, method: { registered: 0 }, path: '/orders' });
    expect(request!['headers'].headers.map(({ name }: { name: string }) => name)).toEqual(['host', 'accept']);
    expect(response).toMatchObject({ http_status: 200 });
    expect(end).toMatchObject({ response_bytes: 5, eos: { grpc_status_code: 5 } });
    expect(end!['trailers'].headers).toHaveLength(1);
  });

  it('hear of an answer that broke off, and of one that never came', async () => {
    const taps = new Taps();
    const events: Message[] = [];
    const tap = new Tap({ base: 0, limit: 2, matches: everything, headers: false, send: (each) => events.push(each) });
    taps.add(tap);
    const body = new Readable({ read() {} });
    const answer = taps.begin(exchange, point)!.answered({ status: 200, headers: {}, body });
    answer.body!.on('error', () => {});
    body.destroy(new Error('reset'));
    taps.begin(exchange, point)!.failed();
    await tap.done;
    expect(events.filter((each) => each['http'].response_end)).toHaveLength(2);
  });
});

describe('the tap injector', () => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
  const pod = (annotations: Record<string, string>, lists: object) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', annotations },
    spec: lists,
  });
  const meshed = { containers: [{ name: 'web' }, { name: 'linkerd-proxy', env: [] }] };

  it('tells the proxy who may tap, wherever the proxy is', () => {
    expect(tapPatch(pod({}, meshed), namespace, 'tap.name')).toEqual([
      { op: 'add', path: '/metadata/annotations/viz.linkerd.io~1tap-enabled', value: 'true' },
      {
        op: 'add',
        path: '/spec/containers/1/env/-',
        value: { name: 'LINKERD2_PROXY_TAP_SVC_NAME', value: 'tap.name' },
      },
    ]);
    const sidecar = { containers: [{ name: 'web' }], initContainers: [{ name: 'linkerd-proxy', env: [] }] };
    expect(tapPatch(pod({}, sidecar), namespace, 'x')[1]!.path).toBe('/spec/initContainers/0/env/-');
  });

  it('leaves alone what is not meshed, tapped already, or not to be tapped', () => {
    expect(tapPatch(pod({}, { containers: [{ name: 'web' }] }), namespace, 'x')).toEqual([]);
    expect(tapPatch(pod({ 'viz.linkerd.io/tap-enabled': 'true' }, meshed), namespace, 'x')).toEqual([]);
    expect(tapPatch(pod({ 'viz.linkerd.io/disable-tap': 'true' }, meshed), namespace, 'x')).toEqual([]);
    const closed = { ...namespace, metadata: { name: 'shop', annotations: { 'viz.linkerd.io/disable-tap': 'true' } } };
    expect(tapPatch(pod({}, meshed), closed, 'x')).toEqual([]);
  });
});
