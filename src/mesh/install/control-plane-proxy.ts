/* biome-ignore-all lint/suspicious/noExplicitAny: containers are plain JSON. */
import type { Values } from './values.ts';

export interface ProxyOptions {
  namespace: string;
  values: Values;
  /** Ports of the pod's own containers. */
  inboundPorts: string;
  /** identity runs beside this proxy, destination beside that one: they are reached over localhost. */
  local?: 'identity' | 'destination';
  requireTlsOnPorts?: string;
  /** Written into the container; absent: read from the ConfigMap, as the control plane's own proxies do. */
  anchors?: string;
  capabilities?: { add?: string[]; drop?: string[] };
  /** Where the account's token is found in the other containers. */
  accountMount?: { mountPath: string; name: string; readOnly?: boolean };
}

const fieldEnv = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const env = (name: string, value: string) => ({ name, value });
const proxyEnv = (name: string, value: string) => env(`LINKERD2_PROXY_${name}`, value);

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
};

/** As `resources` of a container, or nothing where the values have none. */
export const chosenResources = (from: any): { resources?: any } => (from ? { resources: resources(from) } : {});

/** Written when a value of `proxy.resources` is set; null otherwise, as the chart renders it. */
export function resources(from: any): any {
  const pick = (which: 'limit' | 'request') => {
    const out: Record<string, string> = {};
    for (const [name, each] of Object.entries<any>(from ?? {})) if (each?.[which]) out[name] = String(each[which]);
    return Object.keys(out).length > 0 ? out : undefined;
  };
  const [limits, requests] = [pick('limit'), pick('request')];
  if (!limits && !requests) return null;
  return { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) };
}

const imageOf = (image: any, values: Values): string => `${image.name}:${image.version || values.linkerdVersion}`;

/** The chart's values as the control plane's own proxies take them. */
export function controlPlaneValues(values: Values): Values {
  return {
    ...values,
    proxy: {
      ...values['proxy'],
      // What was chosen for workloads does not hold here: everybody must reach the control plane.
      defaultInboundPolicy: 'all-unauthenticated',
      outboundDiscoveryCacheUnusedTimeout: '5s',
      inboundDiscoveryCacheUnusedTimeout: '90s',
      waitBeforeExitSeconds: 0,
    },
    proxyInit: { ...values['proxyInit'], ignoreOutboundPorts: values['proxyInit'].kubeAPIServerPorts },
  };
}

function capabilitiesOf({ add = [], drop = [] }: { add?: string[]; drop?: string[] }): object {
  const capabilities = { ...(add.length > 0 ? { add } : {}), ...(drop.length > 0 ? { drop } : {}) };
  return Object.keys(capabilities).length > 0 ? { capabilities } : {};
}

const when = <T>(condition: unknown, item: () => T): T[] => (condition ? [item()] : []);

