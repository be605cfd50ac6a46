import { once } from 'node:events';
import http from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Connection } from '#kube/network/network.ts';
import { type PodWorld, request, serve, World } from './world.ts';

let world: World;
let web: PodWorld;
let api: PodWorld;

beforeEach(async () => {
  world = await World.open();
  [web, api] = [world.pod('web'), world.pod('api')];
  world.meshed(api, 8080);
  await vi.waitFor(() => {
    for (const { log } of [web, api]) expect(log.join('\n')).toContain('Certified identity');
  });
});
afterEach(() => world.stop());

const dial = () => web.net.dial(api.net.ip, 8080, { uid: 0 });

/** An application that says these pieces to each request, one after the other, whatever the request is. */
function says(pieces: string[], end = false): string[] {
  const heads: string[] = [];
  api.net.listen(8080, (connection) => {
    connection.on('error', () => {});
    connection.on('data', (chunk: Buffer) => {
      heads.push(chunk.toString('latin1'));
      const next = (at: number) => {
        if (at === pieces.length) return end && connection.end();
        connection.write(pieces[at]!, 'latin1', () => setImmediate(next, at + 1));
      };
      next(0);
    });
  });
  return heads;
}

/** All bytes that come on a connection until `done` of them holds or it ends. */
async function told(connection: Connection, done: (text: string) => boolean): Promise<string> {
  let text = '';
  connection.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  connection.on('error', () => {});
  await vi.waitFor(() => expect(done(text) || connection.readableEnded || connection.destroyed).toBe(true));
  return text;
}

describe('bodies', () => {
  it.each([
    ['with a length', true],
    ['in chunks', false],
  ])('of megabytes go both ways %s', async (_, sized) => {
    serve(api.net, 8080, (req, res) => {
      if (sized) res.setHeader('content-length', req.headers['content-length']!);
      req.pipe(res);
    });
    const body = Buffer.alloc(3_000_000, 'abcdefghij');
    const connection = await dial();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    agent.createConnection = () => connection as never;
    for (let i = 0; i < 2; i++) {
      const req = http.request({
        agent,
        method: 'POST',
        host: 'api',
        ...(sized ? { headers: { 'content-length': body.length } } : {}),
      });
      for (let at = 0; at < body.length; at += 100_000) req.write(body.subarray(at, at + 100_000));
      req.end();
      const [res] = (await once(req, 'response')) as [http.IncomingMessage];
      const got: Buffer[] = [];
      for await (const chunk of res) got.push(chunk as Buffer);
      expect(Buffer.concat(got).equals(body)).toBe(true);
    }
    agent.destroy();
  });

  it('wait for a client that does not read', async () => {
    let written = 0;
    serve(api.net, 8080, (_req, res) => {
      const more = () => {
        while (written < 50_000_000) {
          written += 65_536;
          if (!res.write(Buffer.alloc(65_536))) return void res.once('drain', more);
        }
        res.end();
      };
      more();
    });
    const connection = await dial();
    connection.write('GET / HTTP/1.1\r\nhost: api\r\n\r\n');
    connection.pause();
    let before = -1;
    await vi.waitFor(
      () => {
        const still = written === before && written > 0;
        before = written;
        expect(still).toBe(true);
      },
      { interval: 100 },
    );
    expect(written).toBeLessThan(10_000_000);
    connection.resume();
    let read = 0;
    connection.on('data', (chunk: Buffer) => {
      read += chunk.length;
    });
    await vi.waitFor(() => expect(read).toBeGreaterThan(50_000_000), 10_000);
    connection.destroy();
  });

  it('that break off break off for the client, and the other way', async () => {
    let gone = 0;
    serve(api.net, 8080, (req, res) => {
      res.writeHead(200, { 'content-length': '1000' });
      res.write('some');
      res.on('close', () => gone++);
      if (req.url === '/break') setImmediate(() => req.socket.destroy());
    });
    const broken = await dial();
    broken.write('GET /break HTTP/1.1\r\nhost: api\r\n\r\n');
    await told(broken, () => false);
    const leaves = await dial();
    leaves.write('GET /leave HTTP/1.1\r\nhost: api\r\n\r\n');
    await told(leaves, (text) => text.includes('some'));
    leaves.destroy();
    await vi.waitFor(() => expect(gone).toBe(2));
  });
});

