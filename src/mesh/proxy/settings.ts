import { parseGoDuration } from '#base/go-duration.ts';

/** A controller as `host.:port` and the identity to expect of it; without one (loopback) the connection is plain. */
export interface ControlAddress {
  host: string;
  port: number;
  identity?: string;
}

/** What the environment tells a proxy. Everything it does is decided here (linkerd/app/src/env). */
export interface ProxySettings {
  localName: string;
  anchors: string;
  identityDirectory: string;
  tokenFile: string;
  identity: ControlAddress;
  destination: ControlAddress;
  policy: ControlAddress;
  workload: string;
  context: string;
  namespace: string;
  inboundPort: number;
  outboundPort: number;
  adminPort: number;
  controlPort: number;
  /** Who may tap; absent: nobody, and nothing listens for it. */
  tapName?: string;
  inboundPorts: number[];
  opaquePorts: string;
  requireTlsPorts: string;
  /** Names that end in one of these are sent on for clients from elsewhere; empty: no gateway. */
  gatewaySuffixes: string[];
  defaultPolicy: string;
  clusterNetworks: string[];
  controlPlaneNamespace: string;
  trustDomain: string;
  inboundConnectTimeoutMs: number;
  outboundConnectTimeoutMs: number;
  inboundIdleMs: number;
  outboundIdleMs: number;
  /** Names that end in one of these are Services, and may have a ServiceProfile. */
  profileSuffixes: string[];
  minRefreshMs: number;
  maxRefreshMs: number;
  log: string;
  shutdownEnabled: boolean;
}

export class SettingsError extends Error {}

const DAY_MS = 86_400_000;

/** Throws SettingsError with the words of the proxy's own start-up failure. */
export function readSettings(env: Record<string, string>): ProxySettings {
  const get = (name: string): string | undefined => env[`LINKERD2_PROXY_${name}`];
  const need = (name: string): string => {
    const value = get(name);
    if (value === undefined || value === '') throw new SettingsError(`LINKERD2_PROXY_${name} must be set`);
    return value;
  };
  const port = (name: string, otherwise: number): number => Number(/:(\d+)$/.exec(get(name) ?? '')?.[1] ?? otherwise);
  const duration = (name: string, otherwise: number): number => parseGoDuration(get(name)) ?? otherwise;
  const list = (text: string | undefined): string[] =>
    (text ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean);
  const control = (name: string): ControlAddress => {
    const address = need(`${name}_SVC_ADDR`);
    const [, host = '', digits = ''] = /^(.*?)\.?:(\d+)$/.exec(address) ?? [];
    if (!digits) throw new SettingsError(`LINKERD2_PROXY_${name}_SVC_ADDR="${address}" is not valid`);
    const identity = get(`${name}_SVC_NAME`);
    const loopback = host === 'localhost' || host.startsWith('127.');
    return { host, port: Number(digits), ...(identity && !loopback ? { identity } : {}) };
  };
  return {
    localName: need('IDENTITY_LOCAL_NAME'),
    anchors: need('IDENTITY_TRUST_ANCHORS'),
    identityDirectory: get('IDENTITY_DIR') ?? '/var/run/linkerd/identity/end-entity',
    tokenFile: need('IDENTITY_TOKEN_FILE'),
    identity: control('IDENTITY'),
    destination: control('DESTINATION'),
    policy: control('POLICY'),
    workload: (get('POLICY_WORKLOAD') ?? '').trim(),
    context: (get('DESTINATION_CONTEXT') ?? '').trim(),
    namespace: env['_pod_ns'] ?? 'default',
    inboundPort: port('INBOUND_LISTEN_ADDR', 4143),
    outboundPort: port('OUTBOUND_LISTEN_ADDR', 4140),
    adminPort: port('ADMIN_LISTEN_ADDR', 4191),
    controlPort: port('CONTROL_LISTEN_ADDR', 4190),
    ...(get('TAP_SVC_NAME') ? { tapName: need('TAP_SVC_NAME') } : {}),
    inboundPorts: list(get('INBOUND_PORTS')).map(Number),
    opaquePorts: get('INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION') ?? '',
    requireTlsPorts: get('INBOUND_PORTS_REQUIRE_TLS') ?? '',
    gatewaySuffixes: list(get('INBOUND_GATEWAY_SUFFIXES')),
    defaultPolicy: get('INBOUND_DEFAULT_POLICY') ?? 'all-unauthenticated',
    clusterNetworks: list(get('POLICY_CLUSTER_NETWORKS')),
    controlPlaneNamespace: env['_l5d_ns'] ?? 'linkerd',
    trustDomain: env['_l5d_trustdomain'] ?? 'cluster.local',
    inboundConnectTimeoutMs: duration('INBOUND_CONNECT_TIMEOUT', 100),
    outboundConnectTimeoutMs: duration('OUTBOUND_CONNECT_TIMEOUT', 1_000),
    inboundIdleMs: duration('INBOUND_DISCOVERY_IDLE_TIMEOUT', 90_000),
    outboundIdleMs: duration('OUTBOUND_DISCOVERY_IDLE_TIMEOUT', 5_000),
    profileSuffixes: list(get('DESTINATION_PROFILE_SUFFIXES') ?? 'svc.cluster.local.'),
    minRefreshMs: duration('IDENTITY_MIN_REFRESH', 10_000),
    maxRefreshMs: duration('IDENTITY_MAX_REFRESH', DAY_MS),
    log: get('LOG') ?? 'warn,linkerd=info',
    shutdownEnabled: get('SHUTDOWN_ENDPOINT_ENABLED') === 'true',
  };
}
