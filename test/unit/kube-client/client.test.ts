import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { ApiHandler, ApiRequest, ApiResponse } from '#kube/api/http.ts';
import { notFound } from '#kube/api/status.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createHttpTransport } from '#kube/client/http.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';

const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'shop' };
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } };

function inProcess(answer: (request: ApiRequest) => ApiResponse | Promise<ApiResponse>) {
  const seen: ApiRequest[] = [];
  const handler: ApiHandler = {
    handle: async (request) => {
      seen.push(request);
      return answer(request);
    },
    connect: () => Promise.reject(new Error('no connections here')),
  };
  return { seen, client: createKubeClient(createInProcessTransport(handler, { username: 'ada', groups: [] })) };
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const transport = createHttpTransport({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 't0',
  });
  closers.push(() => {
    transport.close();
    server.closeAllConnections();
    server.close();
  });
  return createKubeClient(transport);
}

describe('in process', () => {
  it('hands objects over as they are, with the user', async () => {
    const { client, seen } = inProcess(() => ({ status: 200, body: { type: 'object', value: pod } }));
    expect(await client.get(pods, 'web')).toBe(pod);
    expect(seen[0]).toMatchObject({
      method: 'GET',
      path: '/api/v1/namespaces/shop/pods/web',
      user: { username: 'ada' },
    });
  });

  it('turns a failing answer into a StatusError', async () => {
    const { client } = inProcess(() => {
      const { status } = notFound('apps', 'deployments', 'web');
      return { status: 404, body: { type: 'object', value: status } };
    });
    await expect(client.get(pods, 'web')).rejects.toMatchObject({
      name: 'StatusError',
      code: 404,
      message: 'deployments.apps "web" not found',
    });
  });

  it('ends the request of a watch when the loop is left', async () => {
    let signal: AbortSignal | undefined;
    const { client } = inProcess((request) => {
      signal = request.signal;
      return {
        status: 200,
        body: {
          type: 'events',
          events: (async function* () {
            yield { type: 'ADDED', object: pod };
            await new Promise<void>((resolve) => request.signal!.addEventListener('abort', () => resolve()));
          })(),
        },
      };
    });
    for await (const event of client.watch(pods, { resourceVersion: '7' })) {
      expect(event.object).toBe(pod);
      queueMicrotask(() => {});
      break;
    }
    expect(signal?.aborted).toBe(true);
  });

  it('asks for discovery again when a kind is missing', async () => {
    let served = false;
    const { client, seen } = inProcess((request) => {
      if (request.method === 'PATCH') return { status: 200, body: { type: 'object', value: request.body } };
      const widgets = { resource: 'widgets', responseKind: { kind: 'Widget' }, scope: 'Namespaced', verbs: ['get'] };
      const items =
        request.path === '/apis' && served
          ? [{ metadata: { name: 'example.com' }, versions: [{ version: 'v1', resources: [widgets] }] }]
          : [];
      return { status: 200, body: { type: 'object', value: { kind: 'APIGroupDiscoveryList', items } } };
    });
    expect(await client.discover()).toEqual([]);
    served = true;
    const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a', namespace: 'shop' } };
    await client.apply(widget, { fieldManager: 'test', force: true });
    const patch = seen.at(-1)!;
    expect(patch.path).toBe('/apis/example.com/v1/namespaces/shop/widgets/a');
    expect(patch.query.toString()).toBe('fieldManager=test&force=true');
    expect(patch.headers['content-type']).toBe('application/apply-patch+yaml');
  });
});

describe('over HTTP', () => {
  it('sends the token, reads warnings and objects', async () => {
    const client = await serve(
      createServer((request, response) => {
        response.setHeader('Warning', '299 - "old \\"thing\\"", 299 - "second"');
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ ...pod, spec: { by: request.headers.authorization } }));
      }),
    );
    const response = await client.transport.request({
      method: 'GET',
      path: '/api/v1',
      query: new URLSearchParams(),
      headers: {},
    });
    expect(response.warnings).toEqual(['old "thing"', 'second']);
    expect((await client.get(pods, 'web'))['spec']).toEqual({ by: 'Bearer t0' });
  });

  it('reads a watch line by line, whatever the chunks', async () => {
    const event = `${JSON.stringify({ type: 'ADDED', object: pod })}\n`;
    const client = await serve(
      createServer((_request, response) => {
        response.write(event.slice(0, 20));
        setImmediate(() => response.end(event.slice(20) + event));
      }),
    );
    const types: string[] = [];
    for await (const each of client.watch(pods)) types.push(each.type);
    expect(types).toEqual(['ADDED', 'ADDED']);
  });

  it('names a cluster that is not there', async () => {
    const client = createKubeClient(createHttpTransport({ server: 'http://127.0.0.1:1' }));
    await expect(client.get(pods, 'web')).rejects.toMatchObject({ code: 'driver/unavailable' });
  });
});

describe('channels over WebSocket', () => {
  const kube = (connection: (socket: import('ws').WebSocket, url: URL) => void) => {
    const server = createServer();
    const sockets = new WebSocketServer({ server, handleProtocols: (offered) => [...offered][0]! });
    sockets.on('connection', (socket, request) => connection(socket, new URL(request.url!, 'http://x')));
    return serve(server);
  };
  const frame = (channel: number, text: string) => Buffer.concat([Buffer.of(channel), Buffer.from(text)]);

  it('runs a command: input, output and the exit code', async () => {
    const client = await kube((socket, url) => {
      expect(url.searchParams.getAll('command')).toEqual(['sh', '-c', 'exit 3']);
      socket.on('message', (data: Buffer) => {
        if (data[0] === 0) socket.send(frame(1, `got ${data.subarray(1)}`));
        else if (data[0] === 255 && data[1] === 0) {
          const details = { causes: [{ reason: 'ExitCode', message: '3' }] };
          socket.send(frame(3, JSON.stringify({ status: 'Failure', reason: 'NonZeroExitCode', details })));
          socket.close();
        }
      });
    });
    let out = '';
    const code = await client.exec({
      namespace: 'shop',
      pod: 'web',
      command: ['sh', '-c', 'exit 3'],
      stdin: (async function* () {
        yield Buffer.from('hello');
      })(),
      stdout: (chunk) => {
        out += Buffer.from(chunk).toString();
      },
    });
    expect({ code, out }).toEqual({ code: 3, out: 'got hello' });
  });

  it('forwards a port: bytes both ways after the port prefix', async () => {
    const client = await kube((socket, url) => {
      expect(url.searchParams.get('ports')).toBe('8080');
      for (const channel of [0, 1]) socket.send(Buffer.of(channel, 8080 & 255, 8080 >> 8));
      socket.on('message', (data: Buffer) => {
        socket.send(frame(0, data.subarray(1).toString().toUpperCase()));
        socket.close();
      });
    });
    const stream = await client.portForward('shop', 'web', 8080);
    stream.write('ping');
    let text = '';
    for await (const chunk of stream) text += chunk;
    expect(text).toBe('PING');
  });
});
