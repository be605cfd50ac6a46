import type { KubeObject } from '#kube/api/types.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { type IdentityDomain, serviceAccountIdentity } from '#mesh/policy/core/identities.ts';
import { inPortList } from '#mesh/policy/core/pod-ports.ts';

/** One address that a client proxy may connect to, with what destination knows about it. */
export interface Endpoint {
  ip: string;
  port: number;
  /** Name of the pod behind it, when there is one. */
  pod?: { namespace: string; name: string };
  /** Whom the client must find behind TLS; absent: plain text. */
  identity?: string;
  /** What to ask for in the TLS handshake, where that is not the identity's own name. */
  serverName?: string;
  /** Bytes only: no protocol detection, the inbound proxy learns the port from the transport header. */
  opaque: boolean;
  /** Both proxies may speak HTTP/2 to each other. */
  h2: boolean;
  /** Where the inbound proxy listens; set for meshed endpoints. */
  inboundPort?: number;
  /** `host:port` behind a gateway. */
  authorityOverride?: string;
  weight: number;
  /** How a client keeps its HTTP/2 connection to a meshed peer alive: destination.proto's Http2ClientParams. */
  http2?: Message;
  /** For metrics: `dst_*`. */
  labels: Record<string, string>;
}

export const DEFAULT_WEIGHT = 10_000;
const OPAQUE = 'config.linkerd.io/opaque-ports';
const SKIP_INBOUND = 'config.linkerd.io/skip-inbound-ports';
const DEFAULT_INBOUND_PORT = 4143;

/** Owners that metrics name, by kind. */
export function ownerLabel(pod: KubeObject): Record<string, string> {
  const owner = pod.metadata.ownerReferences?.find((each) => each.controller);
  if (!owner) return {};
  if (owner.kind === 'Job') return { k8s_job: owner.name };
  if (owner.kind !== 'ReplicaSet') return { [owner.kind.toLowerCase()]: owner.name };
  const hash = pod.metadata.labels?.['pod-template-hash'];
  return hash && owner.name.endsWith(`-${hash}`)
    ? { deployment: owner.name.slice(0, -hash.length - 1) }
    : { replicaset: owner.name };
}

/** Where a pod's proxy listens: for the pod's traffic, and on ports of its own that are dialled as they are. */
function proxyPorts(pod: KubeObject): { inbound: number; own: number[] } | undefined {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const proxy = containers.find((each) => each.name === 'linkerd-proxy');
  if (!proxy) return undefined;
  const port = (listener: string): number => {
    const name = `LINKERD2_PROXY_${listener}_LISTEN_ADDR`;
    const address = proxy.env?.find((each: { name: string }) => each.name === name)?.value;
    return Number(/:(\d+)$/.exec(address ?? '')?.[1]);
  };
  return { inbound: port('INBOUND') || DEFAULT_INBOUND_PORT, own: [port('ADMIN'), port('CONTROL')] };
}

export interface AddressSettings {
  domain: IdentityDomain;
  defaultOpaquePorts: string;
  enableH2Upgrade: boolean;
  /** For every meshed endpoint. */
  meshedHttp2?: Message;
}

/** Whether a port of a pod is opaque: its annotation, else the default list. */
export const opaqueOnPod = (pod: KubeObject, port: number, settings: AddressSettings): boolean =>
  inPortList(pod.metadata.annotations?.[OPAQUE] ?? settings.defaultOpaquePorts, port, pod);

/** Whether a port of a Service is opaque. */
export const opaqueOnService = (service: KubeObject, port: number, settings: AddressSettings): boolean =>
  inPortList(service.metadata.annotations?.[OPAQUE] ?? settings.defaultOpaquePorts, port);

/**
 * What destination says about a port of a pod (controller/api/destination/endpoint_translator.go). `zone` is where the
 * slice says that it is.
 */
export function podEndpoint(pod: KubeObject, port: number, settings: AddressSettings, zone = ''): Endpoint {
  const { namespace = '', name = '' } = pod.metadata;
  const account = pod.spec?.serviceAccountName || 'default';
  const hash = pod.metadata.labels?.['pod-template-hash'];
  const labels: Record<string, string> = {
    pod: name,
    ...ownerLabel(pod),
    serviceaccount: account,
    ...(hash ? { pod_template_hash: hash } : {}),
    zone,
  };
  const endpoint: Endpoint = {
    ip: pod.status?.podIP ?? '',
    port,
    pod: { namespace, name },
    opaque: opaqueOnPod(pod, port, settings),
    h2: false,
    weight: DEFAULT_WEIGHT,
    labels,
  };
  const controller = pod.metadata.labels?.['linkerd.io/control-plane-ns'];
  const skipped = inPortList(pod.metadata.annotations?.[SKIP_INBOUND] ?? '', port, pod);
  const ports = proxyPorts(pod);
  if (!controller || skipped || !ports) return endpoint;
  labels['control_plane_ns'] = controller;
  endpoint.h2 = settings.enableH2Upgrade;
  if (settings.meshedHttp2) endpoint.http2 = settings.meshedHttp2;
  if (!ports.own.includes(port)) endpoint.inboundPort = ports.inbound;
  if (controller === settings.domain.controlPlaneNamespace) {
    endpoint.identity = serviceAccountIdentity(settings.domain, namespace, account);
  }
  return endpoint;
}
