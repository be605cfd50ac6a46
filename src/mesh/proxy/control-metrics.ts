import type { Clock } from '#base/clock.ts';
import type { CallMeter, SentCall } from '#mesh/api/grpc.ts';
import { isGrpcFailure } from './classify.ts';
import { type Metrics, renderLabels } from './metrics.ts';
import { QueueMetrics } from './queue-metrics.ts';
import { RequestSeries } from './request-series.ts';
import type { ControlAddress } from './settings.ts';

/** A request to a controller that finds no connection waits so long before the gate shuts (linkerd/app/core/src/control.rs). */
export const CONTROL_FAILFAST_MS = 30_000;
/** What a stream counts as that this side gave up, or that ended without a status: UNKNOWN, and no failure. */
const UNKNOWN = '2';

export interface ControlMetricsOptions {
  metrics: Metrics;
  clock: Clock;
  name: 'identity' | 'destination' | 'policy';
  to: ControlAddress;
}

/** What a proxy counts of its own requests to one controller, and of the balancer that they go through. */
export class ControlMetrics implements CallMeter {
  /** Absent until there is a balancer. */
  queue: QueueMetrics | undefined;
  readonly #options: ControlMetricsOptions;
  readonly #family: string;
  readonly #labels: string;
  readonly #series: RequestSeries;
  #addresses = new Set<string>();
  /** Open connections by address. */
  readonly #open = new Map<string, number>();

  constructor(options: ControlMetricsOptions) {
    this.#options = options;
    const { name, to } = options;
    const addr = `${to.host}:${to.port}`;
    this.#family = `control_${name}_balancer`;
    this.#labels = renderLabels({ addr });
    this.#series = new RequestSeries({
      addr,
      ...(to.identity === undefined
        ? { tls: 'no_identity', no_tls_reason: 'loopback' }
        : { tls: 'true', server_id: to.identity }),
    });
    options.metrics.collect(() => this.#report());
  }

  /** There is a balancer from now on, or a new one. */
  built(): void {
    const { metrics, clock } = this.#options;
    metrics.add('control_request_total', this.#series.request, 0);
    this.queue = new QueueMetrics({
      metrics,
      clock,
      family: this.#family,
      labels: this.#labels,
      timeoutMs: CONTROL_FAILFAST_MS,
    });
    this.#addresses = new Set();
    for (const op of ['Add', 'Remove', 'Reset']) this.#updated(op, 0);
  }

  /** The controller is at these addresses. */
  found(addresses: string[]): void {
    if (!this.queue) return;
    if (addresses.length === this.#addresses.size && addresses.every((each) => this.#addresses.has(each))) return;
    this.#addresses = new Set(addresses);
    this.#updated('Reset', 1);
  }

  /** A connection is open until the returned function is called. */
  connected(address: string): () => void {
    this.#open.set(address, (this.#open.get(address) ?? 0) + 1);
    return () => {
      const left = this.#open.get(address)! - 1;
      if (left > 0) this.#open.set(address, left);
      else this.#open.delete(address);
      // Identity's balancer is there for one certificate at a time.
      if (left === 0 && this.#options.name === 'identity') this.#addresses = new Set();
    };
  }

  sent(): SentCall {
    const { metrics, clock } = this.#options;
    const series = this.#series;
    metrics.add('control_request_total', series.request);
    const since = clock.now();
    let status: number | undefined;
    let isTimed = false;
    let isOver = false;
    const time = () => {
      if (isTimed || status === undefined) return;
      isTimed = true;
      metrics.observe('control_response_latency_ms', series.latency(status), clock.now() - since);
    };
    return {
      head: (given) => {
        status = given;
      },
      piece: time,
      over: (how, grpcStatus) => {
        if (isOver) return;
        isOver = true;
        time();
        if (status === undefined) {
          if (how === 'broken') metrics.add('control_response_total', series.failure('unclassified'));
          return;
        }
        const response =
          how === 'broken'
            ? series.broken(status, 'unclassified')
            : how === 'given up'
              ? series.response(status, false, UNKNOWN)
              : series.response(status, grpcStatus !== undefined && isGrpcFailure(grpcStatus), grpcStatus ?? UNKNOWN);
        metrics.add('control_response_total', response);
      },
    };
  }

  #updated(op: string, times: number): void {
    this.#options.metrics.add(`${this.#family}_p2c_updates_total`, `{op="${op}",${this.#labels.slice(1)}`, times);
  }

  #report(): void {
    if (!this.queue) return;
    const { metrics } = this.#options;
    const all = this.#addresses.size;
    let ready = 0;
    for (const address of this.#addresses) if (this.#open.has(address)) ready++;
    const rest = this.#labels.slice(1);
    metrics.set(`${this.#family}_endpoints`, ready, `{endpoint_state="ready",${rest}`);
    metrics.set(`${this.#family}_endpoints`, all - ready, `{endpoint_state="pending",${rest}`);
    metrics.set(`${this.#family}_p2c_endpoints`, all, this.#labels);
  }
}
