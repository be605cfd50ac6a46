import type { Balancer, Carried } from './balancer.ts';
import { Unavailable } from './balancer.ts';
import type { OutboundTarget } from './discovery.ts';
import type { Endpoint } from './endpoint.ts';
import { type Answer, type Exchange, lengthLast, without } from './exchange.ts';
import { applyResponseFilters } from './filters.ts';
import { countFrames } from './frames.ts';
import { recordResponse } from './inbound-http.ts';
import { errorLabel, fail } from './outbound-failure.ts';
import { destinationLabels, recordRoute } from './outbound-labels.ts';
import { type Plan, planFor, Rejected } from './outbound-plan.ts';
import { countProfileRequest, recordProfileFailure, recordProfileRoute, recordTry } from './profile-metrics.ts';
import { ReplayBody } from './replay.ts';
import { RequestSeries } from './request-series.ts';
import type { ProxyRuntime } from './runtime.ts';
import type { RetryBudget } from './service-profile.ts';
import { StreamLimits, TimedOut } from './stream-limits.ts';
import type { Place } from './tap/match.ts';
import type { TapPoint } from './tap/taps.ts';

export interface OutboundConnection {
  runtime: ProxyRuntime;
  target: OutboundTarget | undefined;
  /** Where the client dialled. */
  original: { ip: string; port: number };
  /** Who dialled; absent behind a gateway. */
  client?: Place;
  /** For the log: `proxy{addr=…}:service{…}` and so on. */
  span: string;
  /** Balancers by authority, shared with other connections of the pod. */
  balancer(authority: string, carries?: Carried): Balancer;
  /** Used when the target is nothing that the mesh knows, and for traffic that leaves the cluster. */
  direct: Endpoint;
  /** Of the Service's profile, shared by all connections to it. */
  budget: RetryBudget | undefined;
}

/** How long a first retry waits, and at most; as much again may be added by chance (policy-controller outbound/http.rs). */
const FIRST_BACKOFF_MS = 25;
const LAST_BACKOFF_MS = 250;

/** By this a program asks its proxy to speak to nobody else (linkerd/app/outbound require_id_header.rs). */
const REQUIRE_ID = 'l5d-require-id';

/** Finds the backend of a request and sends it there, more than once where that is wanted (linkerd.md 4.1 to 4.6). */
export async function serveOutbound(connection: OutboundConnection, exchange: Exchange): Promise<void> {
  const { runtime } = connection;
  const required = exchange.headers[REQUIRE_ID];
  // Other headers of the mesh's own are the application's affair (linkerd/app/outbound passes them on).
  delete exchange.headers[REQUIRE_ID];
  const startedAt = runtime.clock.now();
  if (exchange.authority === '') exchange.authority = defaultAuthority(connection);
  let plan: Plan;
  try {
    plan = planFor(connection, exchange);
    if (plan.counted) countProfileRequest(runtime, plan.counted);
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    const status = fail(connection, exchange, error);
    recordRoute(runtime, error, exchange, { status, headers: {} }, startedAt, errorLabel(error));
    return;
  }
  const { metrics } = runtime;
  const { labels } = plan;
  if (labels) {
    const route = { ...labels.route, hostname: '' };
    countFrames(exchange, metrics.histogram(`${labels.family}_request_frame_size_bytes`, route));
  }
  const limits = new StreamLimits(runtime.clock, exchange, plan.timeouts);
  const replay =
    exchange.body && (plan.retry || plan.timeouts.idleMs)
      ? new ReplayBody(exchange.body, () => limits.touch())
      : undefined;
  const tries = new Tries(
    connection,
    exchange,
    plan,
    limits,
    replay,
    typeof required === 'string' ? required : undefined,
  );
  try {
    const { answer, endpoint, filters } = await tries.run();
    const series = seriesOf(connection, endpoint);
    runtime.metrics.add('request_total', series.request);
    finish(connection, exchange, answer, endpoint);
    applyResponseFilters(answer, filters);
    recordResponse(runtime, exchange, series, answer, startedAt, plan.counted?.route);
    if (plan.counted) recordProfileRoute(runtime, plan.counted, exchange, answer, startedAt);
    recordRoute(runtime, plan, exchange, answer, startedAt);
    if (labels?.backend)
      countFrames(answer, metrics.histogram(`${labels.family}_backend_response_frame_size_bytes`, labels.backend));
    limits.watch(answer);
    exchange.respond(answer);
  } catch (error) {
    limits.stop();
    const { endpoint } = tries;
    if (endpoint) runtime.metrics.add('request_total', seriesOf(connection, endpoint).request);
    const status = fail(connection, exchange, error as Error, { plan, endpoint });
    recordRoute(runtime, plan, exchange, { status, headers: {} }, startedAt, errorLabel(error as Error));
    if (plan.counted)
      recordProfileFailure(runtime, plan.counted, exchange, { status, startedAt, reason: reasonOf(error) });
  }
}

