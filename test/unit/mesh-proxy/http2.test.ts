import { once } from 'node:events';
import * as http2 from 'node:http2';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPair } from '#kube/network/connection.ts';
import type { Connection } from '#kube/network/network.ts';
import { type Answer, type Exchange, serveHttp2 } from '#mesh/proxy/exchange.ts';
import { Http2Upstream } from '#mesh/proxy/upstream.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function pair(): { client: Connection; server: Connection } {
  const [client, server] = [
    { address: '10.0.0.1', port: 40_000 },
    { address: '10.0.0.2', port: 8080 },
  ];
  return createPair({ client, server, originalDst: server });
}

/** Node's client of a server of ours. */
function nodeClient(onExchange: (exchange: Exchange) => void, settings: http2.Settings = {}): http2.ClientHttp2Session {
  const ends = pair();
  serveHttp2(ends.server, onExchange);
  const session = http2.connect('http://x', { createConnection: () => ends.client as never, settings });
  session.on('error', () => {});
  closers.push(() => session.destroy());
  return session;
}

/** Our client of a server of Node's. */
function nodeServer(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  settings: http2.Settings = {},
): Http2Upstream {
  const upstream = new Http2Upstream(async () => {
    const ends = pair();
    const session = http2.performServerHandshake(ends.server, { settings });
    session.on('error', () => {});
    session.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
      stream.on('error', () => {});
      onStream(stream, headers);
    });
    return ends.client;
  });
  closers.push(() => upstream.close());
  return upstream;
}

async function bytesOf(body: AsyncIterable<unknown> | undefined): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of body ?? []) all.push(chunk as Buffer);
  return Buffer.concat(all);
}

const contentOf = async (answer: Answer) => answer.whole ?? (await bytesOf(answer.body));
const out = (path: string, more: object = {}) => ({ method: 'POST', path, authority: 'api', headers: {}, ...more });
/** All that may be in a field, so that every code of their compression is met. */
const EVERY = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i));
const BIG = Buffer.alloc(3_000_000, '0123456789');

describe('a server of HTTP/2', () => {
  it('reads every letter of fields, and fields again that were named before', async () => {
    const seen: Exchange['headers'][] = [];
    const session = nodeClient((exchange) => {
      seen.push(exchange.headers);
      exchange.respond({ status: 200, headers: { 'x-many': ['1', '2'], server: 'a' } });
    });
    const printable = EVERY.filter((c) => c > ' ' && c !== '\x7f');
    const text = [...printable, ...printable.map((c) => `${c}aeiostaeiost`)].join('');
    for (let i = 0; i < 200; i++) {
      const stream = session.request({
        'x-text': text,
        'x-turn': String(i),
        cookie: ['a=1', 'b=2'],
        [`x-${i % 90}`]: 'v'.repeat(i),
      });
      const closed = once(stream, 'close');
      const [headers] = await once(stream, 'response');
      expect(headers).toMatchObject({ ':status': 200, 'x-many': '1, 2', server: 'a' });
      stream.resume();
      await closed;
    }
    seen.forEach((headers, i) => {
      expect(headers).toMatchObject({
        'x-text': text,
        'x-turn': String(i),
        cookie: 'a=1; b=2',
        [`x-${i % 90}`]: 'v'.repeat(i),
      });
    });
  });

  it.each([65_535, 1_000, 4_000_000])(
    'passes megabytes both ways through windows of %d bytes',
    async (initialWindowSize) => {
      const session = nodeClient(
        (exchange) =>
          exchange.respond({ status: 200, headers: {}, body: exchange.body!, trailers: () => ({ 'x-sum': '1' }) }),
        { initialWindowSize },
      );
      const size = initialWindowSize < 10_000 ? 200_000 : BIG.length;
      const echoed = async () => {
        const stream = session.request({ ':method': 'POST' });
        let trailers: object = {};
        stream.on('trailers', (got) => {
          trailers = got;
        });
        stream.end(BIG.subarray(0, size));
        expect((await bytesOf(stream)).equals(BIG.subarray(0, size))).toBe(true);
        expect(trailers).toMatchObject({ 'x-sum': '1' });
      };
      await Promise.all([echoed(), echoed(), echoed()]);
    },
  );

  it('holds back who sends more than is read, and who reads less than is sent', async () => {
    let taken: Exchange | undefined;
    const session = nodeClient((exchange) => {
      taken = exchange;
    });
    const stream = session.request({ ':method': 'POST' });
    stream.on('error', () => {});
    let sent = 0;
    const more = () => {
      while (sent < 20_000_000) {
        sent += 65_536;
        if (!stream.write(Buffer.alloc(65_536))) return void stream.once('drain', more);
      }
    };
    more();
    await vi.waitFor(() => expect(sent).toBeGreaterThan(1_000_000));
    expect(sent).toBeLessThan(4_000_000);
    let made = 0;
    const endless = new Readable({
      read() {
        made += 65_536;
        this.push(Buffer.alloc(65_536));
      },
    });
    taken!.respond({ status: 200, headers: {}, body: endless });
    await once(stream, 'response');
    await vi.waitFor(() => expect(made).toBeGreaterThan(0));
    expect(made).toBeLessThan(2_000_000);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await vi.waitFor(() => expect(endless.destroyed).toBe(true));
  });

  it('tells of a client that gives up, and breaks off what broke', async () => {
    const done: boolean[] = [];
    const bodies: Readable[] = [];
    const session = nodeClient((exchange) => {
      exchange.onDone((complete) => done.push(complete));
      const body = new Readable({ read() {} });
      bodies.push(body);
      body.push('some');
      exchange.respond({ status: 200, headers: {}, body });
    });
    const leaves = session.request({});
    await once(leaves, 'data');
    leaves.close(http2.constants.NGHTTP2_CANCEL);
    await vi.waitFor(() => expect(done).toEqual([false]));
    expect(bodies[0]!.destroyed).toBe(true);
    const broken = session.request({});
    await once(broken, 'data');
    bodies[1]!.destroy(new Error('gone'));
    await expect(once(broken, 'end')).rejects.toThrow('NGHTTP2_INTERNAL_ERROR');
    expect(done).toEqual([false, false]);
    const whole = session.request({});
    whole.resume();
    await once(whole, 'response');
    bodies[2]!.push(null);
    await once(whole, 'close');
    expect(done).toEqual([false, false, true]);
  });

  it('answers before all of a request has come', async () => {
    const session = nodeClient((exchange) => exchange.respond({ status: 413, headers: {} }));
    const stream = session.request({ ':method': 'POST' });
    stream.write('some');
    const closed = once(stream, 'close');
    expect((await once(stream, 'response'))[0]).toMatchObject({ ':status': 413 });
    stream.resume();
    await closed;
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_NO_ERROR);
  });

  it('ends a connection that speaks something else', async () => {
    const ends = pair();
    serveHttp2(ends.server, () => {});
    ends.client.on('error', () => {});
    ends.client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    ends.client.resume();
    await once(ends.client, 'end');
  });
});

