import { ipText, tcpMessage } from '#mesh/api/addresses.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { DEFAULT_WEIGHT, type Endpoint } from './addresses.ts';

/** An endpoint as destination.proto's WeightedAddr. */
export function addrMessage(endpoint: Endpoint): Message {
  const { identity, inboundPort, authorityOverride } = endpoint;
  const hint: Message = {
    ...(endpoint.opaque ? { opaque: {} } : endpoint.h2 ? { h2: {} } : {}),
    ...(inboundPort === undefined ? {} : { opaque_transport: { inbound_port: inboundPort } }),
  };
  return {
    addr: tcpMessage(endpoint.ip, endpoint.port),
    weight: endpoint.weight,
    metric_labels: endpoint.labels,
    ...(identity ? { tls_identity: identityMessage(identity, endpoint.serverName) } : {}),
    ...(Object.keys(hint).length > 0 ? { protocol_hint: hint } : {}),
    ...(endpoint.http2 ? { http2: endpoint.http2 } : {}),
    ...(authorityOverride ? { authority_override: { authority_override: authorityOverride } } : {}),
  };
}

/** Identities of the mesh are DNS names, those of workloads outside it URIs. */
const identityMessage = (identity: string, serverName = identity): Message => ({
  ...(identity.includes('://') ? { uri_like_identity: { uri: identity } } : { dns_like_identity: { name: identity } }),
  server_name: { name: serverName },
});

export const keyOfAddr = (addr: Message | undefined): string => `${ipText(addr?.['ip'])}:${addr?.['port'] ?? 0}`;

/** Back again; labels of the whole set are laid under those of the address. */
export function endpointFrom(message: Message, setLabels: Record<string, string> = {}): Endpoint {
  const labels: Record<string, string> = { ...setLabels, ...message['metric_labels'] };
  const hint: Message = message['protocol_hint'] ?? {};
  const tls: Message = message['tls_identity'] ?? {};
  const identity: string | undefined = tls['dns_like_identity']?.name ?? tls['uri_like_identity']?.uri;
  const serverName: string | undefined = tls['server_name']?.name;
  const authorityOverride: string | undefined = message['authority_override']?.authority_override;
  const { pod, namespace } = labels;
  return {
    ip: ipText(message['addr']?.ip),
    port: message['addr']?.port ?? 0,
    ...(pod && namespace ? { pod: { namespace, name: pod } } : {}),
    ...(identity ? { identity } : {}),
    ...(identity && serverName && serverName !== identity ? { serverName } : {}),
    opaque: hint['opaque'] !== undefined,
    h2: hint['h2'] !== undefined,
    ...(hint['opaque_transport'] ? { inboundPort: hint['opaque_transport'].inbound_port } : {}),
    ...(authorityOverride ? { authorityOverride } : {}),
    weight: message['weight'] ?? DEFAULT_WEIGHT,
    labels,
  };
}
