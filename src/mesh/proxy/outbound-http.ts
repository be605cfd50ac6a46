import { findRoute, type Routable } from '#mesh/policy/core/match.ts';
import { type Balancer, Unavailable } from './balancer.ts';
import type { OutboundRoute, OutboundTarget } from './discovery.ts';
import type { Endpoint } from './endpoint.ts';
import { type Answer, closing, type Exchange, plainAnswer } from './exchange.ts';
import { applyRequestFilters, applyResponseFilters } from './filters.ts';
import { recordResponse } from './inbound-http.ts';
import type { Labels } from './metrics.ts';
import type { ProxyRuntime } from './runtime.ts';

export interface OutboundConnection {
  runtime: ProxyRuntime;
  target: OutboundTarget | undefined;
  /** Where the client dialled. */
  original: { ip: string; port: number };
  /** For the log: `proxy{addr=…}:service{…}` and so on. */
  span: string;
  /** Balancers by authority, shared with other connections of the pod. */
  balancer(authority: string): Balancer;
  /** Used when the target is nothing that the mesh knows. */
  direct: Endpoint;
}

class TimedOut extends Error {}

/** Finds the backend of a request and sends it there (linkerd.md 4.1 and 3.4). */
export async function serveOutbound(connection: OutboundConnection, exchange: Exchange): Promise<void> {
  const { runtime, target } = connection;
  for (const name in exchange.headers) if (name.startsWith('l5d-')) delete exchange.headers[name];
  const startedAt = runtime.clock.now();
  const found = target?.routes?.length ? route(target.routes, exchange) : undefined;
  if (found === 'none') {
    return fail(connection, exchange, 404, 5, 'no route found for request', false);
  }
  const rule = found?.route.rules[found.rule];
  const backend = rule?.backends.length ? weighted(rule.backends) : undefined;
  if (rule && rule.backends.length > 0 && !backend?.authority) {
    return fail(connection, exchange, 500, 13, 'backend not found', false);
  }
  const filters = [...(rule?.filters ?? []), ...(backend?.filters ?? [])];
  const early = applyRequestFilters(exchange, filters, found?.match, connection.original.port);
  if (early) return exchange.respond(early);

  let endpoint: Endpoint | undefined;
  const attempt = async (): Promise<Answer> => {
    const authority = backend?.authority ?? target?.authority;
    endpoint = target && authority ? await connection.balancer(authority).pick() : connection.direct;
    return await limited(runtime, rule?.requestTimeoutMs ?? rule?.backendRequestTimeoutMs, (signal) =>
      endpoint!.send(exchange, signal),
    );
  };
  try {
    let answer = await attempt();
    const retry = rule?.retry;
    for (let left = exchange.body ? 0 : (retry?.limit ?? 0); left > 0 && retry; left--) {
      if (!retry.statuses.some(({ from, to }) => answer.status >= from && answer.status <= to)) break;
      answer.body?.resume();
      answer = await attempt();
    }
    const labels = labelsOf(connection, endpoint!);
    runtime.metrics.add('request_total', labels);
    finish(connection, exchange, answer, endpoint!);
    applyResponseFilters(answer, filters);
    recordResponse(runtime, exchange, labels, answer, startedAt);
    exchange.respond(answer);
  } catch (error) {
    if (endpoint) runtime.metrics.add('request_total', labelsOf(connection, endpoint));
    if (error instanceof TimedOut) return fail(connection, exchange, 504, 4, 'HTTP response timeout', false);
    if (error instanceof Unavailable) {
      return fail(connection, exchange, error.status, error.status === 504 ? 4 : 14, error.message, true);
    }
    fail(connection, exchange, 502, 14, (error as Error).message, true, endpoint);
  }
}

/** Reads and takes off what the other proxy said of its own. */
function finish(connection: OutboundConnection, exchange: Exchange, answer: Answer, endpoint: Endpoint): void {
  const said = endpoint.isMeshed ? answer.headers['l5d-proxy-error'] : undefined;
  const end = endpoint.isMeshed && answer.headers['l5d-proxy-connection'] === 'close';
  for (const name in answer.headers) if (name.startsWith('l5d-')) delete answer.headers[name];
  if (typeof said === 'string') {
    const { ip, port } = endpoint.info;
    connection.runtime.log.info(
      `${connection.span}:endpoint{addr=${ip}:${port}}: linkerd_app_outbound::http::handle_proxy_error_headers`,
      `Remote proxy error error=${JSON.stringify(said)}`,
    );
  }
  if (end && exchange.version === 'HTTP/1.1') answer.headers['connection'] = 'close';
}

function route(routes: OutboundRoute[], exchange: Exchange) {
  const request = { method: exchange.method, path: exchange.path, host: exchange.authority, headers: exchange.headers };
  const found = findRoute(routes as (OutboundRoute & Routable)[], request);
  return found ?? ('none' as const);
}

function weighted<T extends { weight: number }>(backends: T[]): T | undefined {
  let pick = Math.random() * backends.reduce((sum, { weight }) => sum + weight, 0);
  for (const backend of backends) {
    pick -= backend.weight;
    if (pick < 0) return backend;
  }
  return backends.find(({ weight }) => weight > 0);
}

async function limited<T>(
  runtime: ProxyRuntime,
  timeoutMs: number | undefined,
  run: (signal?: AbortSignal) => Promise<T>,
): Promise<T> {
  if (!timeoutMs) return run();
  const abort = new AbortController();
  const timer = runtime.clock.setTimeout(() => abort.abort(), timeoutMs);
  try {
    return await run(abort.signal);
  } catch (error) {
    throw abort.signal.aborted ? new TimedOut() : error;
  } finally {
    timer.cancel();
  }
}

function labelsOf({ target, original }: OutboundConnection, endpoint: Endpoint): Labels {
  const { ip, port, identity, labels } = endpoint.info;
  const destination: Labels = {};
  for (const name in labels) destination[`dst_${name}`] = labels[name]!;
  return {
    direction: 'outbound',
    authority: target?.authority ?? `${original.ip}:${original.port}`,
    target_addr: `${ip}:${port}`,
    target_ip: ip,
    target_port: String(port),
    ...(identity
      ? { tls: 'true', server_id: identity }
      : { tls: 'no_identity', no_tls_reason: 'not_provided_by_service_discovery' }),
    ...destination,
  };
}

function fail(
  connection: OutboundConnection,
  exchange: Exchange,
  status: number,
  grpc: number,
  message: string,
  close: boolean,
  endpoint?: Endpoint,
): void {
  const { runtime, span } = connection;
  const at = endpoint ? `:endpoint{addr=${endpoint.info.ip}:${endpoint.info.port}}` : '';
  runtime.log.info(
    `${span}${at}:rescue{}: linkerd_app_core::errors::respond`,
    `${exchange.version} request failed error=${message} path=${JSON.stringify(exchange.path.split('?')[0])}`,
  );
  runtime.metrics.add('outbound_http_errors_total', {
    error: status === 504 ? 'failfast' : status === 503 ? 'loadshed' : 'i/o',
  });
  exchange.body?.resume();
  const answer = plainAnswer(exchange, status, { code: grpc, message });
  exchange.respond(close && exchange.version === 'HTTP/1.1' ? closing(answer) : answer);
}
