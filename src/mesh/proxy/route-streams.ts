import type { PlacedRef } from '#mesh/policy/core/outbound-config.ts';
import type { StreamRoute } from './discovery.ts';
import { type Metrics, renderLabels } from './metrics.ts';
import { placedLabels } from './outbound-labels.ts';

/** Why a connection was closed, for `outbound_tcp_route_close_total`; empty: in order. */
type Closing = '' | 'forbidden' | 'invalid_backend' | 'invalid_policy' | 'unexpected';
const CLOSINGS: Closing[] = ['forbidden', 'invalid_backend', 'invalid_policy', 'unexpected', ''];

/** A connection of bytes as the metrics of its route count it (linkerd/app/outbound metrics/transport.rs). */
export class RouteStreams {
  readonly #metrics: Metrics;
  readonly #labels: Record<string, string> | undefined;
  readonly #family: string;
  #isOver = false;

  constructor(
    metrics: Metrics,
    parent: PlacedRef | undefined,
    route: StreamRoute | undefined,
    target: { ip: string; port: number },
  ) {
    this.#metrics = metrics;
    const isTls = route !== undefined && route.snis.length > 0;
    this.#family = isTls ? 'outbound_tls_route' : 'outbound_tcp_route';
    this.#labels =
      parent && route
        ? {
            ...placedLabels('parent', parent),
            ...placedLabels('route', route.ref),
            target_ip: target.ip,
            target_port: String(target.port),
          }
        : undefined;
  }

  opened(): void {
    const labels = this.#labels;
    if (!labels) return;
    this.#metrics.add(`${this.#family}_open_total`, renderLabels(labels));
    for (const error of CLOSINGS)
      this.#metrics.add(`${this.#family}_close_total`, renderLabels({ ...labels, error }), 0);
  }

  closed(error: Closing): void {
    if (!this.#labels || this.#isOver) return;
    this.#isOver = true;
    this.#metrics.add(`${this.#family}_close_total`, renderLabels({ ...this.#labels, error }));
  }
}
