import type { Duplex } from 'node:stream';
import type { KubeObject } from '#kube/api/types.ts';
import { type ConformanceCase, sourceOf } from './case-file.ts';
import { certifiedClient, SHOWN } from './certified.ts';
import {
  clientPod,
  grpcPod,
  identityOf,
  manifest,
  refTo,
  serverFor,
  WEB_PORT,
  webPod,
  webService,
} from './manifests.ts';
import type { Room } from './room.ts';
import { agrees, curl, described, type Seen } from './traffic.ts';
import { NotRunnable, type Observation, pause, settled } from './verdict.ts';

// biome-ignore lint/suspicious/noExplicitAny: cases hold plain JSON.
type Json = any;

type Play = (room: Room, of: ConformanceCase) => Promise<Observation>;

/** A look at one request, repeated until it is as expected. `denied` says what else counts as a refusal. */
function watch(
  room: Room,
  of: ConformanceCase,
  request: () => Promise<Seen>,
  denied: (seen: Seen) => boolean = () => false,
): Promise<Observation> {
  return settled(
    async () => {
      const seen = await request();
      const refused = of.expect.outcome === 'deny-tcp' && denied(seen);
      return { agrees: refused || agrees(of.expect, seen), observed: described(seen) };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
}

async function web(
  room: Room,
  server: Record<string, unknown> | undefined,
  pod: KubeObject = webPod(),
): Promise<string> {
  await room.apply(pod);
  await room.apply(webService());
  if (server) await room.apply(serverFor('web', server));
  return (await room.ready('web')).status.podIP;
}

async function client(room: Room, mesh: boolean): Promise<string> {
  const name = mesh ? 'meshed' : 'plain';
  await room.apply(manifest('ServiceAccount', 'curl', undefined));
  await room.apply(clientPod(name, { mesh, serviceAccount: 'curl' }));
  await room.ready(name);
  return name;
}

const grant = (client: object): KubeObject =>
  manifest('ServerAuthorization', 'authz', { server: { name: 'web' }, client });
const serverIdentity = (room: Room): string => identityOf('default', room.namespace);
/** A meshed client's own proxy answers 502 where the other side closed the connection. */
const closed = (seen: Seen): boolean => seen.status === 502;

/** Who may pass by TCP rules: an opaque Server, and a meshed client whose identity the policy covers or not. */
const suffix: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'opaque' });
  const pod = await client(room, true);
  // Our client's identity is below cluster.local, always; whether the policy's suffix is that too is what differs.
  const identities = [of.expect.outcome === 'allow' ? '*.cluster.local' : '*.cluster.example.com'];
  await room.apply(manifest('MeshTLSAuthentication', 'mesh', { identities }));
  await room.apply(
    manifest('AuthorizationPolicy', 'authz', {
      targetRef: refTo('Server', 'web'),
      requiredAuthenticationRefs: [refTo('MeshTLSAuthentication', 'mesh')],
    }),
  );
  return watch(room, of, () => curl(room, pod, ['http://web']), closed);
};

const network: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'opaque' });
  const pod = await client(room, false);
  const { status } = await room.ready(pod);
  const inside = of.expect.outcome === 'allow';
  await room.apply(
    grant({ unauthenticated: true, networks: [{ cidr: inside ? `${status.podIP}/32` : '192.0.2.0/24' }] }),
  );
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

const tlsUnauthenticated: Play = async (room, of) => {
  const ip = await web(room, { proxyProtocol: 'unknown' });
  const pod = await client(room, false);
  await room.apply(grant({ meshTLS: { unauthenticatedTLS: true } }));
  const name = /passed through|passthrough|another|other SNI/i.test(`${of.title} ${JSON.stringify(of.client)}`)
    ? 'other.example'
    : serverIdentity(room);
  const args = ['-k', '--resolve', `${name}:${WEB_PORT}:${ip}`, `https://${name}:${WEB_PORT}/`];
  return watch(room, of, () => curl(room, pod, args));
};

/** Which identities each upstream test lets in. */
const IDENTITIES: Record<string, string[]> = {
  is_authorized_for_matching_spiffe_ids: ['spiffe://some-root/some-workload-1'],
  is_not_authorized_for_non_matching_spiffe_ids: ['spiffe://some-root/some-workload-2'],
  is_authorized_for_matching_dns_ids: ['some.id.local.one'],
  is_not_authorized_for_non_matching_dns_ids: ['some.id.local.two'],
  is_authorized_for_matching_dns_suffixes_ids: ['*.id.local'],
  is_not_authorized_for_non_matching_suffixes_ids: ['*.some.id.local'],
  is_not_authorized_for_suffixes_and_spiffe_id: ['*.id.local'],
  is_authorized_for_one_matching_spiffe_id: [
    'spiffe://some-root/some-workload-1',
    'spiffe://some-root/some-workload-2',
  ],
  is_authorized_for_one_matching_dns_id: ['some.workload.one', 'some.workload.two'],
};

/** A client that shows a certificate for the case's identity, against a policy that lists identities. */
const identity: Play = async (room, of) => {
  const [, test = ''] = sourceOf(of).split('::');
  const listed = IDENTITIES[test];
  const own: string | undefined = (of.client as Json).identity;
  if (!listed || !own) throw new NotRunnable(`no identities are known for ${test}`);
  const ip = await web(room, {});
  await certifiedClient(room, 'shown', own);
  await room.apply(manifest('MeshTLSAuthentication', 'mesh', { identities: listed }));
  await room.apply(
    manifest('AuthorizationPolicy', 'authz', {
      targetRef: refTo('Server', 'web'),
      requiredAuthenticationRefs: [refTo('MeshTLSAuthentication', 'mesh')],
    }),
  );
  const name = serverIdentity(room);
  const args = [...SHOWN, '-k', '--resolve', `${name}:${WEB_PORT}:${ip}`, `https://${name}:${WEB_PORT}/`];
  // The upstream test asks the rule itself; to a client of an HTTP server a refusal is a 403.
  return watch(
    room,
    of,
    () => curl(room, 'shown', args),
    (seen) => seen.status === 403,
  );
};

