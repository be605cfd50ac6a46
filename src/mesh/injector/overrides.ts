import { quantityValue } from '#kube/api/quantity.ts';
import type { Values } from '#mesh/install/values.ts';
import { isDefaultPolicy } from '#mesh/policy/core/defaults.ts';

const PREFIX = 'config.linkerd.io/';
const ALPHA = 'config.alpha.linkerd.io/';
export const OPAQUE = `${PREFIX}opaque-ports`;
export const ADDITIONAL_ENV = `${PREFIX}proxy-additional-env`;

type Annotations = Record<string, string>;

/** A leaf of the tree, by path. */
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
  'skip-inbound-ports': 'proxyInit.ignoreInboundPorts',
  'skip-outbound-ports': 'proxyInit.ignoreOutboundPorts',
  'skip-subnets': 'proxyInit.skipSubnets',
  'proxy-log-level': 'proxy.logLevel',
  'proxy-log-format': 'proxy.logFormat',
  'proxy-log-http-headers': 'proxy.logHTTPHeaders',
  'proxy-require-identity-inbound-ports': 'proxy.requireIdentityOnInboundPorts',
  'access-log': 'proxy.accessLog',
  'debug-image': 'debugContainer.image.name',
  'debug-image-version': 'debugContainer.image.version',
  'debug-image-pull-policy': 'debugContainer.image.pullPolicy',
};

const QUANTITIES: Record<string, string> = {
  'proxy-cpu-request': 'proxy.resources.cpu.request',
  'proxy-cpu-limit': 'proxy.resources.cpu.limit',
  'proxy-memory-request': 'proxy.resources.memory.request',
  'proxy-memory-limit': 'proxy.resources.memory.limit',
  'proxy-ephemeral-storage-request': 'proxy.resources.ephemeral-storage.request',
  'proxy-ephemeral-storage-limit': 'proxy.resources.ephemeral-storage.limit',
};

/** Whole cores from the CPU quantities. */
const WORKERS: Record<string, string> = {
  'proxy-cpu-request': 'proxy.runtime.workers.minimum',
  'proxy-cpu-limit': 'proxy.runtime.workers.maximum',
};

/** Durations, and the unit in which the proxy is told. */
const DURATIONS: Record<string, [path: string, unit: 'ms' | 's']> = {
  'proxy-inbound-connect-timeout': ['proxy.inboundConnectTimeout', 'ms'],
  'proxy-outbound-connect-timeout': ['proxy.outboundConnectTimeout', 'ms'],
  'proxy-inbound-discovery-cache-unused-timeout': ['proxy.inboundDiscoveryCacheUnusedTimeout', 's'],
  'proxy-outbound-discovery-cache-unused-timeout': ['proxy.outboundDiscoveryCacheUnusedTimeout', 's'],
  'shutdown-grace-period': ['proxy.shutdownGracePeriod', 'ms'],
};

const NUMBERS: Record<string, string> = {
  'control-port': 'proxy.ports.control',
  'admin-port': 'proxy.ports.admin',
  'inbound-port': 'proxy.ports.inbound',
  'outbound-port': 'proxy.ports.outbound',
  'proxy-uid': 'proxy.uid',
  'proxy-gid': 'proxy.gid',
};

/** Booleans as Go reads them. */
const FLAGS: Record<string, string> = {
  'enable-external-profiles': 'proxy.enableExternalProfiles',
  'enable-gateway': 'proxy.isGateway',
  'proxy-metrics-hostname-labels': 'proxy.metrics.hostnameLabels',
  'proxy-disable-inbound-protocol-detect-timeout': 'proxy.disableInboundProtocolDetectTimeout',
  'proxy-disable-outbound-protocol-detect-timeout': 'proxy.disableOutboundProtocolDetectTimeout',
};

/** `enabled` or `disabled`. */
const SWITCHES: Record<string, string> = {
  'proxy-admin-shutdown': 'proxy.enableShutdownEndpoint',
  'proxy-await': 'proxy.await',
};

/** Names that a pod takes over from its namespace when it does not carry them itself (pkg/inject ProxyAnnotations). */
const INHERITED: ReadonlySet<string> = new Set([
  'linkerd.io/inject',
  ...[
    ...Object.keys(TEXT).filter((name) => !name.startsWith('debug-image')),
    ...[QUANTITIES, DURATIONS, NUMBERS, FLAGS, SWITCHES]
      .flatMap((table) => Object.keys(table))
      .filter((name) => name !== 'enable-gateway'),
    'enable-debug-sidecar',
    'opaque-ports',
    'pod-inbound-ports',
    'default-inbound-policy',
    'proxy-enable-native-sidecar',
    'proxy-additional-env',
  ].map((name) => PREFIX + name),
  `${ALPHA}proxy-wait-before-exit-seconds`,
  `${ALPHA}proxy-enable-native-sidecar`,
]);

