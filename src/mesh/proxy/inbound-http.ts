import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, Ref } from '#mesh/policy/core/config.ts';
import { decideRequest, REFUSALS } from '#mesh/policy/core/decide.ts';
import { classified } from './classify.ts';
import { type Answer, type Exchange, lengthLast, plainAnswer, synthesized } from './exchange.ts';
import { applyRequestFilters, applyResponseFilters, type FilterOutcome } from './filters.ts';
import { countFrames } from './frames.ts';
import { routeLabels, serverLabels, targetLabels, tlsInLog, tlsLabels } from './inbound-labels.ts';
import { CANONICAL_DST } from './inbound-profiles.ts';
import { type Allowed, seriesOf } from './inbound-series.ts';
import type { PortPolicy } from './port-policies.ts';
import { type CountedRoute, recordProfileRoute } from './profile-metrics.ts';
import type { RequestSeries } from './request-series.ts';
import type { ProxyRuntime } from './runtime.ts';
import type { ProfileRoute } from './service-profile.ts';
import type { TapPoint } from './tap/taps.ts';
import { clientErrorOf, HttpTwoError, isUnexpected, resetCodeOf } from './upstream.ts';

/** One accepted connection as its requests see it. */
export interface InboundConnection {
  runtime: ProxyRuntime;
  policy: PortPolicy;
  /** Of the application. */
  port: number;
  /** How metrics name the target; the admin port is `0.0.0.0`. */
  targetAddress: string;
  client: Client;
  clientAddress: string;
  /** The port that the connection came in on, for the log: 4143 with a transport header. */
  listenPort: number;
  /** Another proxy is at the other end: it may see `l5d-*` headers. */
  isProxy: boolean;
  /** For those who look on; absent where nobody may. */
  tapPoint?: () => TapPoint;
  /** The route of a ServiceProfile that a request counts for, of the Service that its client's proxy names. */
  profileRoute?(exchange: Exchange, canonical: string | undefined): Found;
  /** Sends on what was allowed. */
  forward(exchange: Exchange): Promise<Answer>;
}

type Found = CountedRoute | undefined | Promise<CountedRoute | undefined>;

export const ORIG_PROTO = 'l5d-orig-proto';
const PROXY_ERROR = 'l5d-proxy-error';
/** What one proxy tells another. */
const CLIENT_ID = 'l5d-client-id';

const LIMITS = { total: 'total', identity: 'per-identity', override: 'override' } as const;

/** Takes off what only proxies may say to each other; what the application is told of it comes back. */
function takeMeshHeaders({ client }: InboundConnection, exchange: Exchange): string | undefined {
  const canonical = exchange.headers[CANONICAL_DST];
  if (exchange.version === 'HTTP/2.0') delete exchange.headers[ORIG_PROTO];
  delete exchange.headers[CLIENT_ID];
  const identity = client.tls.kind === 'established' ? client.tls.identity : undefined;
  if (identity !== undefined) exchange.headers[CLIENT_ID] = identity;
  if (typeof canonical !== 'string') return undefined;
  exchange.headers[CANONICAL_DST] = canonical;
  return canonical;
}

/** Route, authorization and rate limit for one request, then the application (linkerd.md 3.3 and 3.4). */
export async function serveInbound(connection: InboundConnection, exchange: Exchange): Promise<void> {
  const { runtime, policy, client, port } = connection;
  const { config } = policy;
  const startedAt = runtime.clock.now();
  const viaProxyVersion = exchange.version === 'HTTP/2.0' && !exchange.isNative;
  const canonical = takeMeshHeaders(connection, exchange);
  const decision = decideRequest(
    config,
    client,
    { method: exchange.method, path: exchange.path, host: exchange.authority, headers: exchange.headers },
    policy.limiter,
  );
  const { metrics } = runtime;
  if (decision.outcome === 'allow')
    return passOn(connection, exchange, decision, { startedAt, viaProxyVersion, canonical });
  const target = targetLabels(connection.targetAddress, port);
  const server = serverLabels(decision.server, port);
  const who = tlsLabels(client);
  switch (decision.outcome) {
    case 'route-not-found':
      metrics.add('inbound_http_route_not_found_total', { ...target, ...server, ...who });
      return refuse(connection, exchange, decision.outcome);
    case 'deny':
      metrics.add('inbound_http_authz_deny_total', { ...target, ...server, ...routeLabels(decision.route), ...who });
      runtime.log.info(
        `inbound:server{port=${connection.listenPort}}: linkerd_app_inbound::policy::http`,
        `Request denied ${describe(decision.server, decision.route)} client.tls=${tlsInLog(client)} client.ip=${client.ip}`,
      );
      return refuse(connection, exchange, decision.outcome);
    case 'rate-limited': {
      const { limit, limited } = decision;
      metrics.add('inbound_http_local_ratelimit_total', {
        ...target,
        ...server,
        ratelimit_group: limit.ref.group,
        ratelimit_kind: limit.ref.kind,
        ratelimit_name: limit.ref.name,
        ratelimit_scope: limited.scope,
        ...who,
      });
      return refuse(
        connection,
        exchange,
        decision.outcome,
        `${LIMITS[limited.isOverride ? 'override' : limited.scope]} rate limit exceeded: ${limited.rps}rps`,
      );
    }
  }
}

