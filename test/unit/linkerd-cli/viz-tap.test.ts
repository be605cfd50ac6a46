import { describe, expect, it } from 'vitest';
import { tcpMessage } from '#mesh/api/addresses.ts';
import { decode, encode, type Message } from '#mesh/api/protobuf.ts';
import { framed, unframed, vizEvent } from '#mesh/viz/tap-api.ts';
import { tapJson, tapLine, tapPath, wideTapLine } from '#terminal/linkerd/viz/tap-lines.ts';
import { TopTable } from '#terminal/linkerd/viz/top-table.ts';

const event = (http: Message, more: Message = {}): Message =>
  // As it arrives: what is empty is not there.
  decode(
    vizEvent,
    encode(vizEvent, {
      source: tcpMessage('10.244.0.7', 40_000),
      source_meta: { labels: { pod: 'client-1', tls: 'true' } },
      destination: tcpMessage('10.244.0.8', 8080),
      destination_meta: { labels: { tls: 'loopback', pod: 'web-1', deployment: 'web' } },
      proxy_direction: 1,
      http,
      ...more,
    }),
  );
const id = { base: 3, stream: 0 };
const request = event({
  request_init: { id, method: { registered: 0 }, scheme: { registered: 0 }, authority: 'web', path: '/' },
});
const response = (status: number) =>
  event({ response_init: { id, since_request_init: { nanos: 1_917_499 }, http_status: status } });
const end = (eos: Message = {}) =>
  event({
    response_end: {
      id,
      since_request_init: { nanos: 2_000_000 },
      since_response_init: { seconds: 1, nanos: 82_001 },
      response_bytes: 6,
      eos,
    },
  });
const FLOW = 'proxy=in  src=10.244.0.7:40000 dst=10.244.0.8:8080 tls=true';

describe('the lines of linkerd viz tap', () => {
  it('show requests, answers and ends', () => {
    expect(tapLine(request)).toBe(`req id=3:0 ${FLOW} :method=GET :authority=web :path=/`);
    expect(tapLine(response(200))).toBe(`rsp id=3:0 ${FLOW} :status=200 latency=1917µs`);
    expect(tapLine(end())).toBe(`end id=3:0 ${FLOW} duration=1000082µs response-length=6B`);
  });

  it('name a gRPC status, also one that nobody knows, and a reset', () => {
    const rest = 'duration=1000082µs response-length=6B';
    expect(tapLine(end({ grpc_status_code: 0 }))).toBe(`end id=3:0 ${FLOW} grpc-status=OK ${rest}`);
    expect(tapLine(end({ grpc_status_code: 14 }))).toBe(`end id=3:0 ${FLOW} grpc-status=Unavailable ${rest}`);
    expect(tapLine(end({ grpc_status_code: 666 }))).toBe(`end id=3:0 ${FLOW} grpc-status=Code(666) ${rest}`);
    expect(tapLine(end({ reset_error_code: 8 }))).toBe(`end id=3:0 ${FLOW} reset-error=8 ${rest}`);
  });

  it('take the state of TLS from the far side of an outbound proxy, and other words for methods', () => {
    const out = event(
      { request_init: { id, method: { unregistered: 'PURGE' }, authority: 'web:80', path: '/a' } },
      { proxy_direction: 2, destination: tcpMessage('fd00::1', 80) },
    );
    expect(tapLine(out)).toBe(
      'req id=3:0 proxy=out src=10.244.0.7:40000 dst=[fd00::1]:80 tls=loopback :method=PURGE :authority=web:80 :path=/a',
    );
  });

  it('have the labels of both ends when they are wide', () => {
    expect(wideTapLine(response(200))).toMatch(
      / latency=1917µs src_pod=client-1 src_tls=true dst_deployment=web dst_pod=web-1 dst_tls=loopback$/,
    );
  });

  it('are objects in JSON, with null where Go has nothing and HTML escaped', () => {
    const headers = {
      headers: [
        { name: 'a', value_str: '<b>' },
        { name: 'c', value_bin: Buffer.from([255]) },
      ],
    };
    const text = tapJson(
      event({ response_end: { id, response_bytes: 1, eos: {}, trailers: headers } }, { source_meta: {} }),
    );
    expect(text).toContain('"valueStr": "\\u003cb\\u003e"');
    expect(JSON.parse(text)).toMatchObject({
      source: { ip: '10.244.0.7', port: 40_000, metadata: null },
      routeMeta: null,
      proxyDirection: 'INBOUND',
      responseEndEvent: {
        sinceRequestInit: null,
        responseBytes: 1,
        trailers: [
          { name: 'a', valueStr: '<b>' },
          { name: 'c', valueBin: '/w==' },
        ],
        grpcStatusCode: 0,
      },
    });
    expect(tapPath('{.destination.metadata.pod}')(request)).toBe('"web-1"');
    expect(tapPath('requestInitEvent.method')(request)).toBe('"GET"');
  });
});

describe('the table of linkerd viz top', () => {
  it('adds up what ended, a line for each source, destination, method and path', () => {
    const table = new TopTable({ hideSources: false, routes: false });
    for (const each of [request, response(200), end(), request, response(503), end(), request]) table.take(each);
    const [header, row, ...more] = table.lines();
    expect(header!.trim().split(/\s{2,}/)).toEqual([
      'Source',
      'Destination',
      'Method',
      'Path',
      'Count',
      'Best',
      'Worst',
      'Last',
      'Success Rate',
    ]);
    expect(row!.trim().split(/\s{2,}/)).toEqual(['client-1', 'web-1', 'GET', '/', '2', '2ms', '2ms', '2ms', '50.00%']);
    expect(more).toEqual([]);
  });
});

it('frames of the tap API are cut apart wherever the chunks end', async () => {
  const bytes = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.alloc(0)), framed(Buffer.from('three'))]);
  async function* chunks() {
    for (const byte of bytes) yield Uint8Array.of(byte);
  }
  const out: string[] = [];
  for await (const each of unframed(chunks())) out.push(Buffer.from(each).toString());
  expect(out).toEqual(['one', '', 'three']);
});