export const isInherited = (name: string): boolean => INHERITED.has(name);

export const isTrue = (text: string | undefined): boolean => parseBool(text) === true;

/** strconv.ParseBool; undefined for what it refuses. */
function parseBool(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;
}

const UNITS_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A Go duration in milliseconds; undefined for what is none. */
function durationMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return text === '0' ? 0 : undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * UNITS_MS[unit!]!;
  return total;
}

export const isQuantity = (text: string): boolean => quantityValue(text) !== undefined;

/** Ports and ranges, with the names of the pod's own ports read as numbers; what is neither is left out. */
function portList(text: string, named: ReadonlyMap<string, number>): string {
  return text
    .replace(/,$/, '')
    .split(',')
    .map((each) => each.trim())
    .flatMap((each) => {
      const port = named.get(each);
      if (port !== undefined) return String(port);
      const [, low, high] = /^(\d+)(?:-(\d+))?$/.exec(each) ?? [];
      if (low === undefined) return [];
      return high === undefined || high === low ? low : `${low}-${high}`;
    })
    .join(',');
}

export interface OverrideContext {
  /** The pod's named ports. */
  ports: ReadonlyMap<string, number>;
  /** What namespace and workload add to the environment, as JSON lists; the later wins name by name. */
  additionalEnv: (string | undefined)[];
}

/** The chart's values as a workload's annotations change them; what cannot be read leaves the cluster's default. */
export function overriddenValues(from: Values, annotations: Annotations, context?: OverrideContext): Values {
  const values = structuredClone(from);
  const each = (table: Record<string, string>, set: (text: string, path: string, name: string) => void) => {
    for (const [name, path] of Object.entries(table)) {
      const text = annotations[PREFIX + name];
      if (text !== undefined) set(text, path, name);
    }
  };
  if (annotations['linkerd.io/inject'] === 'ingress') values['proxy'].isIngress = true;
  each(TEXT, (text, path) => put(values, path, text));
  each(QUANTITIES, (text, path, name) => {
    const amount = quantityValue(text);
    if (amount === undefined) return;
    put(values, path, text);
    const workers = WORKERS[name];
    if (workers) put(values, workers, Math.ceil(amount));
  });
  for (const [name, [path, unit]] of Object.entries(DURATIONS)) {
    const ms = durationMs(annotations[PREFIX + name]);
    if (ms !== undefined) put(values, path, unit === 'ms' ? `${Math.floor(ms)}ms` : `${Math.floor(ms / 1_000)}s`);
  }
  each(NUMBERS, (text, path) => /^[+-]?\d+$/.test(text) && put(values, path, Number(text)));
  each(FLAGS, (text, path) => parseBool(text) !== undefined && put(values, path, parseBool(text)));
  each(SWITCHES, (text, path) => /^(en|dis)abled$/.test(text) && put(values, path, text === 'enabled'));
  const opaque = annotations[OPAQUE];
  if (opaque !== undefined) values['proxy'].opaquePorts = portList(opaque, context?.ports ?? new Map());
  const ratio = Number(annotations[`${PREFIX}proxy-cpu-ratio-limit`]);
  if (ratio > 0 && ratio < 1) put(values, 'proxy.runtime.workers.maximumCPURatio', ratio);
  const closeWait = durationMs(annotations[`${PREFIX}close-wait-timeout`]);
  if (closeWait !== undefined) values['proxyInit'].closeWaitTimeoutSecs = Math.floor(closeWait / 1_000);
  const policy = annotations[`${PREFIX}default-inbound-policy`];
  if (isDefaultPolicy(policy)) values['proxy'].defaultInboundPolicy = policy;
  const native = parseBool(
    annotations[`${PREFIX}proxy-enable-native-sidecar`] ??
      annotations['config.beta.linkerd.io/proxy-enable-native-sidecar'] ??
      annotations[`${ALPHA}proxy-enable-native-sidecar`],
  );
  if (native !== undefined) values['proxy'].nativeSidecar = native;
  const exitWait = annotations[`${ALPHA}proxy-wait-before-exit-seconds`];
  if (exitWait !== undefined && /^\d+$/.test(exitWait)) values['proxy'].waitBeforeExitSeconds = Number(exitWait);
  for (const text of context?.additionalEnv ?? []) {
    const merged = mergedEnv(values['proxy'].additionalEnv ?? [], text);
    if (merged) values['proxy'].additionalEnv = merged;
  }
  return values;
}

interface EnvVar {
  name: string;
}

/** Lays a JSON list of variables over those that are there; undefined for what is no such list. */
function mergedEnv(there: EnvVar[], text: string | undefined): EnvVar[] | undefined {
  if (!text) return undefined;
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const byName = new Map(there.map((each) => [each.name, each]));
  for (const each of list as EnvVar[]) byName.set(each.name, each);
  return [...byName.values()];
}
