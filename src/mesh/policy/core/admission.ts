import type { KubeObject } from '#kube/api/types.ts';
import { networkCovers, parseNetwork } from './addresses.ts';
import { validateRoute } from './admission-routes.ts';
import { isDefaultPolicy } from './defaults.ts';
import { GATEWAY_GROUP, POLICY_GROUP } from './objects.ts';

// biome-ignore lint/suspicious/noExplicitAny: specs are plain JSON, possibly of the wrong shape.
type Json = any;

/** Why the webhook refuses an object, in its own words; undefined when it is admitted. */
export function refuse(object: KubeObject, group: string, kind: string): string | undefined {
  const spec = object.spec;
  if (spec === undefined) return "admission request missing 'spec'";
  const namespace = object.metadata.namespace ?? '';
  try {
    validate(object, group, kind, namespace, spec);
    return undefined;
  } catch (error) {
    return error instanceof Refusal ? error.message : `invalid ${kind}: ${(error as Error).message}`;
  }
}

export class Refusal extends Error {}

function validate(object: KubeObject, group: string, kind: string, namespace: string, spec: Json): void {
  if (group === GATEWAY_GROUP || (group === POLICY_GROUP && kind === 'HTTPRoute')) {
    return validateRoute(object, group, kind);
  }
  switch (kind) {
    case 'AuthorizationPolicy':
      return authorizationPolicy(namespace, spec);
    case 'MeshTLSAuthentication':
      return meshTls(spec);
    case 'NetworkAuthentication':
      if (!spec.networks?.length) throw new Refusal('at least one network must be specified');
      return networks(spec.networks);
    case 'EgressNetwork':
      if (spec.networks === undefined || spec.networks === null) return;
      if (spec.networks.length === 0) throw new Refusal('at least one network must be specified');
      return networks(spec.networks);
    case 'Server':
      return server(spec);
    case 'ServerAuthorization':
      return serverAuthorization(spec);
    case 'HTTPLocalRateLimitPolicy':
      return rateLimit(spec);
    default:
      throw new Refusal(`unsupported resource type: ${group}.${kind}`);
  }
}

/** `Deployment.apps`; kinds of the core group stand alone. */
const canonical = (ref: Json): string => {
  const group = ref.group === 'core' ? '' : (ref.group ?? '');
  return group ? `${ref.kind}.${group}` : String(ref.kind);
};

const isKind = (ref: Json, group: string, kind: string): boolean =>
  (ref.group === 'core' ? '' : (ref.group ?? '')).toLowerCase() === group &&
  String(ref.kind).toLowerCase() === kind.toLowerCase();

function authorizationPolicy(namespace: string, spec: Json): void {
  const target = spec.targetRef;
  if (!target) throw new Refusal('missing field `targetRef`');
  if (isKind(target, '', 'Namespace')) {
    if (target.name !== namespace) throw new Refusal(`cannot target another namespace: ${target.name}`);
  } else if (
    !isKind(target, POLICY_GROUP, 'Server') &&
    !isKind(target, POLICY_GROUP, 'HTTPRoute') &&
    !isKind(target, GATEWAY_GROUP, 'HTTPRoute') &&
    !isKind(target, GATEWAY_GROUP, 'GRPCRoute')
  ) {
    throw new Refusal(`invalid targetRef kind: ${canonical(target)}`);
  }
  if (!Array.isArray(spec.requiredAuthenticationRefs)) throw new Refusal('missing field `requiredAuthenticationRefs`');
  const refs: Json[] = spec.requiredAuthenticationRefs;
  const count = (group: string, kind: string) => refs.filter((ref) => isKind(ref, group, kind)).length;
  const mesh = count(POLICY_GROUP, 'MeshTLSAuthentication');
  const accounts = count('', 'ServiceAccount');
  const nets = count(POLICY_GROUP, 'NetworkAuthentication');
  if (mesh > 1) throw new Refusal('only a single MeshTLSAuthentication may be set');
  if (accounts > 1) throw new Refusal('only a single ServiceAccount may be set');
  if (mesh + accounts > 1) {
    throw new Refusal('a MeshTLSAuthentication and ServiceAccount may not be set together');
  }
  if (nets > 1) throw new Refusal('only a single NetworkAuthentication may be set');
  const unknown = refs.filter(
    (ref) =>
      !isKind(ref, POLICY_GROUP, 'MeshTLSAuthentication') &&
      !isKind(ref, '', 'ServiceAccount') &&
      !isKind(ref, POLICY_GROUP, 'NetworkAuthentication'),
  );
  if (unknown.length > 0) {
    throw new Refusal(`unsupported authentication kind(s): ${unknown.map(canonical).join(', ')}`);
  }
}