const methodRoute = (method: string): KubeObject =>
  manifest('HTTPRoute', method.toLowerCase(), {
    parentRefs: [refTo('Server', 'web')],
    rules: [{ matches: [{ method }] }],
  });
const opens = (kind: string, name: string): KubeObject =>
  manifest('AuthorizationPolicy', `opens-${name}`, { targetRef: refTo(kind, name), requiredAuthenticationRefs: [] });

const httpRoute: Play = async (room, of) => {
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
const headerFilter: Play = async (room, of) => {
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

const grpcRoute: Play = async (room, of) => {
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
const badGateway =
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

const opaque: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'opaque', accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, false);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

/** Bytes that are no HTTP come to the application, which answers them in its own way. */
const notHttp: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'unknown', accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, true);
  return settled(
    async () => {
      const { stdout } = await room.exec(pod, 'curl', ['sh', '-c', "printf 'hello\\r\\n\\r\\n' | nc -w 3 web 80"]);
      const agreed = stdout.includes('400 Bad Request') && of.expect.outcome === 'allow';
      return { agrees: agreed, observed: `answer ${JSON.stringify(stdout.slice(0, 40))}` };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
};

const upgraded: Play = async (room, of) => {
  await web(room, { accessPolicy: 'all-authenticated' });
  const pod = await client(room, true);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

const plainHttp1: Play = async (room, of) => {
  await web(room, { accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, false);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

/** Two proxies speak HTTP/2 to each other, whatever their ends speak. */
const upgradedToHttp2: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'HTTP/2', accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, true);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

/** Plain HTTP/1 to a gRPC Server. */
const http1ToGrpc: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'gRPC', accessPolicy: 'all-unauthenticated' });
  const pod = await client(room, false);
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

/** A port-forward enters the pod from its own loopback address. */
const loopback: Play = async (room, of) => {
  await web(room, { accessPolicy: 'deny' });
  return settled(
    async () => {
      const status = await statusOver(
        await room.lab.client.portForward(room.namespace, 'web', WEB_PORT, room.lab.signal),
      );
      return { agrees: status === 204 && of.expect.outcome === 'allow', observed: `HTTP ${status}` };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
};

function statusOver(stream: Duplex): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
      if (!status) return;
      stream.destroy();
      resolve(Number(status));
    });
    stream.on('error', reject);
    stream.on('close', () => resolve(0));
    stream.write('GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n');
  });
}

const dangling: Play = async (room, of) => {
  await web(room, {});
  const pod = await client(room, false);
  const { status } = await room.ready(pod);
  await room.apply(manifest('NetworkAuthentication', 'net', { networks: [{ cidr: `${status.podIP}/32` }] }));
  const refs = [refTo('MeshTLSAuthentication', 'gone'), refTo('NetworkAuthentication', 'net')];
  await room.apply(
    manifest('AuthorizationPolicy', 'authz', { targetRef: refTo('Server', 'web'), requiredAuthenticationRefs: refs }),
  );
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

const serverLevel: Play = async (room, of) => {
  await web(room, {});
  const pod = await client(room, true);
  await room.apply(methodRoute('GET'));
  await room.apply(manifest('MeshTLSAuthentication', 'mesh', { identities: ['*'] }));
  await room.apply(
    manifest('AuthorizationPolicy', 'authz', {
      targetRef: refTo('Server', 'web'),
      requiredAuthenticationRefs: [refTo('MeshTLSAuthentication', 'mesh')],
    }),
  );
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

/** Two routes that fit equally well; only the older one is open. */
const precedence: Play = async (room) => {
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

const BY_SOURCE: Record<string, Play> = {
  'tests::unauthenticated_allowed': network,
  'tests::unauthenticated_denied': network,
  'tests::authenticated_identity': suffix,
  'tests::authenticated_suffix': suffix,
  'tests::tls_unauthenticated': tlsUnauthenticated,
  'tests::http_route': httpRoute,
  'tests::http_filter_header': headerFilter,
  'tests::grpc_route': grpcRoute,
  'tests::http1_bad_gateway_meshed_response_error_header': badGateway(true, false),
  'tests::http1_bad_gateway_unmeshed_response': badGateway(false, false),
  'tests::grpc_meshed_response_error_header': badGateway(true, true),
  'tests::grpc_unmeshed_response_error_header': badGateway(false, true),
  'tests::detect_tls_opaque': opaque,
  'tests::detect_http_non_http': notHttp,
  'tests::detect_http': upgraded,
  'tests::hinted_http1_supports_http2': upgraded,
  'tests::hinted_http1': plainHttp1,
  'tests::hinted_http2': upgradedToHttp2,
};

/** Cases that were read from code, by what their titles say. */
const BY_TITLE: [RegExp, Play][] = [
  [/loopback/, loopback],
  [/gRPC Server has no automatic probe route/, http1ToGrpc],
  [/dangling/, dangling],
  [/Server-level authorizations/, serverLevel],
  [/precedence/, precedence],
];

/** The play for a case of the proxy's own tests, or read from code; undefined where there is none. */
export function proxyPlay(of: ConformanceCase): Play | undefined {
  const source = sourceOf(of);
  if (source.startsWith('policy::is_')) return identity;
  return BY_SOURCE[source] ?? BY_TITLE.find(([pattern]) => pattern.test(of.title))?.[1];
}
