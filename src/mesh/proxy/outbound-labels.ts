import type { PlacedRef } from '#mesh/policy/core/outbound-config.ts';
import { grpcStatusOf } from './classify.ts';
import type { Endpoint } from './endpoint.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { Labels } from './metrics.ts';
import type { Plan } from './outbound-plan.ts';
import type { ProxyRuntime } from './runtime.ts';

/** How the metrics of a route are called and labelled. */
export interface RouteLabels {
  /** `outbound_http_route`, `outbound_grpc_route`. */
  family: string;
  parent: Labels;
  /** Parent and route. */
  route: Labels;
  /** Of the last try, with the backend. */
  backend?: Labels;
}

export const routeFamily = (protocol: 'http' | 'grpc'): string => `outbound_${protocol}_route`;

/** `parent_group`, `parent_kind` and so on, in the order the proxy writes them. */
export function placedLabels(prefix: 'parent' | 'route' | 'backend', ref: PlacedRef): Labels {
  return {
    [`${prefix}_group`]: ref.group,
    [`${prefix}_kind`]: ref.kind,
    [`${prefix}_namespace`]: ref.namespace,
    [`${prefix}_name`]: ref.name,
    ...(prefix === 'route' ? {} : { [`${prefix}_port`]: ref.port === undefined ? '' : String(ref.port) }),
    ...(prefix === 'route' ? {} : { [`${prefix}_section_name`]: '' }),
  };
}

/** The name that it is balanced by, the address, the identity and the owners of an endpoint. */
export function destinationLabels(endpoint: Endpoint): Labels {
  const { ip, port, identity, labels } = endpoint.info;
  const destination: Labels = {};
  for (const name of Object.keys(labels).sort()) destination[`dst_${name}`] = labels[name]!;
  const { authority } = endpoint;
  return {
    ...(authority === undefined ? {} : { authority: authority.replace(/:80$/, '') }),
    target_addr: `${ip}:${port}`,
    target_ip: ip,
    target_port: String(port),
    ...(identity
      ? { tls: 'true', server_id: identity }
      : { tls: 'no_identity', no_tls_reason: 'not_provided_by_service_discovery' }),
    ...destination,
  };
}

/** Counts a request on its route when it is over; one that failed has no status. */
export function recordRoute(
  runtime: ProxyRuntime,
  { labels }: Pick<Plan, 'labels'>,
  exchange: Exchange,
  answer: Answer,
  startedAt: number,
  error = '',
): void {
  if (!labels) return;
  const { metrics, clock } = runtime;
  exchange.onDone(() => {
    const grpc = labels.family === 'outbound_grpc_route';
    const grpcStatus = grpcStatusOf(answer);
    const ms = clock.now() - startedAt;
    const status: Labels = grpc
      ? { grpc_status: error ? '' : (grpcStatus ?? ''), error }
      : { http_status: error ? '' : String(answer.status), error };
    metrics.add(`${labels.family}_request_statuses_total`, { ...labels.route, hostname: '', ...status });
    metrics.observeSeconds(`${labels.family}_request_duration_seconds`, { ...labels.route, hostname: '' }, ms);
    if (!labels.backend) return;
    metrics.add(`${labels.family}_backend_response_statuses_total`, { ...labels.backend, ...status });
    metrics.observeSeconds(`${labels.family}_backend_response_duration_seconds`, labels.backend, ms);
  });
}
