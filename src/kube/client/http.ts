import type { IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { AcademyError } from '#base/errors.ts';
import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import type { Transport } from './client.ts';
import { lines } from './lines.ts';
import { dialTls, type OwnNetwork } from './own-network.ts';
import { openChannels } from './web-socket.ts';

export interface HttpAccess {
  /** `https://127.0.0.1:6443`; with `socketPath` only its scheme and host name are used. */
  server: string;
  /** A Unix socket to connect to instead of the server's address. */
  socketPath?: string;
  /** In place of the host's own network and clock: a client that lives in an embedded cluster. */
  network?: OwnNetwork;
  token?: string;
  /** PEM. */
  clientCert?: string;
  /** PEM. */
  clientKey?: string;
  /** PEM bundle that signs the server's certificate; absent: the system's. */
  ca?: string;
  insecure?: boolean;
  /** Name to check the server's certificate against. */
  tlsServerName?: string;
}

/** Requests over HTTP/1.1 with kept-alive connections; exec, attach and port-forward over WebSocket. */
export function createHttpTransport(access: HttpAccess): Transport {
  const base = new URL(access.server);
  const secure = base.protocol === 'https:';
  const tls = secure
    ? {
        ...(access.ca ? { ca: access.ca } : {}),
        ...(access.clientCert ? { cert: access.clientCert } : {}),
        ...(access.clientKey ? { key: access.clientKey } : {}),
        ...(access.tlsServerName ? { servername: access.tlsServerName } : {}),
        rejectUnauthorized: !access.insecure,
      }
    : {};
  const agent = new (secure ? https : http).Agent({ keepAlive: true });
  const { network } = access;
  if (network) {
    const host = base.hostname.replace(/^\[|\]$/g, '');
    const port = Number(base.port) || (secure ? 443 : 80);
    // An agent takes its connection when it is there, over the callback.
    agent.createConnection = ((_: unknown, done: (error: Error | null, stream?: Duplex) => void) => {
      const opened = secure
        ? dialTls(network, { host, port, serverName: access.tlsServerName }, tls)
        : network.dial(host, port);
      opened.then((stream) => done(null, stream), done);
    }) as never;
  }
  const where = {
    ...(access.socketPath ? { socketPath: access.socketPath } : { host: base.hostname.replace(/^\[|\]$/g, '') }),
    port: base.port === '' ? (secure ? 443 : 80) : Number(base.port),
  };
  const pathAndQuery = (request: Pick<ApiRequest, 'path' | 'query'>): string => {
    const query = request.query.toString();
    return `${base.pathname.replace(/\/$/, '')}${request.path}${query === '' ? '' : `?${query}`}`;
  };
  const headersOf = (request: Pick<ApiRequest, 'headers'>): Record<string, string> => ({
    ...(access.token ? { authorization: `Bearer ${access.token}` } : {}),
    ...request.headers,
  });

  const request: Transport['request'] = (request) =>
    new Promise((resolve, reject) => {
      const headers: Record<string, string> = { accept: 'application/json', host: base.host, ...headersOf(request) };
      const body = encode(request.body, headers);
      const outgoing = (secure ? https : http).request(
        {
          ...tls,
          ...where,
          agent,
          method: request.method,
          path: pathAndQuery(request),
          headers,
          ...(request.signal ? { signal: request.signal } : {}),
        },
        (incoming) => decode(incoming, request).then(resolve, reject),
      );
      outgoing.on('error', (error) =>
        reject(request.signal?.aborted ? request.signal.reason : unreachable(base, error)),
      );
      outgoing.end(body);
    });

  return {
    request,
    connect: async (request, protocols) => {
      if (network) throw unreachable(base, new Error('a client inside a cluster makes plain requests only'));
      return openChannels(
        {
          url: `${secure ? 'wss' : 'ws'}://${base.host}${pathAndQuery(request)}`,
          headers: headersOf(request),
          tls,
          ...(access.socketPath ? { socketPath: access.socketPath } : {}),
          ...(request.signal ? { signal: request.signal } : {}),
          unreachable: (error) => unreachable(base, error),
        },
        protocols,
      );
    },
    close: () => agent.destroy(),
  };
}

function encode(body: unknown, headers: Record<string, string>): Uint8Array | string | undefined {
  if (body === undefined) return undefined;
  headers['content-type'] ??= 'application/json';
  const bytes = body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body);
  headers['content-length'] = String(Buffer.byteLength(bytes));
  return bytes;
}

async function decode(incoming: IncomingMessage, request: Omit<ApiRequest, 'user'>): Promise<ApiResponse> {
  const status = incoming.statusCode ?? 500;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const contentType = headers['content-type'] ?? '';
  const warnings = warningTexts(incoming.headersDistinct['warning'] ?? []);
  const respond = (body: ApiResponse['body']): ApiResponse => ({
    status,
    headers,
    ...(warnings.length > 0 ? { warnings } : {}),
    body,
  });
  if (status < 300 && /^(1|true)$/.test(request.query.get('watch') ?? '')) {
    return respond({ type: 'events', events: parseEvents(incoming, request.signal) });
  }
  const flows = /\/log$|\/proxy(\/|$)/.test(request.path) || contentType === 'application/octet-stream';
  if (status < 300 && flows) return respond({ type: 'stream', chunks: incoming, contentType });
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (/^application\/(json|[\w.-]+\+json)/.test(contentType))
    return respond({ type: 'object', value: JSON.parse(text) });
  return respond({ type: 'text', value: text, contentType });
}

async function* parseEvents(incoming: IncomingMessage, signal?: AbortSignal) {
  try {
    for await (const line of lines(incoming)) {
      if (line !== '') yield JSON.parse(line) as { type: string; object: unknown };
    }
  } catch (error) {
    if (!signal?.aborted && !incoming.destroyed) throw error;
  } finally {
    incoming.destroy();
  }
}

/** `299 - "text"` of RFC 7234; several may share a line. */
function warningTexts(values: string[]): string[] {
  return values.flatMap((value) =>
    [...value.matchAll(/\b\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]!.replace(/\\(.)/g, '$1')),
  );
}

const unreachable = (base: URL, cause: Error): AcademyError =>
  new AcademyError('driver/unavailable', `The cluster at ${base.host} cannot be reached: ${cause.message}`, { cause });
