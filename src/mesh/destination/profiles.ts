import { isIP } from 'node:net';
import type { KubeObject } from '#kube/api/types.ts';
import { GrpcError, INVALID_ARGUMENT, NOT_FOUND, UNKNOWN } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { durationOf, METHODS } from '#mesh/api/types.ts';
import { parseDuration } from '#mesh/policy/core/durations.ts';
import type { Endpoint } from './addresses.ts';
import type { ClusterView } from './cluster-view.ts';
import { addrMessage } from './wire.ts';

// biome-ignore lint/suspicious/noExplicitAny: ServiceProfile specs are plain JSON.
type Json = any;

const MAX_PORT = 65_535;
const DEFAULT_BUDGET = { retry_ratio: 0.2, min_retries_per_second: 10, ttl: { seconds: 10 } };

/**
 * What `Destination/GetProfile` answers for a target and a client's namespace; throws the status that it ends with
 * where there is none (controller/api/destination/server.go).
 */
export function profileMessage(view: ClusterView, path: string, clientNamespace: string): Message {
  const { host, port } = hostAndPort(path);
  if (isIP(host)) {
    const target = view.target(host, port);
    switch (target.kind) {
      case 'service':
        return serviceProfile(view, target.service, port, clientNamespace);
      case 'pod':
        return endpointProfile(view.podAt(target.pod, port), target.pod.metadata.namespace);
      case 'external':
        return endpointProfile(
          { ...view.externalAt(target.workload, port), ip: host },
          target.workload.metadata.namespace,
        );
      case 'unknown':
        return endpointProfile(view.addressAt(host, port));
    }
  }
  const authority = view.parseAuthority(`${host}:${port}`);
  if (!authority) throw new GrpcError(INVALID_ARGUMENT, `invalid service "${host}": "${view.misnamed(host)}"`);
  const { namespace, service: name, hostname } = authority;
  if (hostname) {
    const pod = view.podOf(namespace, name, hostname);
    if (pod) return endpointProfile(view.podAt(pod, port), pod.metadata.namespace);
    const where = `EndpointSlices of Service ${namespace}/${name}`;
    throw new GrpcError(NOT_FOUND, `no pod found in ${where} for hostname ${hostname}`);
  }
  const service = view.service(namespace, name);
  if (!service) throw new GrpcError(UNKNOWN, `service "${name}" not found`);
  return serviceProfile(view, service, port, clientNamespace);
}

