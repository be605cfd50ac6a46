import type { KubeObject } from '#kube/api/types.ts';
import type { Authentication, Authorization, IdentityMatch, NetworkMatch } from './config.ts';
import { ALL_NETWORKS } from './defaults.ts';
import { type IdentityDomain, namespaceIdentities, parseIdentity, serviceAccountIdentity } from './identities.ts';
import { type ObjectSet, POLICY_GROUP } from './objects.ts';
import { selects } from './selectors.ts';

// biome-ignore lint/suspicious/noExplicitAny: specs are plain JSON, checked by their schemas.
type Json = any;

export const networkMatches = (networks: Json[] | undefined): NetworkMatch[] =>
  (networks ?? []).map((each) => ({ cidr: String(each.cidr), except: each.except ?? [] }));

/** What a MeshTLSAuthentication lists, by name or by reference. */
export function meshIdentities(authentication: KubeObject, domain: IdentityDomain): IdentityMatch[] {
  const own = authentication.metadata.namespace ?? '';
  const { identities = [], identityRefs = [] } = authentication.spec ?? {};
  return [
    ...(identities as string[]).map(parseIdentity),
    ...(identityRefs as Json[]).map(
      (ref): IdentityMatch =>
        ref.kind.toLowerCase() === 'namespace'
          ? namespaceIdentities(domain, ref.name)
          : { exact: serviceAccountIdentity(domain, ref.namespace ?? own, ref.name) },
    ),
  ];
}

/**
 * What an AuthorizationPolicy grants: everything it requires must hold together. Undefined when something it refers to
 * does not exist, for then it grants nothing (policy rule 6).
 */
export function policyAuthorization(
  policy: KubeObject,
  objects: ObjectSet,
  domain: IdentityDomain,
): Authorization | undefined {
  const own = policy.metadata.namespace ?? '';
  let authentication: Authentication = { kind: 'unauthenticated' };
  let networks = ALL_NETWORKS;
  for (const ref of (policy.spec?.requiredAuthenticationRefs ?? []) as Json[]) {
    const namespace = ref.namespace ?? own;
    switch (String(ref.kind).toLowerCase()) {
      case 'serviceaccount':
        authentication = { kind: 'tls', identities: [{ exact: serviceAccountIdentity(domain, namespace, ref.name) }] };
        break;
      case 'meshtlsauthentication': {
        const referent = objects.get('MeshTLSAuthentication', namespace, ref.name);
        if (!referent) return undefined;
        authentication = { kind: 'tls', identities: meshIdentities(referent, domain) };
        break;
      }
      case 'networkauthentication': {
        const referent = objects.get('NetworkAuthentication', namespace, ref.name);
        if (!referent) return undefined;
        networks = networkMatches(referent.spec?.networks);
        break;
      }
      default:
        return undefined;
    }
  }
  return {
    ref: { group: POLICY_GROUP, kind: 'authorizationpolicy', name: policy.metadata.name ?? '' },
    networks,
    authentication,
  };
}

export function namesServer(authorization: KubeObject, server: KubeObject): boolean {
  const { name, selector } = authorization.spec?.server ?? {};
  if (name !== undefined) return name === server.metadata.name;
  return selector !== undefined && selects(selector, server.metadata.labels);
}

/** What a ServerAuthorization grants; without networks it is the cluster's (policy rule 7). */
export function serverAuthorization(
  object: KubeObject,
  domain: IdentityDomain,
  clusterNetworks: NetworkMatch[],
): Authorization {
  const client: Json = object.spec?.client ?? {};
  const tls = client.meshTLS;
  let authentication: Authentication;
  if (client.unauthenticated) authentication = { kind: 'unauthenticated' };
  else if (tls?.unauthenticatedTLS) authentication = { kind: 'tls-unauthenticated' };
  else {
    authentication = {
      kind: 'tls',
      identities: [
        ...((tls?.identities ?? []) as string[]).map(parseIdentity),
        ...((tls?.serviceAccounts ?? []) as Json[]).map((each) => ({
          exact: serviceAccountIdentity(domain, each.namespace ?? object.metadata.namespace ?? '', each.name),
        })),
      ],
    };
  }
  return {
    ref: { group: POLICY_GROUP, kind: 'serverauthorization', name: object.metadata.name ?? '' },
    networks: client.networks?.length ? networkMatches(client.networks) : clusterNetworks,
    authentication,
  };
}

/** Whether a policy targets this object; kinds are compared without regard to case. */
export function targets(policy: KubeObject, target: { group: string; kind: string; name: string }): boolean {
  const ref: Json = policy.spec?.targetRef ?? {};
  const group = ref.group === 'core' || ref.group === undefined ? '' : ref.group;
  return (
    group === target.group && String(ref.kind).toLowerCase() === target.kind.toLowerCase() && ref.name === target.name
  );
}
