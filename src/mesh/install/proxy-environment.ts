import type { EnvVar } from '#kube/api/pod-parts.ts';
import { when } from './container-parts.ts';
import type { ProxyOptions } from './proxy-options.ts';
import type { Values } from './values.ts';

const fieldEnv = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const env = (name: string, value: string): EnvVar => ({ name, value });
const proxyEnv = (name: string, value: string): EnvVar => env(`LINKERD2_PROXY_${name}`, value);

/** How many cores the proxy may use: fixed, or between bounds. */
function cores(proxy: Values['proxy']): EnvVar[] {
  if (proxy.cores) return [proxyEnv('CORES', String(proxy.cores)), proxyEnv('CORES_MIN', String(proxy.cores))];
  const { minimum, maximum, maximumCPURatio } = proxy.runtime?.workers ?? {};
  return [
    proxyEnv('CORES', String(minimum || 1)),
    proxyEnv('CORES_MIN', String(minimum || 1)),
    ...when(maximum, () => proxyEnv('CORES_MAX', String(maximum))),
    ...when(maximumCPURatio, () => proxyEnv('CORES_MAX_RATIO', String(maximumCPURatio))),
  ];
}

const snake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();

/** `proxy.inbound.server.http2.keepAliveInterval` and its like. */
const protocolParameters = (proxy: Values['proxy']): EnvVar[] =>
  ['inbound', 'outbound'].flatMap((direction) =>
    Object.entries<Record<string, Record<string, unknown>>>(proxy[direction] ?? {}).flatMap(([scope, protocols]) =>
      Object.entries(protocols).flatMap(([protocol, parameters]) =>
        Object.entries(parameters).map(([name, value]) =>
          proxyEnv([direction, scope, protocol, name].map(snake).join('_'), String(value)),
        ),
      ),
    ),
  );