/** Reads `host:port`, `[address]:port`, or a host alone, whose port is 80. */
function hostAndPort(path: string): { host: string; port: number } {
  const refuse = (why: string): GrpcError =>
    new GrpcError(INVALID_ARGUMENT, `invalid authority: ${JSON.stringify(path)}: ${JSON.stringify(why)}`);
  if (!path.includes(':')) return { host: path, port: 80 };
  const [, bracketed, bare = '', text = ''] = /^(?:\[(.*)\]|([^:]*)):([^:]*)$/.exec(path) ?? [];
  if (bracketed === undefined && !/^[^:]*:[^:]*$/.test(path)) {
    throw refuse(`invalid destination: address ${path}: too many colons in address`);
  }
  const host = bracketed ?? bare;
  if (!/^[-+]?\d+$/.test(text)) {
    throw refuse(`invalid port ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const port = Number(text);
  if (port <= 0 || port > MAX_PORT) throw refuse(`invalid port ${port}`);
  return { host, port };
}

/** Nothing is hinted of an address that nobody is known at. */
const endpointProfile = (endpoint: Endpoint, namespace?: string): Message => ({
  retry_budget: DEFAULT_BUDGET,
  ...(endpoint.opaque ? { opaque_protocol: true } : {}),
  endpoint: addrMessage(
    namespace === undefined
      ? { ...endpoint, opaque: false }
      : { ...endpoint, labels: { ...endpoint.labels, namespace } },
  ),
});

function serviceProfile(view: ClusterView, service: KubeObject, port: number, clientNamespace: string): Message {
  // What to do at a port that the Service does not name is policy's to say.
  if (!(service.spec?.ports ?? []).some((each: { port: number }) => each.port === port)) return {};
  const fqdn = view.fqdn(service);
  const { name = '', namespace = '' } = service.metadata;
  const profile = view.profile(fqdn, clientNamespace, namespace);
  const opaque = view.opaque(service, port);
  return {
    fully_qualified_name: fqdn,
    ...(opaque ? { opaque_protocol: true } : {}),
    ...(profile ? { routes: (profile.spec?.routes ?? []).map(routeMessage) } : {}),
    retry_budget: budget(profile?.spec?.retryBudget),
    ...(profile?.spec?.dstOverrides
      ? {
          dst_overrides: profile.spec.dstOverrides.map((each: Json) => ({
            authority: /:\d+$/.test(each.authority) ? each.authority : `${each.authority}:${port}`,
            weight: weightOf(each.weight),
          })),
        }
      : {}),
    parent_ref: { resource: { group: 'core', kind: 'Service', name, namespace, port } },
    profile_ref: {
      resource: profile
        ? {
            group: 'linkerd.io',
            name: profile.metadata.name,
            namespace: profile.metadata.namespace,
          }
        : { group: 'linkerd.io' },
    },
  };
}

/** Weights are quantities (`500m`); they travel as ten-thousandths. */
const weightOf = (quantity: unknown): number => {
  const text = String(quantity ?? 0);
  return text.endsWith('m') ? Number(text.slice(0, -1)) * 10 : Math.round(Number(text) * 1000) * 10;
};

function budget(json: Json): Message {
  if (!json) return DEFAULT_BUDGET;
  const ttl = parseDuration(String(json.ttl ?? '10s')) ?? 10_000;
  return {
    retry_ratio: json.retryRatio ?? 0.2,
    min_retries_per_second: json.minRetriesPerSecond ?? 10,
    ttl: durationOf(ttl),
  };
}

function routeMessage(route: Json): Message {
  const timeout = route.timeout ? parseDuration(String(route.timeout)) : undefined;
  return {
    condition: requestMatch(route.condition ?? {}),
    response_classes: (route.responseClasses ?? []).map((each: Json) => ({
      condition: responseMatch(each.condition ?? {}),
      is_failure: each.isFailure ?? false,
    })),
    metrics_labels: { route: route.name },
    is_retryable: route.isRetryable ?? false,
    ...(timeout ? { timeout: durationOf(timeout) } : {}),
  };
}

function requestMatch(json: Json): Message {
  const parts: Message[] = [];
  if (json.all) parts.push({ all: { matches: json.all.map(requestMatch) } });
  if (json.any) parts.push({ any: { matches: json.any.map(requestMatch) } });
  if (json.method) {
    const known = METHODS.indexOf(json.method);
    parts.push({ method: known >= 0 ? { registered: known } : { unregistered: json.method } });
  }
  if (json.not) parts.push({ not: requestMatch(json.not) });
  if (json.pathRegex) parts.push({ path: { regex: json.pathRegex } });
  return parts.length === 1 ? parts[0]! : { all: { matches: parts } };
}

function responseMatch(json: Json): Message {
  const parts: Message[] = [];
  if (json.all) parts.push({ all: { matches: json.all.map(responseMatch) } });
  if (json.any) parts.push({ any: { matches: json.any.map(responseMatch) } });
  if (json.not) parts.push({ not: responseMatch(json.not) });
  if (json.status) parts.push({ status: { min: json.status.min ?? 0, max: json.status.max ?? json.status.min ?? 0 } });
  return parts.length === 1 ? parts[0]! : { all: { matches: parts } };
}

/** Why the sp-validator webhook refuses a ServiceProfile; undefined when it is admitted (pkg/profiles). */
export function refuseProfile(profile: KubeObject): string | undefined {
  const name = profile.metadata.name ?? '';
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) {
    return `ServiceProfile "${name}" has invalid name: a lowercase RFC 1123 subdomain is required`;
  }
  const routes: Json[] = profile.spec?.routes ?? [];
  const about = `ServiceProfile "${name}"`;
  for (const route of routes) {
    if (!route) return `${about} has a null route`;
    if (!route.name) return `${about} has a route with no name`;
    if (route.timeout && parseDuration(String(route.timeout)) === undefined)
      return `${about} has a route with an invalid timeout: ${invalidDuration(route.timeout)}`;
    if (!route.condition) return `${about} has a route with no condition`;
    const wrong = refuseRequestMatch(route.condition);
    if (wrong) return `${about} has a route with an invalid condition: ${wrong}`;
    for (const each of route.responseClasses ?? []) {
      if (!each) return `${about} has a null response class`;
      if (!each.condition) return `${about} has a response class with no condition`;
      const wrong = refuseResponseMatch(each.condition);
      if (wrong) return `${about} has a response class with an invalid condition: ${wrong}`;
    }
  }
  const retries = profile.spec?.retryBudget;
  if (!retries) return undefined;
  if (retries.retryRatio < 0)
    return `${about} RetryBudget RetryRatio must be non-negative: ${Number(retries.retryRatio).toFixed(6)}`;
  if (!retries.ttl) return `${about} RetryBudget missing TTL field`;
  if (parseDuration(String(retries.ttl)) === undefined) return `${about} RetryBudget: ${invalidDuration(retries.ttl)}`;
  return undefined;
}

const invalidDuration = (text: string): string =>
  /^[-+]?[\d.]*\d[\d.]*$/.test(text)
    ? `time: missing unit in duration ${JSON.stringify(text)}`
    : `time: invalid duration ${JSON.stringify(text)}`;

function refuseRequestMatch(json: Json): string | undefined {
  for (const name of ['all', 'any'] as const)
    for (const child of json[name] ?? []) {
      const wrong = child ? refuseRequestMatch(child) : `null condition "${name}"`;
      if (wrong) return wrong;
    }
  const wrong = json.not ? refuseRequestMatch(json.not) : undefined;
  if (wrong) return wrong;
  const isSet = json.all ?? json.any ?? json.not ?? (json.method || json.pathRegex || undefined);
  return isSet === undefined ? 'A request match must have a field set' : undefined;
}

const MIN_STATUS = 100;
const MAX_STATUS = 599;

function refuseResponseMatch(json: Json): string | undefined {
  for (const name of ['all', 'any'] as const)
    for (const child of json[name] ?? []) {
      const wrong = child ? refuseResponseMatch(child) : `null condition "${name}"`;
      if (wrong) return wrong;
    }
  const { min = 0, max = 0 }: { min?: number; max?: number } = json.status ?? {};
  const isOutside = (status: number) => status !== 0 && (status < MIN_STATUS || status > MAX_STATUS);
  if (isOutside(min)) return `Range minimum must be between ${MIN_STATUS} and ${MAX_STATUS}, inclusive`;
  if (isOutside(max)) return `Range maximum must be between ${MIN_STATUS} and ${MAX_STATUS}, inclusive`;
  if (max !== 0 && min !== 0 && max < min) return 'Range maximum cannot be smaller than minimum';
  const wrong = json.not ? refuseResponseMatch(json.not) : undefined;
  if (wrong) return wrong;
  const isSet = json.all ?? json.any ?? json.not ?? json.status;
  return isSet === undefined ? 'A response match must have a field set' : undefined;
}
