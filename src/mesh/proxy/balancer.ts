import type { AccrualSettings, LoadSettings } from '#mesh/policy/core/outbound-settings.ts';
import { Breaker } from './breaker.ts';
import type { DiscoveredEndpoint, Discovery } from './discovery.ts';
import { Endpoint } from './endpoint.ts';
import { type Labels, renderLabels } from './metrics.ts';
import { QueueMetrics } from './queue-metrics.ts';
import type { ProxyRuntime } from './runtime.ts';

/** No endpoint became ready in time (504), or none has since (503). */
export class Unavailable extends Error {
  readonly status: 503 | 504;
  constructor(status: 503 | 504) {
    super(status === 504 ? 'service in fail-fast' : 'service unavailable');
    this.status = status;
  }
}

/** Requests, bytes, or TLS that is passed on as it is. */
export type Carried = 'http' | 'tcp' | 'tls';

export interface BalancerOptions {
  authority: string;
  /** For the log. */
  span: string;
  /** One address that was dialled itself: nothing is balanced, and nothing is logged of it. */
  isForward?: boolean;
  accrual?: AccrualSettings;
  load?: LoadSettings;
  /** Whose metrics it is for; bytes that are no HTTP have balancers of their own. */
  carries?: Carried;
  /** For `outbound_http_balancer_…` and its like. */
  labels?: Labels;
}

/** How long a request waits for an endpoint before the balancer fails fast. */
const FAILFAST_MS = 3_000;

const sameEndpoint = (a: DiscoveredEndpoint, b: DiscoveredEndpoint): boolean =>
  a.identity === b.identity &&
  a.serverName === b.serverName &&
  a.opaque === b.opaque &&
  a.h2 === b.h2 &&
  a.inboundPort === b.inboundPort;

/** The endpoints of one Service port, and which of them the next request goes to: the better of two at random. */
export class Balancer {
  readonly #runtime: ProxyRuntime;
  readonly #options: BalancerOptions;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #stops: (() => void)[] = [];
  readonly #queue: QueueMetrics | undefined;
  #failfast = false;
  #hasHeard = false;
  #waiting: (() => void)[] = [];

