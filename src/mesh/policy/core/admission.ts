import type { KubeObject } from '#kube/api/types.ts';
import { networkCovers, parseNetwork } from './addresses.ts';
import { validateRoute } from './admission-routes.ts';
import { isDefaultPolicy } from './defaults.ts';
import { identityProblem } from './identity-syntax.ts';
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

/** `Deployment.apps`; kinds without a group stand alone. */
const canonical = (ref: Json): string => (ref.group ? `${ref.kind}.${ref.group}` : String(ref.kind));

const isKind = (ref: Json, group: string, kind: string): boolean =>
  (ref.group === 'core' ? '' : (ref.group ?? '')).toLowerCase() === group &&
  String(ref.kind).toLowerCase() === kind.toLowerCase();

const TARGETS: [group: string, kind: string][] = [
  ['', 'Namespace'],
  [POLICY_GROUP, 'Server'],
  [POLICY_GROUP, 'HTTPRoute'],
  [GATEWAY_GROUP, 'HTTPRoute'],
  [GATEWAY_GROUP, 'GRPCRoute'],
];

function authorizationPolicy(namespace: string, spec: Json): void {
  const target = spec.targetRef;
  if (!target) throw new Refusal('missing field `targetRef`');
  if (isKind(target, '', 'Namespace') && target.name !== namespace) {
    throw new Refusal(`cannot target another namespace: ${target.name}`);
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
  if (!TARGETS.some(([group, kind]) => isKind(target, group, kind))) {
    throw new Refusal(`unsupported authorization target type: ${canonical(target)}`);
  }
}

function meshTls(spec: Json): void {
  const ids: string[] = spec.identities ?? [];
  const refs: Json[] = spec.identityRefs ?? [];
  if (ids.length + refs.length === 0) throw new Refusal('at least one of `identities` and `identityRefs` must be set');
  if (ids.length > 0 && refs.length > 0) throw new Refusal('`identities` and `identityRefs` may not be set together');
  for (const id of ids) {
    const problem = identityProblem(id);
    if (problem) throw new Refusal(`id ${id} is invalid: ${problem}`);
  }
  for (const ref of refs) {
    if (isKind(ref, '', 'ServiceAccount')) continue;
    if (!isKind(ref, '', 'Namespace')) throw new Refusal(`invalid identity target kind: ${canonical(ref)}`);
    if (ref.namespace !== undefined) {
      throw new Refusal('Namespace identity_ref is cluster-scoped and cannot have a namespace');
    }
  }
}

/** What the controller's decoder says of a value that fits none of the forms that a type has. */
const noVariant = (type: string): Refusal => new Refusal(`data did not match any variant of untagged enum ${type}`);

function readNetwork(text: string): NonNullable<ReturnType<typeof parseNetwork>> {
  const network = parseNetwork(text);
  if (!network) throw noVariant('Cidr');
  return network;
}

/** All are read before any is judged. */
function networks(list: Json[]): void {
  for (const { cidr, except } of list) for (const text of [cidr, ...(except ?? [])]) readNetwork(String(text));
  for (const { cidr, except } of list) {
    const outer = readNetwork(String(cidr));
    for (const text of (except ?? []) as string[]) {
      const inner = readNetwork(String(text));
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
  if (typeof spec.port === 'number' && !(spec.port > 0 && spec.port < 65_536)) throw noVariant('Port');
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
  for (const { cidr, except } of client.networks ?? [])
    for (const text of [cidr, ...(except ?? [])]) readNetwork(String(text));
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
  for (const limit of [spec.total, spec.identity, ...(spec.overrides ?? [])]) {
    const rps = limit?.requestsPerSecond;
    if (rps < 0 || rps > 0xffff_ffff) throw new Refusal(`invalid value: integer \`${rps}\`, expected u32`);
  }
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