/** The settings of a proxy, in the chart's order. */
export function proxyEnvironment(options: ProxyOptions): EnvVar[] {
  const { namespace, values, local, anchors } = options;
  const { proxy } = values;
  const host = values.disableIPv6 ? '0.0.0.0' : '[::]';
  const control = (service: string, port: number, component: string) =>
    local === component ? `localhost.:${port}` : `${service}.${namespace}.svc.${values.clusterDomain}.:${port}`;
  const suffix = `serviceaccount.identity.${namespace}.${values.identityTrustDomain}`;
  const { ports } = proxy;
  return [
    fieldEnv('_pod_name', 'metadata.name'),
    fieldEnv('_pod_ns', 'metadata.namespace'),
    fieldEnv('_pod_uid', 'metadata.uid'),
    fieldEnv('_pod_ip', 'status.podIP'),
    fieldEnv('_pod_nodeName', 'spec.nodeName'),
    env('_pod_containerName', 'linkerd-proxy'),
    ...cores(proxy),
    ...when(proxy.requireIdentityOnInboundPorts, () =>
      proxyEnv('INBOUND_PORTS_REQUIRE_IDENTITY', proxy.requireIdentityOnInboundPorts),
    ),
    ...(options.requireTlsOnPorts ? [proxyEnv('INBOUND_PORTS_REQUIRE_TLS', options.requireTlsOnPorts)] : []),
    proxyEnv('SHUTDOWN_ENDPOINT_ENABLED', String(proxy.enableShutdownEndpoint)),
    proxyEnv(
      'LOG',
      `${proxy.logLevel}${proxy.logHTTPHeaders === 'insecure' ? '' : ',[{headers}]=off,[{request}]=off'}`,
    ),
    proxyEnv('LOG_FORMAT', proxy.logFormat),
    proxyEnv('DESTINATION_SVC_ADDR', control('linkerd-dst-headless', 8086, 'destination')),
    proxyEnv('DESTINATION_PROFILE_NETWORKS', values.clusterNetworks),
    proxyEnv('POLICY_SVC_ADDR', control('linkerd-policy', 8090, 'destination')),
    proxyEnv('POLICY_WORKLOAD', '{"ns":"$(_pod_ns)", "pod":"$(_pod_name)"}\n'),
    proxyEnv('INBOUND_DEFAULT_POLICY', proxy.defaultInboundPolicy),
    proxyEnv('POLICY_CLUSTER_NETWORKS', values.clusterNetworks),
    proxyEnv('CONTROL_STREAM_INITIAL_TIMEOUT', proxy.control.streams.initialTimeout),
    proxyEnv('CONTROL_STREAM_IDLE_TIMEOUT', proxy.control.streams.idleTimeout),
    proxyEnv('CONTROL_STREAM_LIFETIME', proxy.control.streams.lifetime),
    ...when(proxy.inboundConnectTimeout, () => proxyEnv('INBOUND_CONNECT_TIMEOUT', proxy.inboundConnectTimeout)),
    ...when(proxy.outboundConnectTimeout, () => proxyEnv('OUTBOUND_CONNECT_TIMEOUT', proxy.outboundConnectTimeout)),
    ...when(proxy.outboundDiscoveryCacheUnusedTimeout, () =>
      proxyEnv('OUTBOUND_DISCOVERY_IDLE_TIMEOUT', proxy.outboundDiscoveryCacheUnusedTimeout),
    ),
    ...when(proxy.inboundDiscoveryCacheUnusedTimeout, () =>
      proxyEnv('INBOUND_DISCOVERY_IDLE_TIMEOUT', proxy.inboundDiscoveryCacheUnusedTimeout),
    ),
    ...when(proxy.disableOutboundProtocolDetectTimeout, () => proxyEnv('OUTBOUND_DETECT_TIMEOUT', '365d')),
    ...when(proxy.disableInboundProtocolDetectTimeout, () => proxyEnv('INBOUND_DETECT_TIMEOUT', '365d')),
    proxyEnv('CONTROL_LISTEN_ADDR', `${host}:${ports.control}`),
    proxyEnv('ADMIN_LISTEN_ADDR', `${host}:${ports.admin}`),
    proxyEnv('OUTBOUND_LISTEN_ADDR', `127.0.0.1:${ports.outbound}`),
    proxyEnv(
      'OUTBOUND_LISTEN_ADDRS',
      `127.0.0.1:${ports.outbound}${values.disableIPv6 ? '' : `,[::1]:${ports.outbound}`}`,
    ),
    proxyEnv('INBOUND_LISTEN_ADDR', `${host}:${ports.inbound}`),
    fieldEnv('LINKERD2_PROXY_INBOUND_IPS', 'status.podIPs'),
    // An empty value is no value to the API.
    options.inboundPorts || anchors === undefined
      ? proxyEnv('INBOUND_PORTS', options.inboundPorts)
      : { name: 'LINKERD2_PROXY_INBOUND_PORTS' },
    ...when(proxy.isGateway, () => proxyEnv('INBOUND_GATEWAY_SUFFIXES', `svc.${values.clusterDomain}.`)),
    ...when(proxy.isIngress, () => proxyEnv('INGRESS_MODE', 'true')),
    proxyEnv('DESTINATION_PROFILE_SUFFIXES', proxy.enableExternalProfiles ? '.' : `svc.${values.clusterDomain}.`),
    proxyEnv('INBOUND_ACCEPT_KEEPALIVE', '10000ms'),
    proxyEnv('OUTBOUND_CONNECT_KEEPALIVE', '10000ms'),
    proxyEnv('INBOUND_ACCEPT_USER_TIMEOUT', '30s'),
    proxyEnv('OUTBOUND_CONNECT_USER_TIMEOUT', '30s'),
    proxyEnv('OUTBOUND_METRICS_HOSTNAME_LABELS', String(proxy.metrics.hostnameLabels)),
    ...protocolParameters(proxy),
    ...when(proxy.opaquePorts, () => proxyEnv('INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION', proxy.opaquePorts)),
    proxyEnv('DESTINATION_CONTEXT', '{"ns":"$(_pod_ns)", "nodeName":"$(_pod_nodeName)", "pod":"$(_pod_name)"}\n'),
    fieldEnv('_pod_sa', 'spec.serviceAccountName'),
    env('_l5d_ns', namespace),
    env('_l5d_trustdomain', values.identityTrustDomain),
    proxyEnv('IDENTITY_DIR', '/var/run/linkerd/identity/end-entity'),
    anchors === undefined
      ? {
          name: 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS',
          valueFrom: { configMapKeyRef: { name: 'linkerd-identity-trust-roots', key: 'ca-bundle.crt' } },
        }
      : // The bundle is written into the pod: it changes only with a new pod.
        proxyEnv('IDENTITY_TRUST_ANCHORS', `${anchors.trim()}\n`),
    proxyEnv('IDENTITY_TOKEN_FILE', '/var/run/secrets/tokens/linkerd-identity-token'),
    proxyEnv('IDENTITY_SVC_ADDR', control('linkerd-identity-headless', 8080, 'identity')),
    proxyEnv('IDENTITY_LOCAL_NAME', `$(_pod_sa).$(_pod_ns).${suffix}`),
    proxyEnv('IDENTITY_SVC_NAME', `linkerd-identity.${namespace}.${suffix}`),
    proxyEnv('DESTINATION_SVC_NAME', `linkerd-destination.${namespace}.${suffix}`),
    proxyEnv('POLICY_SVC_NAME', `linkerd-destination.${namespace}.${suffix}`),
    ...when(proxy.accessLog, () => proxyEnv('ACCESS_LOG', proxy.accessLog)),
    ...when(proxy.shutdownGracePeriod, () => proxyEnv('SHUTDOWN_GRACE_PERIOD', proxy.shutdownGracePeriod)),
    ...(proxy.additionalEnv ?? []),
    ...(proxy.experimentalEnv ?? []),
  ];
}
