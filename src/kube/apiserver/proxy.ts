import http, { type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import { failure, notFound, type StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import type { Attributes } from './seams.ts';

/** A connection from the node's own network, where the API server stands. Rejects like a socket, with a `code`. */
export type Dial = (host: string, port: number, timeoutMs: number) => Promise<Duplex>;

const CONNECT_WITHIN_MS = 30_000;
/** Those of one connection, not of the message. Source: RFC 9110, 7.6.1. */
export const HOP_BY_HOP = new Set(
  'connection proxy-connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
);
/** What Go says of a dial that failed, by the code that Node has for it. */
export const REFUSALS: Record<string, string> = {
  ECONNREFUSED: 'connect: connection refused',
  ECONNRESET: 'read: connection reset by peer',
  EHOSTUNREACH: 'connect: no route to host',
  ETIMEDOUT: 'i/o timeout',
};

interface Place {
  scheme: string;
  host: string;
  port: number;
}

/**
 * `pods/proxy` and `services/proxy`: the request goes on to the pod, from the node, and the pod's answer comes back as it
 * is. Source: apimachinery/pkg/util/proxy, registry/core/{pod,service}/storage.
 */
export class WorkloadProxy {
  readonly #store: Store;
  readonly #dial: () => Dial | undefined;

  constructor(store: Store, dial: () => Dial | undefined) {
    this.#store = store;
    this.#dial = dial;
  }

  async pass(attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const { resource, namespace, name } = attributes;
    const place = resource === 'pods' ? this.#pod(namespace, name) : this.#service(namespace, name);
    const [prefix = '', path = ''] = split(request.path);
    const query = request.query.toString();
    const tail = query === '' ? '' : `?${query}`;
    if (path === '' && (request.method === 'GET' || request.method === 'HEAD'))
      return {
        status: 301,
        headers: { location: `${request.path}/${tail}` },
        body: { type: 'text', value: '', contentType: '' },
      };
    const dial = this.#dial();
    if (!dial) throw failure('ServiceUnavailable', 'the node of this pod is not there');
    const answer = await send(dial, place, prefix, `${path || '/'}${tail}`, request);
    const headers: Record<string, string | string[]> = {};
    for (const [key, value] of Object.entries(answer.headers))
      if (value !== undefined && !HOP_BY_HOP.has(key) && key !== 'content-type') headers[key] = value;
    if (typeof headers['location'] === 'string')
      headers['location'] = relocated(headers['location'], place, prefix, path);
    return {
      status: answer.statusCode ?? 502,
      headers,
      body: { type: 'stream', chunks: answer, contentType: answer.headers['content-type'] ?? '' },
    };
  }

  #pod(namespace: string, id: string): Place {
    const { scheme, name, port } = parts('pod', id);
    const pod = this.#store.get('/pods', namespace, name);
    if (!pod) throw notFound('', 'pods', name);
    const ip: string | undefined = pod.status?.podIP;
    if (!ip) throw failure('BadRequest', 'address not allowed');
    const asked = port === '' ? firstPort(pod) : Number(port);
    if (!isPort(asked)) throw failure('BadRequest', `invalid port ${JSON.stringify(port)}`);
    return { scheme, host: ip, port: asked };
  }

  /** A ready endpoint of the named Service port; without a name, of the only one. */
  #service(namespace: string, id: string): Place {
    const { scheme, name, port: asked } = parts('service', id);
    const service = this.#store.get('/services', namespace, name);
    if (!service) throw notFound('', 'services', name);
    const ports = (service.spec?.ports ?? []) as { name?: string; port: number }[];
    const port =
      asked === '' && ports.length === 1
        ? ports[0]
        : (ports.find((known) => (known.name ?? '') === asked) ??
          (asked === '' ? undefined : ports.find((known) => String(known.port) === asked)));
    if (!port) {
      const words = asked === '' ? 'no port was named' : `no service port ${JSON.stringify(asked)} found`;
      throw failure('ServiceUnavailable', `${words} for service ${JSON.stringify(name)}`);
    }
    const found = (this.#store.list('discovery.k8s.io/endpointslices', namespace) as Slice[])
      .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
      .flatMap(({ endpoints, ports: open }) => {
        const target = (open ?? []).find((each) => (each.name ?? '') === (port.name ?? ''))?.port;
        const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
        return target === undefined ? [] : ready.map(({ addresses }) => ({ host: addresses[0]!, port: target }));
      });
    const chosen = found[Math.floor(Math.random() * found.length)];
    if (!chosen) throw failure('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(name)}`);
    return { scheme, ...chosen };
  }
}

type Slice = KubeObject & {
  endpoints?: { addresses: string[]; conditions?: { ready?: boolean } }[];
  ports?: { name?: string; port?: number }[];
};

const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65_536;
const firstPort = (pod: KubeObject): number =>
  ((pod.spec?.containers ?? []) as { ports?: { containerPort: number }[] }[]).flatMap(({ ports }) => ports ?? [])[0]
    ?.containerPort ?? 80;

/** `name`, `name:port`, `scheme:name:port`. Source: apimachinery/pkg/util/net.SplitSchemeNamePort. */
function parts(what: string, id: string): { scheme: string; name: string; port: string } {
  const pieces = id.split(':');
  const [scheme, name, port] = pieces.length === 3 ? pieces : ['', ...pieces, ''];
  if (pieces.length > 3 || !name || !['', 'http', 'https'].includes(scheme!))
    throw failure('BadRequest', `invalid ${what} request ${JSON.stringify(id)}`);
  return { scheme: scheme || 'http', name, port: port ?? '' };
}

/** What is before the program's own path, and that path with its slash. */
function split(path: string): [string, string] {
  const at = /^(\/api\/v1\/namespaces\/[^/]+\/[^/]+\/[^/]+\/proxy)(\/.*)?$/s.exec(path);
  return [at?.[1] ?? path, at?.[2] ?? ''];
}

/** A redirect to the program itself stays under the proxy's path. */
function relocated(location: string, { scheme, host, port }: Place, prefix: string, path: string): string {
  const own = `${scheme}://${host}:${port}`;
  const url = URL.parse(location, `${own}${path}`);
  return url && url.origin === new URL(own).origin ? `${prefix}${url.pathname}${url.search}${url.hash}` : location;
}

async function send(
  dial: Dial,
  place: Place,
  prefix: string,
  path: string,
  request: ApiRequest,
): Promise<IncomingMessage> {
  const { scheme, host, port } = place;
  const authority = `${host}:${port}`;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (!HOP_BY_HOP.has(name) && name !== 'authorization' && name !== 'content-length' && !name.startsWith('sec-'))
      headers[name] = value;
  headers['x-forwarded-uri'] = `${prefix}${path.split('?')[0]}`;
  if (headers['host']) headers['x-forwarded-host'] = headers['host'];
  headers['host'] = authority;
  const body = bytesOf(request.body);
  if (body) headers['content-length'] = String(body.length);
  let stream: Duplex;
  try {
    stream = await dial(host, port, CONNECT_WITHIN_MS);
  } catch (error) {
    throw unreachable(`dial tcp ${authority}: ${wordsOf(error)}`);
  }
  // As upstream: the certificate is whatever the program has; there is no name that it could be held to.
  const socket =
    scheme === 'https' ? tls.connect({ socket: stream as Socket, rejectUnauthorized: false }) : (stream as Socket);
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      {
        createConnection: () => socket,
        method: request.method,
        path,
        headers: { ...headers, connection: 'close' },
        ...(request.signal ? { signal: request.signal } : {}),
      },
      (answer) => {
        answer.on('close', () => stream.destroy());
        resolve(answer);
      },
    );
    outgoing.on('error', (error) => {
      stream.destroy();
      reject(unreachable((error as { code?: string }).code === 'ECONNRESET' ? 'EOF' : wordsOf(error)));
    });
    outgoing.end(body);
  });
}

export function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined || body === null) return undefined;
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

const wordsOf = (error: unknown): string =>
  REFUSALS[(error as { code?: string }).code ?? ''] ?? (error instanceof Error ? error.message : String(error));

const unreachable = (why: string): StatusError =>
  failure('ServiceUnavailable', `error trying to reach service: ${why}`);