/** Who is meant by a request that names nobody. */
const defaultAuthority = ({ target, original }: OutboundConnection): string =>
  target?.authority.replace(/:80$/, '') ?? `${original.ip}:${original.port}`;

interface Served {
  answer: Answer;
  endpoint: Endpoint;
  filters: Plan['filters'];
}

/** The tries of one request. */
class Tries {
  readonly #connection: OutboundConnection;
  readonly #exchange: Exchange;
  readonly #plan: Plan;
  readonly #limits: StreamLimits;
  readonly #replay: ReplayBody | undefined;
  readonly #requiredId: string | undefined;
  /** The endpoint of the last try that found one. */
  endpoint: Endpoint | undefined;

  constructor(
    connection: OutboundConnection,
    exchange: Exchange,
    plan: Plan,
    limits: StreamLimits,
    replay: ReplayBody | undefined,
    requiredId?: string,
  ) {
    this.#connection = connection;
    this.#exchange = exchange;
    this.#plan = plan;
    this.#limits = limits;
    this.#replay = replay;
    this.#requiredId = requiredId;
  }

  async run(): Promise<Served> {
    const { retry, labels, counted } = this.#plan;
    const { runtime } = this.#connection;
    const { clock, metrics } = runtime;
    let backoff = FIRST_BACKOFF_MS;
    for (let left = retry?.limit ?? 0; ; left--) {
      let served: Served | undefined;
      let failure: Error | undefined;
      if (counted) metrics.add('route_actual_request_total', counted.series.request);
      try {
        served = await this.#try(left > 0 ? retry?.timeoutMs : undefined);
        if (!retry || !(await retry.wants(served.answer))) {
          if (counted) recordTry(runtime, counted, this.#exchange, served.answer, true);
          return served;
        }
      } catch (error) {
        failure = error as Error;
        if (!retry || !isRetryable(failure)) throw failure;
      }
      const small = !this.#exchange.body || this.#replay?.canReplay === true;
      const spent = left <= 0;
      const may = !spent && small && retry.mayRetry();
      if (counted && small) {
        metrics.add('route_retryable_total', counted.series.request);
        if (!may) metrics.add('route_retryable_total', counted.series.skipped);
      }
      if (!may) {
        if (labels) metrics.add(`${labels.family}_retry_${spent ? 'limit_exceeded' : 'overflow'}_total`, labels.route);
        if (served) {
          if (counted) recordTry(runtime, counted, this.#exchange, served.answer, true);
          return served;
        }
        throw failure!;
      }
      if (counted && served) recordTry(runtime, counted, this.#exchange, served.answer, false);
      served?.answer.body?.on('error', () => {});
      served?.answer.body?.destroy();
      if (labels) metrics.add(`${labels.family}_retry_requests_total`, labels.route);
      if (retry.isAtOnce) {
        this.#limits.signal.throwIfAborted();
        continue;
      }
      await clock.sleep(backoff + Math.random() * backoff, this.#limits.signal);
      backoff = Math.min(backoff * 2, LAST_BACKOFF_MS);
    }
  }

  /** Sends to an endpoint, in the sight of those who look on. */
  #send(endpoint: Endpoint, given: Parameters<Endpoint['send']>[1]): Promise<Answer> {
    const required = this.#requiredId;
    const found = endpoint.info.identity;
    const backend = this.#plan.place?.backend;
    const place = backend ? `${backend}: ` : '';
    if (required !== undefined && required !== found)
      throw new Rejected(
        502,
        14,
        'identity required',
        `${place}required id ${serverId(required)}; found ${found === undefined ? 'None' : `Some(${serverId(found)})`}`,
        { closes: true },
      );
    const exchange = this.#exchange;
    const { taps } = this.#connection.runtime;
    const telling = taps.watched ? taps.begin(exchange, () => this.#tapPoint(endpoint)) : undefined;
    const sent = endpoint.send(exchange, given);
    return telling ? telling.through(sent) : sent;
  }

  #tapPoint({ info }: Endpoint): TapPoint {
    const { client, runtime } = this.#connection;
    const route = this.#plan.counted?.route?.name;
    return {
      direction: 'outbound',
      source: client ?? { ip: runtime.net.ip, port: 0 },
      destination: { ip: info.ip, port: info.port },
      sourceLabels: { tls: 'loopback' },
      destinationLabels: info.labels,
      destinationTls: info.identity
        ? { tls: 'true', server_id: info.identity }
        : { tls: 'not_provided_by_service_discovery' },
      ...(route ? { routeLabels: { route } } : {}),
    };
  }

  async #try(timeoutMs: number | undefined): Promise<Served> {
    const exchange = this.#exchange;
    const { runtime } = this.#connection;
    const { headers, filters, pick } = this.#plan.backend();
    if (timeoutMs === undefined && !this.#limits.isLimited) {
      const endpoint = await pick();
      this.endpoint = endpoint;
      const body = this.#replay ? this.#replay.open() : exchange.body;
      return { answer: await this.#send(endpoint, { headers, body }), endpoint, filters };
    }
    const abort = new AbortController();
    const stop = () => abort.abort(this.#limits.signal.reason);
    this.#limits.signal.addEventListener('abort', stop, { once: true });
    if (this.#limits.signal.aborted) stop();
    const timer = timeoutMs
      ? runtime.clock.setTimeout(() => abort.abort(new TryTimedOut(timeoutMs)), timeoutMs)
      : undefined;
    const aborted = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true });
    });
    aborted.catch(() => {});
    try {
      const endpoint = await Promise.race([pick(), aborted]);
      this.endpoint = endpoint;
      const body = this.#replay ? this.#replay.open() : exchange.body;
      const sent = this.#send(endpoint, { headers, body, signal: abort.signal });
      sent.catch(() => {});
      return { answer: await Promise.race([sent, aborted]), endpoint, filters };
    } catch (error) {
      throw abort.signal.aborted ? abort.signal.reason : error;
    } finally {
      timer?.cancel();
      this.#limits.signal.removeEventListener('abort', stop);
    }
  }
}

/** One try took too long; the next may be luckier. */
class TryTimedOut extends TimedOut {
  constructor(ms: number) {
    super('response header', ms);
  }
}

/** Failing fast and slow tries are worth another; load shed and what the route itself says are not. */
const isRetryable = (error: Error): boolean =>
  error instanceof TryTimedOut || (error instanceof Unavailable && error.status === 504);

/** What the proxies say to each other in answers. */
const BETWEEN_PROXIES = new Set(['l5d-orig-proto', 'l5d-proxy-error', 'l5d-proxy-connection']);

const serverId = (name: string): string => `ServerId(Dns(Name(${JSON.stringify(name)})))`;

/** Reads and takes off what the other proxy said of its own. */
function finish(connection: OutboundConnection, exchange: Exchange, answer: Answer, endpoint: Endpoint): void {
  const said = endpoint.isMeshed ? answer.headers['l5d-proxy-error'] : undefined;
  // Through a balancer the client may well find another endpoint on the same connection.
  const isForwarded = connection.target?.service === undefined;
  const end = isForwarded && endpoint.isMeshed && answer.headers['l5d-proxy-connection'] === 'close';
  answer.headers = without(answer.headers, (name) => BETWEEN_PROXIES.has(name));
  if (typeof said === 'string') {
    connection.runtime.log.info(
      `${endpoint.span}: linkerd_app_outbound::http::handle_proxy_error_headers`,
      `Remote proxy error error=${JSON.stringify(said)}`,
    );
  }
  if (exchange.version !== 'HTTP/1.1') return;
  if (end) answer.headers['connection'] = 'close';
  lengthLast(answer);
}

const known = new WeakMap<OutboundConnection, WeakMap<Endpoint, RequestSeries>>();

function seriesOf(connection: OutboundConnection, endpoint: Endpoint): RequestSeries {
  let series = known.get(connection);
  if (!series) {
    series = new WeakMap();
    known.set(connection, series);
  }
  let found = series.get(endpoint);
  if (!found) {
    found = new RequestSeries({
      direction: 'outbound',
      ...destinationLabels(endpoint),
    });
    series.set(endpoint, found);
  }
  return found;
}

/** What a ServiceProfile's counters say in place of a status; a broken connection counts as the 502 that the client sees. */
const reasonOf = (error: unknown): 'timeout' | 'unclassified' | undefined =>
  error instanceof TimedOut
    ? 'timeout'
    : error instanceof Unavailable || error instanceof Rejected
      ? 'unclassified'
      : undefined;
