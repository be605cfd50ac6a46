import type { Values } from '#mesh/install/values.ts';
import { isDefaultPolicy } from '#mesh/policy/core/defaults.ts';

const PREFIX = 'config.linkerd.io/';

/** Annotations that a pod takes over from its namespace when it does not carry them itself (pkg/inject ProxyAnnotations). */
export const isConfigAnnotation = (name: string): boolean =>
  name.startsWith(PREFIX) || name.startsWith('config.alpha.linkerd.io/') || name.startsWith('config.beta.linkerd.io/');

type Annotations = Record<string, string>;

/** A string of the tree, by path. */
function put(values: Values, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop()!;
  let at: Values = values;
  for (const name of names) {
    at[name] ??= {};
    at = at[name];
  }
  at[last] = value;
}

const TEXT: Record<string, string> = {
  'proxy-image': 'proxy.image.name',
  'proxy-version': 'proxy.image.version',
  'image-pull-policy': 'proxy.image.pullPolicy',
  'opaque-ports': 'proxy.opaquePorts',
  'pod-inbound-ports': 'proxy.podInboundPorts',
  'skip-inbound-ports': 'proxyInit.ignoreInboundPorts',
  'skip-outbound-ports': 'proxyInit.ignoreOutboundPorts',
  'skip-subnets': 'proxyInit.skipSubnets',
  'proxy-cpu-request': 'proxy.resources.cpu.request',
  'proxy-cpu-limit': 'proxy.resources.cpu.limit',
  'proxy-memory-request': 'proxy.resources.memory.request',
  'proxy-memory-limit': 'proxy.resources.memory.limit',
  'proxy-ephemeral-storage-request': 'proxy.resources.ephemeral-storage.request',
  'proxy-ephemeral-storage-limit': 'proxy.resources.ephemeral-storage.limit',
  'proxy-log-level': 'proxy.logLevel',
  'proxy-log-format': 'proxy.logFormat',
  'proxy-log-http-headers': 'proxy.logHTTPHeaders',
  'proxy-require-identity-inbound-ports': 'proxy.requireIdentityOnInboundPorts',
  'access-log': 'proxy.accessLog',
  'shutdown-grace-period': 'proxy.shutdownGracePeriod',
};

const DURATIONS: Record<string, string> = {
  'proxy-inbound-connect-timeout': 'proxy.inboundConnectTimeout',
  'proxy-outbound-connect-timeout': 'proxy.outboundConnectTimeout',
  'proxy-inbound-discovery-cache-unused-timeout': 'proxy.inboundDiscoveryCacheUnusedTimeout',
  'proxy-outbound-discovery-cache-unused-timeout': 'proxy.outboundDiscoveryCacheUnusedTimeout',
};

const NUMBERS: Record<string, string> = {
  'control-port': 'proxy.ports.control',
  'admin-port': 'proxy.ports.admin',
  'inbound-port': 'proxy.ports.inbound',
  'outbound-port': 'proxy.ports.outbound',
  'proxy-uid': 'proxy.uid',
  'proxy-gid': 'proxy.gid',
};

const FLAGS: Record<string, string> = {
  'proxy-admin-shutdown': 'proxy.enableShutdownEndpoint',
  'enable-external-profiles': 'proxy.enableExternalProfiles',
  'enable-gateway': 'proxy.isGateway',
  'proxy-metrics-hostname-labels': 'proxy.metrics.hostnameLabels',
};

/** The chart's values as a workload's annotations change them; what cannot be read leaves the cluster's default. */
export function overriddenValues(from: Values, annotations: Annotations): Values {
  const values = structuredClone(from);
  for (const [name, path] of Object.entries(TEXT)) {
    const value = annotations[PREFIX + name];
    if (value !== undefined) put(values, path, value);
  }
  for (const [name, path] of Object.entries(DURATIONS)) {
    const value = annotations[PREFIX + name];
    const [, amount, unit] = /^(\d+)(ms|s|m|h)$/.exec(value ?? '') ?? [];
    // The two connect timeouts travel in milliseconds, whatever unit they were written in.
    if (amount && path.endsWith('ConnectTimeout')) put(values, path, `${toMs(Number(amount), unit!)}ms`);
    else if (amount) put(values, path, value);
  }
  for (const [name, path] of Object.entries(NUMBERS)) {
    const value = annotations[PREFIX + name];
    if (value !== undefined && /^-?\d+$/.test(value)) put(values, path, Number(value));
  }
  for (const [name, path] of Object.entries(FLAGS)) {
    const value = annotations[PREFIX + name];
    if (value === 'true' || value === 'false') put(values, path, value === 'true');
  }
  const policy = annotations[`${PREFIX}default-inbound-policy`];
  if (isDefaultPolicy(policy)) values['proxy'].defaultInboundPolicy = policy;
  const wait = annotations[`${PREFIX}proxy-await`];
  if (wait === 'enabled' || wait === 'disabled') values['proxy'].await = wait === 'enabled';
  const native =
    annotations[`${PREFIX}proxy-enable-native-sidecar`] ??
    annotations['config.beta.linkerd.io/proxy-enable-native-sidecar'] ??
    annotations['config.alpha.linkerd.io/proxy-enable-native-sidecar'];
  if (native !== undefined) values['proxy'].nativeSidecar = native === 'true' || native === 'enabled';
  const exitWait = annotations['config.alpha.linkerd.io/proxy-wait-before-exit-seconds'];
  if (exitWait !== undefined && /^\d+$/.test(exitWait)) values['proxy'].waitBeforeExitSeconds = Number(exitWait);
  const additional = annotations[`${PREFIX}proxy-additional-env`];
  if (additional !== undefined) {
    try {
      const list = JSON.parse(additional);
      if (Array.isArray(list)) values['proxy'].additionalEnv = list;
    } catch {
      // As the injector does: an unreadable list adds nothing.
    }
  }
  return values;
}

const toMs = (amount: number, unit: string): number =>
  amount * ({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit] ?? 1);
