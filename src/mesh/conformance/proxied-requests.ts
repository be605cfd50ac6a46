import { certifiedClient, SHOWN } from './certified.ts';
import { grpcPod, identityOf, manifest, refTo } from './manifests.ts';
import { client, methodRoute, opens, type Play, serverIdentity, watch, web } from './proxied-room.ts';
import { agrees, curl, described } from './traffic.ts';
import { NotRunnable, pause, settled } from './verdict.ts';

// biome-ignore lint/suspicious/noExplicitAny: cases hold plain JSON.
type Json = any;

export const httpRoute: Play = async (room, of) => {
  await web(room, {});
  const pod = await client(room, false);
  for (const method of ['GET', 'POST']) await room.apply(methodRoute(method));
  await room.apply(opens('HTTPRoute', 'get'));
  const method: string = (of.request as Json)?.method ?? 'GET';
  const ask = () => curl(room, pod, ['-X', method, 'http://web/']);
  if (/updated at run time/.test(of.title)) {
    const before = await settled(async () => ({ agrees: (await ask()).status === 403, observed: '' }), {
      signal: room.lab.signal,
      withinMs: 20_000,
    });
    if (!before.agrees) return { agrees: false, observed: `${method} was not refused before the update` };
    await room.apply(opens('HTTPRoute', 'post'));
  }
  return watch(room, of, ask);
};

const FILTERED = 'academy-conformance-filtered';

/** The application logs the user agent that it sees. */
export const headerFilter: Play = async (room, of) => {
  await web(room, {});
  const pod = await client(room, false);
  const modifier = { set: [{ name: 'user-agent', value: FILTERED }] };
  const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: modifier }];
  await room.apply(manifest('HTTPRoute', 'route', { parentRefs: [refTo('Server', 'web')], rules: [{ filters }] }));
  await room.apply(opens('HTTPRoute', 'route'));
  return settled(
    async () => {
      const seen = await curl(room, pod, ['http://web/']);
      const log: string[] = [];
      const lines = room.lab.client.logs(room.namespace, 'web', {
        container: 'web',
        tailLines: 5,
        signal: room.lab.signal,
      });
      for await (const chunk of lines) log.push(Buffer.from(chunk).toString());
      const reached = log.join('').includes(FILTERED);
      return {
        agrees: agrees(of.expect, seen) && reached,
        observed: `${described(seen)}, header ${reached ? 'changed' : 'not changed'}`,
      };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
};

export const grpcRoute: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'gRPC' }, grpcPod());
  const pod = await client(room, false);
  for (const method of ['baz', 'qux']) {
    const matches = [{ method: { service: 'foo.bar.bah', method } }];
    await room.apply(manifest('GRPCRoute', method, { parentRefs: [refTo('Server', 'web')], rules: [{ matches }] }));
  }
  await room.apply(opens('GRPCRoute', 'baz'));
  const request: Json = of.request ?? {};
  const path: string = request.uri ?? `/foo.bar.bah/${request.method ?? 'baz'}`;
  const args = [
    '--http2-prior-knowledge',
    '-X',
    'POST',
    '-H',
    'content-type: application/grpc',
    '-H',
    'te: trailers',
    `http://web${path}`,
  ];
  return settled(
    async () => {
      const seen = await curl(room, pod, args);
      // What the application does not know it calls unimplemented; then it was asked.
      const answered = of.expect.outcome === 'allow' ? /grpc-status: 12\b/.test(seen.headers) : agrees(of.expect, seen);
      return { agrees: answered, observed: described(seen) };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
};

const CLOSED_PORT = 9_999;

/** A port of the pod where nobody listens; a client that shows a certificate sees what proxies tell each other. */
export const badGateway =
  (meshed: boolean, grpc: boolean): Play =>
  async (room, of) => {
    const ip = await web(room, undefined);
    const name = serverIdentity(room);
    const call = grpc
      ? ['--http2-prior-knowledge', '-X', 'POST', '-H', 'content-type: application/grpc', '-H', 'te: trailers']
      : [];
    if (!meshed) {
      const pod = await client(room, false);
      return watch(room, of, () => curl(room, pod, [...call, `http://${ip}:${CLOSED_PORT}/`]));
    }
    await certifiedClient(room, 'shown', identityOf('curl', room.namespace));
    const args = [
      ...call,
      ...SHOWN,
      '-k',
      '--resolve',
      `${name}:${CLOSED_PORT}:${ip}`,
      `https://${name}:${CLOSED_PORT}/`,
    ];
    return watch(room, of, () => curl(room, 'shown', args));
  };

export const opaque: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'opaque', accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, false);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

/** Bytes that are no HTTP come to the application, which answers them in its own way. */
export const notHttp: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'unknown', accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, true);
  return settled(
    async () => {
      const { stdout, code } = await room.exec(pod, 'curl', [
        'sh',
        '-c',
        "printf 'hello\\r\\n\\r\\n' | nc -w 3 web 80",
      ]);
      if (code === 127) throw new NotRunnable('the image of the clients has no nc');
      const agreed = stdout.includes('400 Bad Request') && of.expect.outcome === 'allow';
      return { agrees: agreed, observed: `answer ${JSON.stringify(stdout.slice(0, 40))}` };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
};

export const upgraded: Play = async (room, of) => {
  await web(room, { accessPolicy: 'all-authenticated' });
  const pod = await client(room, true);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

export const plainHttp1: Play = async (room, of) => {
  await web(room, { accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, false);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

/** Two proxies speak HTTP/2 to each other, whatever their ends speak. */
export const upgradedToHttp2: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'HTTP/2', accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, true);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

/** Plain HTTP/1 to a gRPC Server. */
export const http1ToGrpc: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'gRPC', accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, false);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

/** Two routes that fit equally well; only the older one is open. */
export const precedence: Play = async (room) => {
  await web(room, {});
  const pod = await client(room, false);
  const path = (name: string, type: string) =>
    manifest('HTTPRoute', name, {
      parentRefs: [refTo('Server', 'web')],
      rules: [{ matches: [{ path: { type, value: '/foo' } }] }],
    });
  await room.apply(path('a', 'PathPrefix'));
  await pause(1_100, room.lab.signal);
  await room.apply(path('b', 'Exact'));
  await room.apply(opens('HTTPRoute', 'a'));
  return settled(
    async () => {
      const seen = await curl(room, pod, ['http://web/foo']);
      return {
        agrees: seen.status === 204,
        observed: `${described(seen)}: ${seen.status === 204 ? 'the older route' : 'the newer route'} serves`,
      };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
};