/** What was allowed goes to the application; its answer goes back. */
async function passOn(
  connection: InboundConnection,
  exchange: Exchange,
  decision: Allowed,
  {
    startedAt,
    viaProxyVersion,
    canonical,
  }: { startedAt: number; viaProxyVersion: boolean; canonical: string | undefined },
): Promise<void> {
  const { runtime, client } = connection;
  const { metrics } = runtime;
  const series = seriesOf(connection, decision);
  metrics.add('inbound_http_authz_allow_total', series.allowed);
  if (decision.authorization.name === 'audit') {
    runtime.log.info(
      `inbound:server{port=${connection.listenPort}}: linkerd_app_inbound::policy::http`,
      `Request allowed ${describe(decision.server, decision.route)} client.tls=${tlsInLog(client)} client.ip=${client.ip} authz.group=${decision.authorization.group} authz.kind=${decision.authorization.kind} authz.name=${decision.authorization.name}`,
    );
  }
  metrics.add('request_total', series.request);
  const isOwn = connection.port === runtime.settings.adminPort;
  const { families } = series;
  if (!isOwn) {
    metrics.add(families.requests, series.parent);
    countFrames(exchange, metrics.histogram(families.requestFrames, series.parent));
  }
  const outcome = applyRequestFilters(exchange, decision.filters, decision.match);
  const early = outcome && filtered(connection, exchange, outcome);
  const found = early ? undefined : connection.profileRoute?.(exchange, canonical);
  const counted = found instanceof Promise ? await found : found;
  if (counted) metrics.add('route_request_total', counted.series.request);
  const { tapPoint } = connection;
  const routeLabels = counted?.route ? { routeLabels: { route: counted.route.name } } : {};
  const telling =
    early || !tapPoint ? undefined : runtime.taps.begin(exchange, () => ({ ...tapPoint(), ...routeLabels }));
  let answer: Answer;
  let hasGone = false;
  exchange.onDone((complete) => {
    hasGone = !complete;
  });
  try {
    answer = early ?? (await connection.forward(exchange));
    if (!early && !answer.body && exchange.version === 'HTTP/1.1') lengthLast(answer);
  } catch (error) {
    if (hasGone) return;
    const instead = unreachable(connection, exchange, error as Error, viaProxyVersion);
    if (!instead) return;
    answer = instead;
  }
  if (telling) answer = telling.answered(answer);
  applyResponseFilters(answer, decision.filters);
  if (viaProxyVersion) answer.headers[ORIG_PROTO] = 'HTTP/1.1';
  recordResponse(runtime, exchange, series, answer, startedAt, counted?.route);
  if (counted) recordProfileRoute(runtime, counted, exchange, answer, startedAt);
  if (!isOwn) countFrames(answer, metrics.histogram(families.responseFrames, series.parent));
  exchange.onDone(() => {
    if (isOwn) return;
    const ms = runtime.clock.now() - startedAt;
    metrics.add(families.statuses, series.status(answer));
    metrics.observeSeconds(families.requestDuration, series.parent, ms);
    metrics.observeSeconds(families.responseDuration, series.parent, ms);
  });
  exchange.respond(answer);
}

/** Counts a response when it is over; its class is known only then. */
export function recordResponse(
  runtime: ProxyRuntime,
  exchange: Exchange,
  series: RequestSeries,
  answer: Answer,
  startedAt: number,
  route?: ProfileRoute,
): void {
  exchange.onDone((complete) => {
    const { failed, grpcStatus } = classified(answer, complete, route);
    runtime.metrics.add('response_total', series.response(answer.status, failed, grpcStatus));
    runtime.metrics.observe('response_latency_ms', series.latency(answer.status), runtime.clock.now() - startedAt);
  });
}

