import { request as httpRequest, type IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Connection } from '#kube/network/network.ts';
import type { Handling, Location, ProxyPass } from './config.ts';
import { decode, type Exchange } from './handle.ts';

const DEFAULT_TIMEOUT_MS = 60_000;

/** Passes a request on to `pass`, and its answer back. */
export async function proxy(
  exchange: Exchange,
  handling: Handling,
  pass: ProxyPass,
  location: Location | undefined,
): Promise<void> {
  const { request, context } = exchange;
  const servers = pass.upstream?.servers ?? [{ host: exchange.expand(pass.host), port: pass.port }];
  const server = servers[exchange.turn % servers.length] ?? { host: pass.host, port: 80 };
  const known = isIP(server.host) ? [server.host] : exchange.addresses.get(server.host);
  const address = known?.[exchange.turn % known.length] ?? server.host;
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
    : server.port === 80
      ? server.host
      : `${server.host}:${server.port}`;
  const headers = proxyHeaders(exchange, handling, proxyHost);
  const upstream = `upstream: "http://${address}:${server.port}${path}"`;
  let connection: Connection | undefined;
  try {
    connection = await context.net.dial(address, server.port, {
      uid: context.uid,
      timeoutMs: handling.connectTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    });
    const opened = connection;
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
    if (exchange.response.headersSent) {
      exchange.response.destroy();
      return;
    }
    const timedOut = code === 'ETIMEDOUT';
    if (!connection) {
      const words =
        code === 'ECONNREFUSED'
          ? '111: Connection refused'
          : code === 'EHOSTUNREACH'
            ? '113: No route to host'
            : '110: Operation timed out';
      exchange.onError(`connect() failed (${words}) while connecting to upstream, ${upstream}`);
    } else if (!timedOut) {
      exchange.onError(
        `upstream prematurely closed connection while reading response header from upstream, ${upstream}`,
      );
    }
    await exchange.fail(handling, timedOut ? 504 : 502);
  } finally {
    connection?.destroy();
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