describe('a client of HTTP/2', () => {
  it('is understood in every letter, and fields again that were named before', async () => {
    const seen: http2.IncomingHttpHeaders[] = [];
    const upstream = nodeServer((stream, headers) => {
      seen.push(headers);
      stream.respond({ ':status': 200, 'x-back': headers['x-turn'], 'set-cookie': ['a', 'b'] });
      stream.end('ok');
    });
    for (let i = 0; i < 300; i++) {
      const answer = await upstream.send(
        out(`/${i}`, {
          headers: { 'x-turn': String(i), [`x-${i % 90}`]: 'v'.repeat(i * 3), long: i === 7 ? 'l'.repeat(40_000) : '' },
        }),
      );
      expect(answer).toMatchObject({ status: 200, headers: { 'x-back': String(i), 'set-cookie': ['a', 'b'] } });
      expect(String(await contentOf(answer))).toBe('ok');
      expect(seen[i]).toMatchObject({ ':path': `/${i}`, 'x-turn': String(i), [`x-${i % 90}`]: 'v'.repeat(i * 3) });
    }
    expect(seen[7]!['long']).toHaveLength(40_000);
  });

  it('keeps to what the server wants: table, windows and streams', async () => {
    let open = 0;
    let most = 0;
    const upstream = nodeServer(
      (stream) => {
        most = Math.max(most, ++open);
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.on('close', () => open--);
        stream.pipe(stream);
      },
      { headerTableSize: 100, initialWindowSize: 5_000, maxConcurrentStreams: 3 },
    );
    await upstream.send(out('/first')).then(contentOf);
    const size = 300_000;
    const all = Array.from({ length: 10 }, async (_, i) => {
      const answer = await upstream.send(
        out(`/${i}`, { headers: { 'x-i': String(i) }, body: Readable.from([BIG.subarray(0, size)]) }),
      );
      expect((await contentOf(answer)).equals(BIG.subarray(0, size))).toBe(true);
      expect(answer.trailers?.()).toMatchObject({ 'grpc-status': '0' });
    });
    await Promise.all(all);
    expect(most).toBeLessThanOrEqual(3);
  });

  it('gives up when told, and says when a stream or the connection broke', async () => {
    let closed = 0;
    const upstream = nodeServer((stream, headers) => {
      stream.on('close', () => closed++);
      if (headers[':path'] === '/reset') stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      if (headers[':path'] === '/away') stream.session!.destroy();
      if (headers[':path'] === '/half') {
        stream.respond({ ':status': 200 });
        stream.write('some', () => stream.destroy(new Error('broken')));
      }
    });
    const abort = new AbortController();
    const given = upstream.send(out('/wait', { signal: abort.signal }));
    setImmediate(() => setImmediate(() => abort.abort()));
    await expect(given).rejects.toThrow('aborted');
    await expect(upstream.send(out('/reset'))).rejects.toThrow('stream error received');
    const half = await upstream.send(out('/half'));
    await expect(bytesOf(half.body)).rejects.toThrow('stream error received');
    await vi.waitFor(() => expect(closed).toBe(3));
    await expect(upstream.send(out('/away'))).rejects.toThrow();
    expect(upstream.connected).toBe(false);
    await expect(upstream.send(out('/reset'))).rejects.toThrow('stream error received');
  });

  it('makes another connection once the server wants to go, and lets what is on its way end', async () => {
    const sessions = new Set<http2.Http2Session>();
    const upstream = nodeServer((stream, headers) => {
      sessions.add(stream.session!);
      stream.respond({ ':status': 200 });
      if (headers[':path'] !== '/last') return void stream.end('ok');
      stream.write('be');
      stream.session!.close();
      setImmediate(() => setImmediate(() => stream.end('gun')));
    });
    const last = await upstream.send(out('/last'));
    expect(String(await contentOf(last))).toBe('begun');
    await vi.waitFor(() => expect(upstream.connected).toBe(false));
    expect(String(await contentOf(await upstream.send(out('/next'))))).toBe('ok');
    expect(sessions.size).toBe(2);
  });

  it('fails where the other side speaks something else', async () => {
    const upstream = new Http2Upstream(async () => {
      const ends = pair();
      ends.server.on('error', () => {});
      ends.server.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
      ends.server.resume();
      return ends.client;
    });
    await expect(upstream.send(out('/'))).rejects.toThrow('connection error detected');
  });
});
