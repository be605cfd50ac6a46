import { Unavailable } from './balancer.ts';
import type { Endpoint } from './endpoint.ts';
import { type Exchange, synthesized } from './exchange.ts';
import type { OutboundConnection } from './outbound-http.ts';
import { type Plan, Rejected } from './outbound-plan.ts';
import { TimedOut } from './stream-limits.ts';
import { clientErrorOf, HttpTwoError, isUnexpected, resetCodeOf } from './upstream.ts';

/** For the `error` label of a route's metrics. */
export const errorLabel = (error: Error): string =>
  error instanceof Rejected && (error.kind === 'redirect' || error.kind === 'fail')
    ? ''
    : error instanceof TimedOut
      ? 'RESPONSE_HEADERS_TIMEOUT'
      : error instanceof Unavailable
        ? error.status === 504
          ? 'FAIL_FAST'
          : 'LOAD_SHED'
        : 'UNKNOWN';

const BROKEN_OFF = [
  'client error (SendRequest)',
  'connection error',
  'client: Connection reset by peer (os error 104)',
];

interface Failure {
  status: number;
  grpc: number;
  /** The client's connection ends with the answer. */
  closes: boolean;
  /** For the errors metric. */
  kind: string;
  /** What the client is told. */
  message: string;
  /** What the log says: each layer of the proxy before what it wraps, outermost first. */
  chain: string[];
  location?: string;
}

/** Answers for a request that came to nothing (linkerd.md 3.4); returns the HTTP status. */
export function fail(
  connection: OutboundConnection,
  exchange: Exchange,
  error: Error,
  { plan, endpoint }: { plan?: Plan; endpoint?: Endpoint | undefined } = {},
): number {
  const { runtime, span } = connection;
  const { log, metrics, clock } = runtime;
  exchange.body?.on('error', () => {});
  exchange.body?.resume();
  const failure = failureOf(connection, error, plan, endpoint);
  const atEndpoint = endpoint && failure.chain[0]!.startsWith('endpoint ');
  const at = atEndpoint ? endpoint.span : span.split(':service')[0]!;
  const client = connection.client ? `client.addr=${connection.client.ip}:${connection.client.port}` : '';
  const version = exchange.isGrpc ? 'gRPC' : exchange.version;
  const [outer, ...sources] = failure.chain;
  const told = sources.length > 0 ? ` error.sources=[${sources.join(', ')}]` : '';
  log.info(
    `${at}:rescue{${client}}: linkerd_app_core::errors::respond`,
    `${version} request failed error=${outer}${told} path=${JSON.stringify(exchange.path.split('?')[0])}`,
  );
  if (failure.kind === 'unexpected')
    log.warn(`${at}:rescue{${client}}: linkerd_app_outbound::http::server`, 'Unexpected error');
  metrics.add('outbound_http_errors_total', { error: failure.kind });
  if (error instanceof HttpTwoError && exchange.version === 'HTTP/2.0' && exchange.reset) {
    // Told once where the connection is, and once where it was wanted.
    const outer = chained(contextOf(connection, error, plan), failure.chain);
    log.info(
      `${span.split(':service')[0]!}:rescue{${client}}: linkerd_app_core::errors::respond`,
      `${version} request failed error=${outer[0]} error.sources=[${outer.slice(1).join(', ')}] path=${JSON.stringify(exchange.path.split('?')[0])}`,
    );
    exchange.reset(resetCodeOf(error));
    return failure.status;
  }
  const { status, grpc, closes, message, location } = failure;
  exchange.respond(
    synthesized(
      exchange,
      { status, grpc, message, closes, tells: true, ...(location ? { location } : {}) },
      clock.now(),
    ),
  );
  return status;
}

function failureOf(
  connection: OutboundConnection,
  error: Error,
  plan: Plan | undefined,
  endpoint: Endpoint | undefined,
): Failure {
  const wrapped = (inner: string[]) => chained(contextOf(connection, error, plan), inner);
  if (error instanceof Rejected) {
    const { status, grpc, kind, location } = error;
    const chain = wrapped([error.message]);
    const told = error.told ?? chain[0]!;
    return { status, grpc, kind, closes: error.closes, message: told, chain, ...(location ? { location } : {}) };
  }
  if (error instanceof TimedOut) {
    const chain = wrapped([error.message, ...error.sources]);
    // A profile's limit is the older kind: its client's connection ends.
    return {
      status: 504,
      grpc: 4,
      closes: plan?.counted !== undefined,
      kind: 'response timeout',
      message: chain[0]!,
      chain,
    };
  }
  if (error instanceof Unavailable) {
    const fails = error.status === 504;
    const chain = wrapped([fails ? 'service in fail-fast' : 'service unavailable']);
    const kind = fails ? 'failfast' : 'loadshed';
    return { status: error.status, grpc: fails ? 4 : 14, closes: true, kind, message: chain[0]!, chain };
  }
  // A proxy at the other end that breaks off leaves TLS unfinished: an error of the connection, not of the answer.
  const brokenOff = isUnexpected(error) && endpoint?.info.identity !== undefined;
  const inner = brokenOff ? BROKEN_OFF : clientErrorOf(error);
  if (isUnexpected(error) && !brokenOff) {
    const at = endpoint ? [`endpoint ${endpoint.info.ip}:${endpoint.info.port}: `] : [];
    const chain = chained([...contextOf(connection, error, plan), ...at], inner);
    return { status: 500, grpc: 13, closes: true, kind: 'unexpected', message: 'unexpected error', chain };
  }
  const place = endpoint ? [`endpoint ${endpoint.info.ip}:${endpoint.info.port}: `] : [];
  const chain = chained(place, inner);
  return { status: 502, grpc: 14, closes: true, kind: 'i/o', message: chain[0]!, chain };
}

/** The layers that an error passes on its way out, as they announce themselves. */
function contextOf(connection: OutboundConnection, error: Error, plan: Plan | undefined): string[] {
  const { target, original } = connection;
  const logical = `logical service ${plan?.counted && target ? target.authority : `${original.ip}:${original.port}`}: `;
  const shed = error instanceof Unavailable && error.status === 503;
  const { route, backend } = plan?.place ?? (error instanceof Rejected ? error.place : undefined) ?? {};
  const layers = [logical];
  if (route) layers.push(`route ${route}: `);
  // Load is shed before a backend is chosen.
  if (!backend || shed) return layers;
  if (route) layers.push(`backend ${backend}: `);
  if (!(error instanceof Rejected)) layers.push(`${backend}: `);
  return layers;
}

/** `a: b: c`, `b: c`, `c`: an error with every error inside it. */
function chained(layers: string[], inner: string[]): string[] {
  const [first = '', ...causes] = inner;
  return [...layers.map((_, i) => layers.slice(i).join('') + first), first, ...causes].filter(
    (text, i, all) => all.indexOf(text) === i,
  );
}
