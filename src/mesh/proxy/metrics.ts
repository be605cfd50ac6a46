/** Upper bounds of `response_latency_ms`, ms (linkerd-http-metrics). */
const LATENCY_MS = [1, 10, 100, 1_000, 10_000].flatMap((unit) => [1, 2, 3, 4, 5].map((n) => n * unit));

export type Labels = Record<string, string>;

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

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

const HELP: Record<string, string> = {
  request_total: 'Total count of HTTP requests.',
  response_total: 'Total count of HTTP responses.',
  response_latency_ms: 'Elapsed times between a request being received and its response stream completing',
  tcp_open_total: 'Total count of opened connections',
  tcp_close_total: 'Total count of closed connections',
  tcp_open_connections: 'Number of currently-open connections',
  tcp_read_bytes_total: 'Total count of bytes read from peers',
  tcp_write_bytes_total: 'Total count of bytes written to peers',
  inbound_http_authz_allow_total: 'The total number of inbound HTTP requests that were authorized',
  inbound_http_authz_deny_total:
    'The total number of inbound HTTP requests that could not be processed due to being denied by the authorization policy',
  inbound_http_route_not_found_total: 'The total number of HTTP requests that could not be associated with a route',
  inbound_http_local_ratelimit_total: 'The total number of inbound HTTP requests that failed due to rate limiting',
  inbound_tcp_authz_allow_total: 'The total number of inbound TCP connections that were authorized',
  inbound_tcp_authz_deny_total: 'The total number of inbound TCP connections that were denied',
  inbound_tcp_authz_terminate_total:
    'The total number of inbound TCP connections that were terminated due to an authorization change',
};

/** Counters, gauges and latencies of one proxy. Nothing is held for a series before its first use. */
export class Metrics {
  readonly #values = new Map<string, Map<string, number>>();
  readonly #histograms = new Map<string, Map<string, Histogram>>();

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

  /** Prometheus text, without what the caller knows itself. */
  render(): string {
    const out: string[] = [];
    for (const [name, series] of this.#values) {
      const type = name.endsWith('_total') ? 'counter' : 'gauge';
      out.push(`# HELP ${name} ${HELP[name] ?? name}`, `# TYPE ${name} ${type}`);
      for (const [labels, value] of series) out.push(`${name}${labels} ${value}`);
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
    return `${out.join('\n')}\n`;
  }
}
