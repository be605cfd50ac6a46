import { request as httpRequest, type IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Connection } from '#kube/network/network.ts';
import type { Handling, Location, ProxyPass } from './config.ts';
import type { Exchange } from './handle.ts';
import { decode } from './paths.ts';

const DEFAULT_TIMEOUT_MS = 60_000;

interface Peer {
  address: string;
  port: number;
}

/** The servers behind a name, in the order in which this request tries them. */
function peersOf(exchange: Exchange, pass: ProxyPass): Peer[] {
  const servers = pass.upstream?.servers ?? [{ host: exchange.expand(pass.host), port: pass.port }];
  const all = servers.flatMap(({ host, port }) => {
    const addresses = isIP(host) ? [host] : (exchange.addresses.get(host) ?? [host]);
    return addresses.map((address) => ({ address, port }));
  });
  const first = exchange.turn % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

const WORDS: Record<string, string> = {
  ECONNREFUSED: '111: Connection refused',
  EHOSTUNREACH: '113: No route to host',
  ENOTFOUND: '-2: Host not found',
};

/** Connects to the first peer that answers. */
async function connect(
  { context, onError }: Exchange,
  handling: Handling,
  peers: Peer[],
  path: string,
): Promise<{ connection: Connection; upstream: string } | { connection?: undefined; timedOut: boolean }> {
  let timedOut = false;
  for (const { address, port } of peers) {
    const upstream = `upstream: "http://${address}:${port}${path}"`;
    const timeoutMs = handling.connectTimeoutMs ?? DEFAULT_TIMEOUT_MS;
    try {
      return { connection: await context.net.dial(address, port, { uid: context.uid, timeoutMs }), upstream };
    } catch (error) {
      const { code = '' } = error as { code?: string };
      timedOut = code === 'ETIMEDOUT';
      const words = WORDS[code] ?? '110: Operation timed out';
      onError(`connect() failed (${words}) while connecting to upstream, ${upstream}`);
    }
  }
  return { timedOut };
}

/** Passes a request on to `pass`, and its answer back. */
export async function proxy(
  exchange: Exchange,
  handling: Handling,
  pass: ProxyPass,
  location: Location | undefined,
): Promise<void> {
  const { request, context } = exchange;
  const peers = peersOf(exchange, pass);
  const query = exchange.args ? `?${exchange.args}` : '';
  const prefix = location && location.kind !== 'regex' ? location.path : '';
  const path =
    pass.uri === undefined
      ? exchange.uri === decode((request.url ?? '/').split('?')[0]!)
        ? (request.url ?? '/')
        : exchange.uri + query
      : exchange.expand(pass.uri) + exchange.uri.slice(prefix.length) + query;
  const proxyHost = pass.upstream
    ? pass.upstream.name
    : pass.port === 80
      ? exchange.expand(pass.host)
      : `${exchange.expand(pass.host)}:${pass.port}`;
  const headers = proxyHeaders(exchange, handling, proxyHost);
  const found = await connect(exchange, handling, peers, path);
  if (!found.connection) return exchange.fail(handling, found.timedOut ? 504 : 502);
  const { connection: opened, upstream } = found;
  let hasGone = false;
  // Nobody waits for the answer any more: nginx breaks off as well and logs 499.
  exchange.response.prependOnceListener('close', () => {
    if (exchange.response.writableFinished || exchange.response.headersSent) return;
    hasGone = true;
    exchange.response.statusCode = 499;
    opened.destroy();
  });
  try {
    const timer = context.clock.setTimeout(() => {
      exchange.onError(
        `upstream timed out (110: Connection timed out) while reading response header from upstream, ${upstream}`,
      );
      opened.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }));
    }, handling.readTimeoutMs ?? DEFAULT_TIMEOUT_MS);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = httpRequest(
        { method: request.method, path, headers, setHost: false, createConnection: () => opened as never },
        resolve,
      );
      sent.on('error', reject);
      request.pipe(sent);
    }).finally(() => timer.cancel());
    const passed: Record<string, string | string[]> = {};
    for (let i = 0; i < answer.rawHeaders.length; i += 2) {
      const name = answer.rawHeaders[i]!;
      if (/^(connection|keep-alive|transfer-encoding|server|date)$/i.test(name)) continue;
      const value = answer.rawHeaders[i + 1]!;
      const before = passed[name];
      passed[name] = before === undefined ? value : [before, value].flat();
    }
    exchange.head(handling, answer.statusCode ?? 502, passed);
    for await (const chunk of answer) {
      exchange.sent += (chunk as Buffer).length;
      exchange.response.write(chunk);
    }
    exchange.response.end();
  } catch (error) {
    const { code } = error as { code?: string };
    if (hasGone) return;
    if (exchange.response.headersSent) {
      exchange.response.destroy();
      return;
    }
    const timedOut = code === 'ETIMEDOUT';
    if (!timedOut) {
      exchange.onError(
        `upstream prematurely closed connection while reading response header from upstream, ${upstream}`,
      );
    }
    await exchange.fail(handling, timedOut ? 504 : 502);
  } finally {
    opened.destroy();
  }
}

function proxyHeaders(exchange: Exchange, handling: Handling, proxyHost: string): Record<string, string | string[]> {
  const { request } = exchange;
  const headers: Record<string, string | string[]> = { host: proxyHost };
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !['host', 'connection', 'keep-alive', 'upgrade', 'te', 'http2-settings'].includes(name))
      if (!name.startsWith(':')) headers[name] = value;
  }
  headers['connection'] = 'close';
  for (const [name, value] of handling.proxyHeaders) {
    const expanded = exchange.expand(value).replaceAll('$proxy_host', proxyHost);
    if (name.toLowerCase() === 'connection') continue;
    if (expanded === '') delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = expanded;
  }
  return headers;
}