/** How many cores the proxy may use: fixed, or between bounds. */
function cores(proxy: any): any[] {
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
const protocolParameters = (proxy: any): any[] =>
  ['inbound', 'outbound'].flatMap((direction) =>
    Object.entries<any>(proxy[direction] ?? {}).flatMap(([scope, protocols]) =>
      Object.entries<any>(protocols).flatMap(([protocol, parameters]) =>
        Object.entries(parameters).map(([name, value]) =>
          proxyEnv([direction, scope, protocol, name].map(snake).join('_'), String(value)),
        ),
      ),
    ),
  );

/** The proxy's container (partials/_proxy.tpl), for the control plane and for workloads. */
export function proxyContainer(options: ProxyOptions): any {
  const { namespace, values, local, anchors, accountMount } = options;
  const { proxy } = values;
  const host = values.disableIPv6 ? '0.0.0.0' : '[::]';
  const control = (service: string, port: number, component: string) =>
    local === component ? `localhost.:${port}` : `${service}.${namespace}.svc.${values.clusterDomain}.:${port}`;
  const suffix = `serviceaccount.identity.${namespace}.${values.identityTrustDomain}`;
  const { ports } = proxy;
  // identity cannot wait for a proxy that waits for identity.
  const native = proxy.nativeSidecar && local !== 'identity';
  const waits = proxy.await && local !== 'identity';
  const lifecycle = {
    ...(waits
      ? {
          postStart: {
            exec: { command: ['/usr/lib/linkerd/linkerd-await', '--timeout=2m', `--port=${ports.admin}`] },
          },
        }
      : {}),
    ...(proxy.waitBeforeExitSeconds
      ? { preStop: { exec: { command: ['/bin/sleep', String(proxy.waitBeforeExitSeconds)] } } }
      : {}),
  };
  return {
    env: [
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
    ],
    image: imageOf(proxy.image, values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    livenessProbe: { httpGet: { path: '/live', port: ports.admin }, ...proxy.livenessProbe },
    name: 'linkerd-proxy',
    ports: [
      { containerPort: ports.inbound, name: 'linkerd-proxy' },
      { containerPort: ports.admin, name: 'linkerd-admin' },
    ],
    readinessProbe: { httpGet: { path: '/ready', port: ports.admin }, ...proxy.readinessProbe },
    ...(native && waits
      ? { startupProbe: { httpGet: { path: '/ready', port: ports.admin }, ...proxy.startupProbe } }
      : {}),
    resources: resources(proxy.resources),
    securityContext:
      Object.keys(proxy.securityContext ?? {}).length > 0
        ? structuredClone(proxy.securityContext)
        : {
            allowPrivilegeEscalation: false,
            ...capabilitiesOf(options.capabilities ?? (anchors === undefined ? { drop: ['ALL'] } : {})),
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            runAsUser: proxy.uid,
            ...(proxy.gid >= 0 ? { runAsGroup: proxy.gid } : {}),
            seccompProfile: { type: 'RuntimeDefault' },
          },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...(!native && Object.keys(lifecycle).length > 0 ? { lifecycle } : {}),
    volumeMounts: [
      { mountPath: '/var/run/linkerd/identity/end-entity', name: 'linkerd-identity-end-entity' },
      { mountPath: '/var/run/secrets/tokens', name: 'linkerd-identity-token' },
      ...when(accountMount, () => accountMount),
    ],
    ...(native ? { restartPolicy: 'Always' } : {}),
  };
}

/** Checks that the CNI plugin has led traffic to the proxy; in the place of linkerd-init where that plugin is used. */
export function networkValidator(values: Values): any {
  const { proxy, networkValidator: own, disableIPv6 } = values;
  return {
    name: 'linkerd-network-validator',
    image: imageOf(proxy.image, values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    resources: resources(proxy.resources),
    ...(own.enableSecurityContext === false
      ? {}
      : {
          securityContext: own.securityContext ?? {
            ...RESTRICTED,
            runAsGroup: 65534,
            runAsUser: 65534,
            seccompProfile: { type: 'RuntimeDefault' },
          },
        }),
    command: ['/usr/lib/linkerd/linkerd2-network-validator'],
    args: [
      '--log-format',
      own.logFormat,
      '--log-level',
      own.logLevel,
      '--connect-addr',
      own.connectAddr || (disableIPv6 ? '1.1.1.1:20001' : '[fd00::1]:20001'),
      '--listen-addr',
      own.listenAddr || (disableIPv6 ? '0.0.0.0:4140' : '[::]:4140'),
      '--timeout',
      own.timeout,
    ],
  };
}

/** linkerd-init, or what stands in its place with the CNI plugin. The control plane leaves the ports of the API server alone. */
export function initContainer(
  values: Values,
  { capabilities, accountMount }: Pick<ProxyOptions, 'capabilities' | 'accountMount'> = {},
): any {
  if (values.cniEnabled) return networkValidator(values);
  const { proxy, proxyInit } = values;
  const privileged = Boolean(proxyInit.privileged || proxyInit.closeWaitTimeoutSecs);
  const inbound = [proxy.ports.control, proxy.ports.admin, proxyInit.ignoreInboundPorts].filter((each) => each !== '');
  // Without these two nothing could be redirected.
  const drop = (capabilities?.drop ?? []).filter((each) => each !== 'NET_RAW' && each !== 'NET_ADMIN');
  return {
    args: [
      ...(proxyInit.iptablesMode === 'nft'
        ? ['--firewall-bin-path', 'iptables-nft', '--firewall-save-bin-path', 'iptables-nft-save']
        : []),
      ...(values.disableIPv6 ? ['--ipv6=false'] : []),
      '--incoming-proxy-port',
      String(proxy.ports.inbound),
      '--outgoing-proxy-port',
      String(proxy.ports.outbound),
      '--proxy-uid',
      String(proxy.uid),
      ...(proxy.gid >= 0 ? ['--proxy-gid', String(proxy.gid)] : []),
      '--inbound-ports-to-ignore',
      inbound.join(','),
      ...flag('--outbound-ports-to-ignore', proxyInit.ignoreOutboundPorts),
      ...flag('--timeout-close-wait-secs', proxyInit.closeWaitTimeoutSecs),
      ...flag('--log-format', proxyInit.logFormat),
      ...flag('--log-level', proxyInit.logLevel),
      ...flag('--subnets-to-ignore', proxyInit.skipSubnets),
    ],
    image: imageOf(proxy.image, values),
    command: ['/usr/lib/linkerd/linkerd2-proxy-init'],
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    name: 'linkerd-init',
    resources: resources(proxy.resources),
    securityContext: {
      allowPrivilegeEscalation: privileged,
      capabilities: {
        add: ['NET_ADMIN', 'NET_RAW', ...(capabilities?.add ?? [])],
        ...(drop.length > 0 ? { drop } : {}),
      },
      privileged,
      runAsNonRoot: !proxyInit.runAsRoot,
      runAsUser: proxyInit.runAsRoot ? 0 : proxyInit.runAsUser || 65534,
      runAsGroup: proxyInit.runAsRoot ? 0 : proxyInit.runAsGroup || 65534,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { mountPath: proxyInit.xtMountPath.mountPath, name: proxyInit.xtMountPath.name },
      ...when(accountMount, () => accountMount),
    ],
  };
}

const flag = (name: string, value: unknown): string[] => (value ? [name, String(value)] : []);

export const apiAccessVolume: any = {
  name: 'kube-api-access',
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { items: [{ key: 'ca.crt', path: 'ca.crt' }], name: 'kube-root-ca.crt' } },
      {
        downwardAPI: {
          items: [{ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' }, path: 'namespace' }],
        },
      },
    ],
  },
};

/** The volumes that the two containers above and a controller's API access need. */
export const proxyVolumes = (values: Values): any[] => [
  apiAccessVolume,
  ...(values.cniEnabled ? [] : [{ emptyDir: {}, name: values.proxyInit.xtMountPath.name }]),
  {
    name: 'linkerd-identity-token',
    projected: {
      sources: [
        {
          serviceAccountToken: {
            path: 'linkerd-identity-token',
            expirationSeconds: 86400,
            audience: 'identity.l5d.io',
          },
        },
      ],
    },
  },
  { emptyDir: { medium: 'Memory' }, name: 'linkerd-identity-end-entity' },
];

/** What containers of the controller image share. */
export const controllerSecurity = (values: Values): any => ({
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: values.controllerUID,
  ...(values.controllerGID >= 0 ? { runAsGroup: values.controllerGID } : {}),
  allowPrivilegeEscalation: false,
  seccompProfile: { type: 'RuntimeDefault' },
});

export const apiAccessMount = {
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  name: 'kube-api-access',
  readOnly: true,
};

/** A container of the controller image with its admin endpoint's probes. */
export function controllerContainer(options: {
  values: Values;
  name: string;
  args: string[];
  command?: string[];
  ports: { containerPort: number; name: string }[];
  admin: number | string;
  live?: string;
  mounts: any[];
  env?: any[];
  livenessProbe?: any;
  readinessProbe?: any;
  resources?: any;
}): any {
  const { values } = options;
  return {
    ...(options.command ? { command: options.command } : {}),
    args: options.args,
    ...(options.env ? { env: options.env } : {}),
    image: `${values.controllerImage}:${values.linkerdVersion}`,
    imagePullPolicy: values.imagePullPolicy,
    livenessProbe: {
      httpGet: { path: options.live ?? '/ping', port: options.admin },
      initialDelaySeconds: 10,
      ...options.livenessProbe,
    },
    name: options.name,
    ports: options.ports,
    readinessProbe: {
      failureThreshold: 7,
      httpGet: { path: '/ready', port: options.admin },
      ...options.readinessProbe,
    },
    ...(options.resources === undefined ? {} : { resources: options.resources }),
    securityContext: controllerSecurity(values),
    volumeMounts: [...options.mounts, apiAccessMount],
  };
}
