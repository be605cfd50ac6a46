import type { Client, Ref } from '#mesh/policy/core/config.ts';
import type { Labels, Metrics } from './metrics.ts';
import type { HttpVersion } from './peek.ts';

/** Label sets of linkerd.md 3.6, in the order the proxy writes them. */
export const targetLabels = (address: string, port: number): Labels => ({
  target_addr: `${address}:${port}`,
  target_ip: address,
  target_port: String(port),
});

export const serverLabels = (ref: Ref, port: number): Labels => ({
  srv_group: ref.group,
  srv_kind: ref.kind,
  srv_name: ref.name,
  srv_port: String(port),
});

export const routeLabels = (ref: Ref): Labels => ({
  route_group: ref.group,
  route_kind: ref.kind,
  route_name: ref.name,
});

export const authzLabels = (ref: Ref): Labels => ({
  authz_group: ref.group,
  authz_kind: ref.kind,
  authz_name: ref.name,
});

export function tlsLabels({ tls }: Client): Labels {
  switch (tls.kind) {
    case 'established':
      return { tls: 'true', client_id: tls.identity ?? '' };
    case 'opaque':
      return { tls: 'opaque', sni: tls.sni };
    case 'none':
      return { tls: 'no_identity', no_tls_reason: tls.reason };
  }
}

/** The client's TLS as taps tell it. */
export function tapLabels({ tls }: Client): Labels {
  switch (tls.kind) {
    case 'established':
      return { tls: 'true', client_id: tls.identity ?? '' };
    case 'opaque':
      return { tls: 'passthru', sni: tls.sni };
    case 'none':
      return { tls: tls.reason };
  }
}

/** The client's TLS in a log line: `Some(Established { … })` or `None(NoClientHello)`; connections are logged without the protocol. */
export function tlsInLog({ tls }: Client, withProtocol = true): string {
  if (tls.kind === 'established') {
    const id = tls.identity === undefined ? 'None' : `Some(ClientId(Dns(Name(${JSON.stringify(tls.identity)}))))`;
    const protocol = tls.alpn === undefined || !withProtocol ? 'None' : `Some(${JSON.stringify(tls.alpn)})`;
    return `Some(Established { client_id: ${id}, negotiated_protocol: ${protocol} })`;
  }
  if (tls.kind === 'opaque') return `Some(Passthru { sni: ServerName(Name(${JSON.stringify(tls.sni)})) })`;
  return tls.reason === 'port_skipped'
    ? 'None(PortSkipped)'
    : tls.reason === 'loopback'
      ? 'None(Loopback)'
      : 'None(NoClientHello)';
}

const RESULTS: Record<HttpVersion, string> = { http1: 'http/1', http2: 'http/2', none: 'not_http' };

const ALL_RESULTS = ['read_timeout', 'error', 'not_http', 'http/2', 'http/1'];

/** Counts what protocol detection found on a side; nothing within its time is a timeout. */
export function detected(
  metrics: Metrics,
  side: 'inbound' | 'outbound',
  version: HttpVersion | undefined,
  { ms, labels }: { ms: number; labels: Labels },
): void {
  const found = version ? RESULTS[version] : 'read_timeout';
  for (const result of ALL_RESULTS) {
    metrics.add(`${side}_tcp_detect_http_results_total`, { result, ...labels }, result === found ? 1 : 0);
  }
  metrics.observeSeconds(`${side}_tcp_detect_http_duration_seconds`, labels, ms);
}

/** Labels of the newer families: the server as parent, then the route. */
export const parentLabels = (server: Ref, port: number, route: Ref): Labels => ({
  parent_group: server.group,
  parent_kind: server.kind,
  parent_name: server.name,
  parent_port: String(port),
  ...routeLabels(route),
});