describe('an application', () => {
  const get = () => request(web.net, api.net.ip, 8080, '/x');

  it('may cut its answer anywhere', async () => {
    const text =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\nX-T: 1\r\n\r\n';
    const heads = says([...text]);
    expect(await get()).toMatchObject({ status: 200, body: 'abcde', headers: { 'set-cookie': ['a', 'b'] } });
    expect(await get()).toMatchObject({ status: 200, body: 'abcde' });
    expect(heads).toEqual([expect.stringMatching(/^GET \/x HTTP\/1\.1\r\n/), expect.stringMatching(/^GET \/x /)]);
  });

  it('may end its answer with its connection', async () => {
    says(['HTTP/1.0 200 OK\r\n\r\nall ', 'of it'], true);
    expect(await get()).toMatchObject({ status: 200, body: 'all of it' });
  });

  it('may send word before its answer, and no body', async () => {
    says([
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n',
      'HTTP/1.1 204 No Content\r\nx: y\r\n\r\n',
    ]);
    expect(await get()).toMatchObject({ status: 204, body: '', headers: { x: 'y' } });
  });

  it.each([
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd',
    'HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n',
    'nonsense\r\n\r\n',
    '',
  ])('that says %j is answered for', async (text) => {
    says([text], true);
    expect(await get()).toMatchObject({ status: 500 });
  });
});

describe('a client', () => {
  beforeEach(() => {
    serve(api.net, 8080, (req, res) => {
      let body = '';
      req.on('data', (chunk) => {
        body += chunk;
      });
      req.on('end', () => res.end(`<${req.method} ${req.url} ${body}>`));
    });
  });

  it('may send several requests at once and is answered in their order', async () => {
    const connection = await dial();
    connection.write(
      'GET /1 HTTP/1.1\r\nhost: api\r\n\r\nPOST /2 HTTP/1.1\r\nhost: api\r\ncontent-length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nhost: api\r\n\r\n',
    );
    const text = await told(connection, (all) => all.includes('/3'));
    expect(text.match(/<[^>]*>/g)).toEqual(['<GET /1 >', '<POST /2 abc>', '<GET /3 >']);
    connection.destroy();
  });

  it('may cut its requests anywhere, in chunks, after plain ones', async () => {
    const connection = await dial();
    const text =
      'GET /1 HTTP/1.1\r\nhost: api\r\n\r\nPOST /2 HTTP/1.1\r\nhost: api\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nHEAD /3 HTTP/1.1\r\nhost: api\r\n\r\nGET /4 HTTP/1.1\r\nhost: api\r\nconnection: close\r\n\r\n';
    for (const each of text) connection.write(each);
    const all = await told(connection, () => false);
    expect(all.match(/<[^>]*>/g)).toEqual(['<GET /1 >', '<POST /2 ab>', '<GET /4 >']);
    expect(all.match(/HTTP\/1\.1 200/g)).toHaveLength(4);
    expect(connection.readableEnded).toBe(true);
  });

  it('may ask to be told to go on', async () => {
    const connection = await dial();
    connection.write('POST /1 HTTP/1.1\r\nhost: api\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n');
    const all = told(connection, (text) => text.includes('>'));
    await once(connection, 'data');
    connection.write('ok');
    expect(await all).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*<POST \/1 ok>/);
    connection.destroy();
  });

  it('may change to another protocol, after plain requests too', async () => {
    const server = http.createServer((_req, res) => res.end('<plain>'));
    server.on('upgrade', (_req, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    world.meshed(api, 8081);
    api.net.listen(8081, (connection) => server.emit('connection', connection));
    const connection = await web.net.dial(api.net.ip, 8081, { uid: 0 });
    connection.write('GET / HTTP/1.1\r\nhost: api\r\n\r\n');
    connection.write('GET / HTTP/1.1\r\nhost: api\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
    const all = told(connection, (text) => text.includes('bytes'));
    await vi.waitFor(() => expect(connection.bytesRead).toBeGreaterThan(150));
    connection.write('bytes');
    expect(await all).toMatch(/<plain>HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*\r\n\r\nbytes$/);
    connection.destroy();
  });

  it('that speaks HTTP/1.0 is told no chunks', async () => {
    const connection = await dial();
    connection.write('GET /1 HTTP/1.0\r\nhost: api\r\n\r\n');
    expect(await told(connection, () => false)).toMatch(/\r\n\r\n<GET \/1 >$/);
  });

  it('has its connection closed for what is no request', async () => {
    const connection = await dial();
    connection.write('GET /1 HTTP/1.1\r\nhost: api\r\n\r\n');
    connection.write('GET /2 HTTP/1.1\r\nbad name: 1\r\n\r\n');
    expect((await told(connection, () => false)).match(/<[^>]*>/g) ?? []).not.toContain('<GET /2 >');
  });
});