const describe = (server: Ref, route: Ref): string =>
  `server.group=${server.group} server.kind=${server.kind} server.name=${server.name} route.group=${route.group} route.kind=${route.kind} route.name=${route.name}`;

function failureText(connection: InboundConnection, message: string): string {
  const { net } = connection.runtime;
  return `client ${connection.clientAddress}: server: ${net.ip}:${connection.listenPort}: ${message}`;
}

function countError({ runtime, policy, port, listenPort }: InboundConnection, error: string): void {
  runtime.metrics.add('inbound_http_errors_total', {
    error,
    ...targetLabels(runtime.net.ip, listenPort),
    ...serverLabels(policy.config.server, port),
  });
}

/** The name that was asked for, where it is one: `: service web:80`. */
function serviceIn({ authority }: Exchange): string {
  const [, host = '', port = '80'] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  return host === '' || isIP(host) ? '' : `: service ${host}:${port}`;
}

function logFailure(
  connection: InboundConnection,
  exchange: Exchange,
  message: string,
  sources: readonly string[] = [message],
): void {
  connection.runtime.log.info(
    `inbound:server{port=${connection.listenPort}}:rescue{client.addr=${connection.clientAddress}}: linkerd_app_core::errors::respond`,
    `${exchange.isGrpc ? 'gRPC' : exchange.version} request failed error=${failureText(connection, message)} error.sources=[${sources.join(', ')}] path=${JSON.stringify(exchange.path.split('?')[0])}`,
  );
}

/** The answer that a route's filter gives in the application's place. */
function filtered(connection: InboundConnection, exchange: Exchange, outcome: FilterOutcome): Answer {
  const { status } = outcome;
  const message =
    outcome.type === 'redirect' ? 'redirected' : outcome.type === 'invalid' ? 'unexpected error' : outcome.message;
  const grpc = outcome.type === 'redirect' ? 5 : outcome.type === 'invalid' ? 13 : outcome.grpc;
  const place = outcome.type === 'redirect' ? { location: outcome.location } : {};
  const given = { status, grpc, message, ...place, closes: outcome.type === 'invalid', tells: connection.isProxy };
  return synthesized(exchange, given, connection.runtime.clock.now());
}

function refuse(
  connection: InboundConnection,
  exchange: Exchange,
  why: keyof typeof REFUSALS,
  message: string = REFUSALS[why].message,
): void {
  const { http, grpc } = REFUSALS[why];
  logFailure(connection, exchange, message);
  exchange.body?.resume();
  const answer = plainAnswer(exchange, http, { code: grpc, message });
  if (connection.isProxy) answer.headers[PROXY_ERROR] = failureText(connection, message);
  answer.headers['date'] = new Date(connection.runtime.clock.now()).toUTCString();
  exchange.respond(answer);
}

/** The application can't be reached, or broke off: the answer in its place; undefined where there can be none. */
function unreachable(
  connection: InboundConnection,
  exchange: Exchange,
  error: Error,
  lifted: boolean,
): Answer | undefined {
  const { runtime, clientAddress, listenPort } = connection;
  const [message = '', ...sources] = clientErrorOf(error);
  const version = exchange.isGrpc ? 'gRPC' : lifted ? 'HTTP/1.1' : exchange.version;
  runtime.log.info(
    `inbound:server{port=${listenPort}}:rescue{client.addr=${clientAddress}}: linkerd_app_core::errors::respond`,
    `${version} request failed error=${message} error.sources=[${sources.join(', ')}] path=${JSON.stringify(exchange.path.split('?')[0])}`,
  );
  const unexpected = isUnexpected(error);
  countError(connection, unexpected ? 'unexpected' : 'i/o');
  if (error instanceof HttpTwoError && exchange.version === 'HTTP/2.0' && exchange.reset) {
    // Told once where the application is, and once where the client's connection is.
    const told = `server ${runtime.net.ip}:${connection.port}${serviceIn(exchange)}: ${message}`;
    logFailure(connection, exchange, told, [told, message, ...sources]);
    exchange.reset(resetCodeOf(error));
    return undefined;
  }
  const said = unexpected ? { status: 500, grpc: 13, message: 'unexpected error' } : { status: 502, grpc: 14, message };
  const given = { ...said, closes: true, tells: connection.isProxy };
  return synthesized(exchange, given, runtime.clock.now());
}

/** Upgrades (WebSocket) and CONNECT pass as bytes once the request itself was allowed. */
export function refuseUpgrade(socket: Duplex): void {
  socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
}
