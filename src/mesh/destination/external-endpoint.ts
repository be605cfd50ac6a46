import type { KubeObject } from '#kube/api/types.ts';
import { inPortList } from '#mesh/policy/core/pod-ports.ts';
import { type AddressSettings, DEFAULT_WEIGHT, type Endpoint } from './addresses.ts';

const OPAQUE = 'config.linkerd.io/opaque-ports';
const PROXY_PORT = 'linkerd-proxy';
const DEFAULT_INBOUND_PORT = 4143;

/** The number of a port that a workload outside the cluster documents by name. */
export const namedPort = (workload: KubeObject, name: unknown): number | undefined =>
  (workload.spec?.ports ?? []).find((each: { name?: string }) => each.name === name)?.port;

/**
 * What destination says about a port of a workload outside the cluster (controller/api/destination/endpoint_translator.go).
 * Its proxy speaks HTTP/2, its identity is a URI, and a transport header goes to it for opaque ports only.
 */
export function externalEndpoint(workload: KubeObject, port: number, settings: AddressSettings, zone = ''): Endpoint {
  const { identity, serverName } = workload.spec?.meshTLS ?? {};
  const controller = workload.metadata.ownerReferences?.find((each) => each.controller);
  const owner = controller ? { [controller.kind.toLowerCase()]: controller.name } : {};
  const endpoint: Endpoint = {
    ip: '',
    port,
    opaque: false,
    h2: true,
    weight: DEFAULT_WEIGHT,
    ...(identity ? { identity } : {}),
    ...(serverName ? { serverName } : {}),
    ...(settings.meshedHttp2 ? { http2: settings.meshedHttp2 } : {}),
    labels: { external_workload: workload.metadata.name ?? '', ...owner, zone },
  };
  const list = workload.metadata.annotations?.[OPAQUE] ?? settings.defaultOpaquePorts;
  return inPortList(list, port, workload) ? opaquely(workload, endpoint) : endpoint;
}

export const opaquely = (workload: KubeObject, endpoint: Endpoint): Endpoint => ({
  ...endpoint,
  opaque: true,
  h2: false,
  inboundPort: namedPort(workload, PROXY_PORT) ?? DEFAULT_INBOUND_PORT,
});