const DNS_IDENTITY = /^(\*|(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$/;
const SPIFFE_IDENTITY = /^spiffe:\/\/[a-z0-9._-]{1,255}(\/[A-Za-z0-9._-]+)*$/;

function meshTls(spec: Json): void {
  const ids: string[] = spec.identities ?? [];
  const refs: Json[] = spec.identityRefs ?? [];
  if (ids.length + refs.length === 0) throw new Refusal('at least one of `identities` and `identityRefs` must be set');
  if (ids.length > 0 && refs.length > 0) throw new Refusal('`identities` and `identityRefs` may not be set together');
  for (const id of ids) {
    if (id.startsWith('spiffe://') ? !SPIFFE_IDENTITY.test(id) : !DNS_IDENTITY.test(id)) {
      throw new Refusal(`id ${id} is invalid: identity must be a valid DNS name, a suffix match or a SPIFFE id`);
    }
  }
  for (const ref of refs) {
    if (isKind(ref, '', 'ServiceAccount')) continue;
    if (!isKind(ref, '', 'Namespace')) throw new Refusal(`invalid identity target kind: ${canonical(ref)}`);
    if (ref.namespace !== undefined) {
      throw new Refusal('Namespace identity_ref is cluster-scoped and cannot have a namespace');
    }
  }
}

function networks(list: Json[]): void {
  for (const { cidr, except = [] } of list) {
    const outer = parseNetwork(String(cidr));
    if (!outer) throw new Refusal(`invalid IP address syntax: ${cidr}`);
    for (const text of except as string[]) {
      const inner = parseNetwork(String(text));
      if (!inner) throw new Refusal(`invalid IP address syntax: ${text}`);
      if (networkCovers(inner, outer)) {
        throw new Refusal(`cidr '${cidr}' is completely negated by exception '${text}'`);
      }
      if (!networkCovers(outer, inner)) throw new Refusal(`cidr '${cidr}' does not include exception '${text}'`);
    }
  }
}

const PROXY_PROTOCOLS = ['unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS'];

function server(spec: Json): void {
  const selectors = ['podSelector', 'externalWorkloadSelector'].filter((key) => spec[key] !== undefined);
  if (selectors.length !== 1) {
    throw new Refusal('exactly one of `podSelector` and `externalWorkloadSelector` must be set');
  }
  if (spec.port === undefined) throw new Refusal('missing field `port`');
  if (spec.proxyProtocol !== undefined && !PROXY_PROTOCOLS.includes(spec.proxyProtocol)) {
    const known = PROXY_PROTOCOLS.map((each) => `\`${each}\``).join(', ');
    throw new Refusal(`unknown variant \`${spec.proxyProtocol}\`, expected one of ${known}`);
  }
  if (spec.accessPolicy !== undefined && !isDefaultPolicy(spec.accessPolicy)) {
    throw new Refusal(`Invalid 'accessPolicy' field: invalid mode: ${JSON.stringify(spec.accessPolicy)}`);
  }
}

function serverAuthorization(spec: Json): void {
  const client = spec.client ?? {};
  const tls = client.meshTLS;
  if (tls) {
    if (client.unauthenticated) throw new Refusal('`unauthenticated` must be false if `mesh_tls` is specified');
    if (tls.unauthenticatedTLS && (tls.identities?.length || tls.serviceAccounts?.length)) {
      throw new Refusal('`unauthenticatedTLS` be false if any `identities` or `service_accounts` is specified');
    }
  }
  networks(client.networks ?? []);
}

function rateLimit(spec: Json): void {
  if (!isKind(spec.targetRef ?? {}, POLICY_GROUP, 'Server')) {
    throw new Refusal(`invalid targetRef kind: ${canonical(spec.targetRef ?? {})}`);
  }
  const { total, identity, overrides = [] } = spec;
  if (total) {
    if (!(total.requestsPerSecond > 0)) throw new Refusal('total.requestsPerSecond must be greater than 0');
    if (identity?.requestsPerSecond > total.requestsPerSecond) {
      throw new Refusal('identity.requestsPerSecond must be less than or equal to total.requestsPerSecond');
    }
    for (const each of overrides) {
      if (each.requestsPerSecond > total.requestsPerSecond) {
        throw new Refusal('override.requestsPerSecond must be less than or equal to total.requestsPerSecond');
      }
    }
  }
  if (identity && !(identity.requestsPerSecond > 0)) {
    throw new Refusal('identity.requestsPerSecond must be greater than 0');
  }
  for (const each of overrides) {
    if (!(each.requestsPerSecond > 0)) throw new Refusal('override.requestsPerSecond must be greater than 0');
    for (const ref of each.clientRefs ?? []) {
      if (!isKind(ref, '', 'ServiceAccount')) throw new Refusal('overrides.clientRefs must target a ServiceAccount');
    }
  }
}
