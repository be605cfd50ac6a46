/** Upper bounds of `response_latency_ms`, ms (linkerd-http-metrics). */
const LATENCY_MS = [1, 10, 100, 1_000, 10_000].flatMap((unit) => [1, 2, 3, 4, 5].map((n) => n * unit));
/** Upper bounds of the newer histograms, as they are written; they count in seconds. */
const SECONDS = ['0.025', '0.05', '0.1', '0.25', '0.5', '1.0', '10.0'];
const SECONDS_BY_NAME: Record<string, string[]> = {
  inbound_http_response_duration_seconds: ['0.05', '0.5', '1.0', '10.0'],
  inbound_tcp_detect_http_duration_seconds: ['0.001', '0.1'],
  outbound_tcp_detect_http_duration_seconds: ['0.001', '0.1'],
};

export type Labels = Record<string, string>;

/** Hardly any value needs it. */
const escaped = (value: string): string =>
  /["\\\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;

/** `{a="b",c="d"}`, in the order given. */
export function renderLabels(labels: Labels): string {
  const parts: string[] = [];
  for (const name in labels) parts.push(`${name}="${escaped(labels[name]!)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

interface Histogram {
  counts: Uint32Array;
  sum: number;
  total: number;
}

const LATENCY_HELP = "Elapsed times between a request's headers being received and its response stream completing";
const ofRoutes = (protocol: 'http' | 'grpc'): Record<string, string> => ({
  [`outbound_${protocol}_route_backend_requests_total`]: 'The total number of requests dispatched.',
  [`outbound_${protocol}_route_backend_response_duration_seconds`]:
    'The time between request completion and response completion.',
  [`outbound_${protocol}_route_backend_response_statuses_total`]: 'Completed responses.',
  [`outbound_${protocol}_route_request_duration_seconds`]:
    'The time between request initialization and response completion.',
  [`outbound_${protocol}_route_request_statuses_total`]: 'Completed request-response streams.',
  [`outbound_${protocol}_route_retry_limit_exceeded_total`]: 'Retryable requests not sent due to retry limits.',
  [`outbound_${protocol}_route_retry_overflow_total`]: 'Retryable requests not sent due to circuit breakers.',
  [`outbound_${protocol}_route_retry_requests_total`]: 'Retry requests emitted.',
  [`outbound_${protocol}_route_retry_successes_total`]: 'Successful responses to retry requests.',
});

const HELP: Record<string, string> = {
  request_total: 'Total count of HTTP requests.',
  response_total: 'Total count of HTTP responses.',
  response_latency_ms: LATENCY_HELP,
  route_request_total: 'Total count of HTTP requests.',
  route_response_total: 'Total count of HTTP responses.',
  route_response_latency_ms: LATENCY_HELP,
  route_retryable_total: 'Total count of retryable HTTP responses.',
  route_actual_request_total: 'Total count of HTTP requests.',
  route_actual_response_total: 'Total count of HTTP responses.',
  tcp_open_total: 'Total count of opened connections',
  tcp_close_total: 'Total count of closed connections',
  tcp_open_connections: 'Number of currently-open connections',
  tcp_read_bytes_total: 'Total count of bytes read from peers',
  tcp_write_bytes_total: 'Total count of bytes written to peers',
  inbound_http_authz_allow_total: 'The total number of inbound HTTP requests that were authorized',
  inbound_http_authz_deny_total:
    'The total number of inbound HTTP requests that could not be processed due to a proxy error.',
  inbound_http_route_not_found_total:
    'The total number of inbound HTTP requests that could not be associated with a route',
  inbound_http_local_ratelimit_total: 'The total number of inbound HTTP requests that were rate-limited',
  inbound_http_errors_total:
    'The total number of inbound HTTP requests that could not be processed due to a proxy error.',
  inbound_http_requests_total: 'The total number of requests dispatched.',
  inbound_http_statuses_total: 'Completed HTTP responses.',
  inbound_http_request_duration_seconds: 'The time between request initialization and response completion.',
  inbound_http_response_duration_seconds: 'The time between request completion and response completion.',
  control_identity_cert_expiration_timestamp_seconds:
    "Time when this proxy's current mTLS identity certificate will expire (in seconds since the UNIX epoch).",
  control_identity_cert_refresh_timestamp_seconds:
    "Time when this proxy's current mTLS identity certificate was last updated.",
  control_identity_cert_refreshes_total:
    "The total number of times this proxy's mTLS identity certificate has been refreshed by the Identity provider.",
  inbound_tcp_transport_header_connections_total: 'TCP connections with transport headers.',
  outbound_http_balancer_endpoints: 'The number of endpoints currently in a HTTP request balancer.',
  outbound_http_balancer_p2c_endpoints: 'The number of endpoints currently in the balancer.',
  outbound_http_balancer_p2c_updates_total: 'The total number of service discovery updates received by a balancer.',
  ...ofRoutes('http'),
  ...ofRoutes('grpc'),
  inbound_tcp_detect_http_results_total: 'Protocol detection results.',
  outbound_tcp_detect_http_results_total: 'Protocol detection results.',
  inbound_tcp_detect_http_duration_seconds: 'Time taken for protocol detection.',
  outbound_tcp_detect_http_duration_seconds: 'Time taken for protocol detection.',
  outbound_tcp_protocol_connections_total: 'Outbound TCP connections by protocol configuration.',
  outbound_tcp_route_open_total: 'The number of connections opened.',
  outbound_tcp_route_close_total: 'The number of connections closed.',
  outbound_tls_route_open_total: 'The number of connections opened.',
  outbound_tls_route_close_total: 'The number of connections closed.',
  outbound_tcp_errors_total:
    'The total number of outbound TCP connections that could not be processed due to a proxy error.',
  inbound_tcp_authz_allow_total: 'The total number of inbound TCP connections that were authorized',
  inbound_tcp_authz_deny_total: 'The total number of inbound TCP connections that were denied',
  inbound_tcp_authz_terminate_total:
    'The total number of inbound TCP connections that were terminated due to an authorization change',
};

/** Families of the newer registry are announced without `_total` and with a closing full stop. */
const isNewer = (name: string): boolean =>
  /^(inbound_(http|grpc)_(requests|statuses)_total$|inbound_tcp_(detect|transport)_|outbound_(tcp|tls)_(detect|route|protocol)_|outbound_(http|grpc)_(route|balancer)_|control_identity_)/.test(
    name,
  );

/** Families that the real proxy keeps as floating-point numbers: whole values are printed with `.0`. They are times. */
const isFloat = (name: string): boolean => /^control_identity_cert_\w+_timestamp_seconds$/.test(name);

const float = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/** Counters, gauges and latencies of one proxy. Nothing is held for a series before its first use. */
export class Metrics {
  readonly #values = new Map<string, Map<string, number>>();
  readonly #histograms = new Map<string, Map<string, Histogram>>();
  readonly #seconds = new Map<string, Map<string, Histogram>>();
  readonly #collectors = new Set<() => void>();

  /** Calls `collector` before each rendering, for gauges that are only then worth computing. */
  collect(collector: () => void): () => void {
    this.#collectors.add(collector);
    return () => this.#collectors.delete(collector);
  }

  add(name: string, labels: Labels | string, amount = 1): void {
    const key = typeof labels === 'string' ? labels : renderLabels(labels);
    let series = this.#values.get(name);
    if (!series) {
      series = new Map();
      this.#values.set(name, series);
    }
    series.set(key, (series.get(key) ?? 0) + amount);
  }

  set(name: string, value: number, labels: Labels | string = ''): void {
    const key = typeof labels === 'string' ? labels : renderLabels(labels);
    let series = this.#values.get(name);
    if (!series) {
      series = new Map();
      this.#values.set(name, series);
    }
    series.set(key, value);
  }

  get(name: string, labels: Labels): number {
    return this.#values.get(name)?.get(renderLabels(labels)) ?? 0;
  }

  /** One observation, ms. */
  observe(name: string, labels: Labels | string, ms: number): void {
    const key = typeof labels === 'string' ? labels : renderLabels(labels);
    let series = this.#histograms.get(name);
    if (!series) {
      series = new Map();
      this.#histograms.set(name, series);
    }
    let histogram = series.get(key);
    if (!histogram) {
      histogram = { counts: new Uint32Array(LATENCY_MS.length), sum: 0, total: 0 };
      series.set(key, histogram);
    }
    const bucket = LATENCY_MS.findIndex((bound) => ms <= bound);
    if (bucket >= 0) histogram.counts[bucket]!++;
    histogram.sum += Math.round(ms);
    histogram.total++;
  }

  /** The same for a family that counts in seconds. */
  observeSeconds(name: string, labels: Labels | string, ms: number): void {
    const key = typeof labels === 'string' ? labels : renderLabels(labels);
    let series = this.#seconds.get(name);
    if (!series) {
      series = new Map();
      this.#seconds.set(name, series);
    }
    const bounds = SECONDS_BY_NAME[name] ?? SECONDS;
    let histogram = series.get(key);
    if (!histogram) {
      histogram = { counts: new Uint32Array(bounds.length), sum: 0, total: 0 };
      series.set(key, histogram);
    }
    const bucket = bounds.findIndex((bound) => ms / 1000 <= Number(bound));
    if (bucket >= 0) histogram.counts[bucket]!++;
    histogram.sum += ms / 1000;
    histogram.total++;
  }

  /** Prometheus text, without what the caller knows itself. */
  render(): string {
    for (const collector of this.#collectors) collector();
    const out: string[] = [];
    for (const [name, series] of this.#values) {
      const type = name.endsWith('_total') ? 'counter' : 'gauge';
      const title = isNewer(name) ? name.replace(/_total$/, '') : name;
      out.push(`# HELP ${title} ${HELP[name] ?? `${name}.`}`, `# TYPE ${title} ${type}`);
      if (isFloat(name)) out.push(`# UNIT ${title} seconds`);
      const print = isFloat(name) ? float : String;
      for (const [labels, value] of series) out.push(`${name}${labels} ${print(value)}`);
    }
    for (const [name, series] of this.#histograms) {
      out.push(`# HELP ${name} ${HELP[name] ?? name}`, `# TYPE ${name} histogram`);
      for (const [labels, { counts, sum, total }] of series) {
        const open = labels === '' ? '{' : `${labels.slice(0, -1)},`;
        let below = 0;
        LATENCY_MS.forEach((bound, index) => {
          below += counts[index]!;
          out.push(`${name}_bucket${open}le="${bound}"} ${below}`);
        });
        out.push(`${name}_bucket${open}le="+Inf"} ${total}`, `${name}_count${labels} ${total}`);
        out.push(`${name}_sum${labels} ${sum}`);
      }
    }
    for (const [name, series] of this.#seconds) {
      out.push(`# HELP ${name} ${HELP[name] ?? `${name}.`}`, `# TYPE ${name} histogram`, `# UNIT ${name} seconds`);
      const bounds = SECONDS_BY_NAME[name] ?? SECONDS;
      for (const [labels, { counts, sum, total }] of series) {
        const rest = labels === '' ? '}' : `,${labels.slice(1)}`;
        out.push(`${name}_sum${labels} ${float(sum)}`, `${name}_count${labels} ${total}`);
        let below = 0;
        bounds.forEach((bound, index) => {
          below += counts[index]!;
          out.push(`${name}_bucket{le="${bound}"${rest} ${below}`);
        });
        out.push(`${name}_bucket{le="+Inf"${rest} ${total}`);
      }
    }
    return `${out.join('\n')}\n`;
  }
}