  constructor(runtime: ProxyRuntime, discovery: Discovery, options: BalancerOptions) {
    this.#runtime = runtime;
    this.#options = options;
    const { labels } = options;
    if (labels) {
      const { metrics, clock } = runtime;
      this.#queue = new QueueMetrics({
        metrics,
        clock,
        family: this.#family,
        labels: renderLabels(labels),
        timeoutMs: FAILFAST_MS,
      });
      this.#stops.push(metrics.collect(() => this.#report(labels)));
    }
    this.#stops.push(discovery.watchEndpoints(options.authority, (endpoints) => this.#take(endpoints ?? [])));
  }

  get #family(): string {
    return `outbound_${this.#options.carries ?? 'http'}_balancer`;
  }

  get authority(): string {
    return this.#options.authority;
  }

  #report(labels: Labels): void {
    const all = [...this.#endpoints.values()];
    const ready = all.filter(({ isReady }) => isReady).length;
    const { metrics } = this.#runtime;
    const family = this.#family;
    metrics.set(`${family}_endpoints`, ready, { endpoint_state: 'ready', ...labels });
    metrics.set(`${family}_endpoints`, all.length - ready, { endpoint_state: 'pending', ...labels });
    metrics.set(`${family}_p2c_endpoints`, all.length, labels);
  }

  #take(endpoints: DiscoveredEndpoint[]): void {
    const { metrics } = this.#runtime;
    const { labels } = this.#options;
    // The first word of destination is one of everything.
    const isFirst = !this.#hasHeard;
    this.#hasHeard = true;
    const updates = { Add: 0, Remove: 0, Reset: isFirst ? 1 : 0 };
    const { log } = this.#runtime;
    const { span, isForward } = this.#options;
    const present = new Set<string>();
    for (const info of endpoints) {
      const key = `${info.ip}:${info.port}`;
      present.add(key);
      const old = this.#endpoints.get(key);
      if (old && sameEndpoint(old.info, info)) continue;
      if (!isFirst) updates.Add = 1;
      old?.close();
      this.#endpoints.set(key, this.#endpoint(info, key));
      if (!old && !isForward) log.info(`${span}: linkerd_pool_p2c`, `Adding endpoint addr=${key}`);
    }
    for (const [key, endpoint] of this.#endpoints) {
      if (present.has(key)) continue;
      updates.Remove = 1;
      this.#endpoints.delete(key);
      if (!isForward) log.info(`${span}: linkerd_pool_p2c`, `Removing endpoint addr=${key}`);
      // Requests that are on their way may still end well.
      this.#runtime.clock.setTimeout(() => endpoint.close(), FAILFAST_MS);
    }
    if (labels) {
      for (const [op, times] of Object.entries(updates))
        metrics.add(`${this.#family}_p2c_updates_total`, { op, ...labels }, times);
    }
    this.#available();
    this.#wake();
  }

  #available(): void {
    this.#failfast = false;
    this.#queue?.open();
  }

  #endpoint(info: DiscoveredEndpoint, key: string): Endpoint {
    const { accrual, load, isForward } = this.#options;
    const span = `${this.#options.span}:${isForward ? 'forward' : 'endpoint'}{addr=${key}}`;
    const { clock, log } = this.#runtime;
    const where = `${span}: linkerd_app_outbound::http::breaker::consecutive_failures`;
    const breaker =
      accrual &&
      new Breaker(clock, accrual, {
        tripped: () => log.info(where, 'Consecutive failure-accrual breaker closed'),
        recovered: () => {
          log.info(where, 'Consecutive failure-accrual breaker reopened');
          this.#available();
          this.#wake();
        },
      });
    return new Endpoint(info, this.#runtime, {
      span,
      ...(isForward ? {} : { authority: this.#options.authority }),
      ...(breaker ? { breaker } : {}),
      ...(load ? { penalty: load } : {}),
    });
  }

  /**
   * An endpoint to use, connected where that can be told beforehand. Throws {@link Unavailable} after three seconds
   * without one, and at once while that has not changed.
   */
  async pick(): Promise<Endpoint> {
    // While the gate is shut nothing gets as far as the queue.
    if (!this.#queue || this.#failfast) return this.#pick();
    const since = this.#queue.enter();
    try {
      return await this.#pick();
    } finally {
      this.#queue.leave(since);
    }
  }

  async #pick(): Promise<Endpoint> {
    const { clock } = this.#runtime;
    const deadline = clock.now() + FAILFAST_MS;
    for (;;) {
      const endpoint = this.#choose();
      if (endpoint) {
        try {
          await endpoint.prepare();
          if (this.#failfast) this.#available();
          return endpoint;
        } catch {
          if (this.#failfast) throw new Unavailable(503);
          continue;
        }
      }
      if (this.#failfast) throw new Unavailable(503);
      const now = clock.now();
      if (now >= deadline) {
        if (!this.#failfast)
          this.#runtime.log.info(
            `${this.#options.span}: linkerd_proxy_balance_queue::worker`,
            `Unavailable; entering failfast timeout=${(FAILFAST_MS / 1000).toFixed(1)}`,
          );
        this.#failfast = true;
        this.#queue?.shut();
        throw new Unavailable(504);
      }
      const next = Math.min(deadline, ...[...this.#endpoints.values()].map((each) => each.retryAt));
      await this.#changeOr(Math.max(1, next - now));
    }
  }

  #choose(): Endpoint | undefined {
    const ready: Endpoint[] = [];
    for (const endpoint of this.#endpoints.values()) if (endpoint.isReady) ready.push(endpoint);
    if (ready.length < 2) return ready[0];
    const i = Math.floor(Math.random() * ready.length);
    let j = Math.floor(Math.random() * (ready.length - 1));
    if (j >= i) j++;
    return ready[i]!.load <= ready[j]!.load ? ready[i] : ready[j];
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #changeOr(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#runtime.clock.setTimeout(resolve, ms);
      this.#waiting.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  close(): void {
    for (const stop of this.#stops) stop();
    for (const endpoint of this.#endpoints.values()) endpoint.close();
    this.#endpoints.clear();
    if (this.#options.labels) this.#report(this.#options.labels);
    this.#wake();
  }
}
