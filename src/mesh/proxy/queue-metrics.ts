import type { Clock } from '#base/clock.ts';
import type { Histogram, Metrics } from './metrics.ts';

export interface QueueOptions {
  metrics: Metrics;
  clock: Clock;
  /** `outbound_http_balancer`, `control_policy_balancer` */
  family: string;
  /** Rendered. */
  labels: string;
  /** How long a request waits before the gate shuts. */
  timeoutMs: number;
}

/**
 * What is counted of the queue before a balancer: how many wait for an endpoint and for how long, and when the gate
 * before it was shut because none came (linkerd/proxy/balance/queue).
 */
export class QueueMetrics {
  readonly #options: QueueOptions;
  readonly #length: string;
  readonly #requests: string;
  readonly #latency: Histogram;
  readonly #gate: string;
  #isShut = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    const { metrics, family, labels, timeoutMs } = options;
    this.#length = `${family}_queue_length`;
    this.#requests = `${family}_queue_requests_total`;
    this.#gate = `${family}_queue_gate`;
    metrics.add(this.#length, labels, 0);
    metrics.add(this.#requests, labels, 0);
    this.#latency = metrics.histogram(`${family}_queue_latency_seconds`, labels);
    this.#opened();
    metrics.add(`${this.#gate}_shut_total`, labels, 0);
    metrics.set(`${this.#gate}_timeout_seconds`, timeoutMs / 1000, labels);
  }

  /** A request waits from now on, until {@link leave} is given what this returns. */
  enter(): number {
    const { metrics, clock, labels } = this.#options;
    metrics.add(this.#requests, labels);
    metrics.add(this.#length, labels);
    return clock.now();
  }

  leave(since: number): void {
    const { metrics, clock, labels } = this.#options;
    metrics.add(this.#length, labels, -1);
    this.#latency.observe((clock.now() - since) / 1000);
  }

  /** No endpoint came in time. */
  shut(): void {
    if (this.#isShut) return;
    this.#isShut = true;
    const { metrics, clock, labels } = this.#options;
    metrics.add(`${this.#gate}_shut_total`, labels);
    metrics.set(`${this.#gate}_open_time_seconds`, 0, labels);
    metrics.set(`${this.#gate}_shut_time_seconds`, clock.now() / 1000, labels);
  }

  /** There is one again. */
  open(): void {
    if (this.#isShut) this.#opened();
  }

  #opened(): void {
    this.#isShut = false;
    const { metrics, clock, labels } = this.#options;
    metrics.add(`${this.#gate}_open_total`, labels);
    metrics.set(`${this.#gate}_open_time_seconds`, clock.now() / 1000, labels);
    metrics.set(`${this.#gate}_shut_time_seconds`, 0, labels);
  }
}
