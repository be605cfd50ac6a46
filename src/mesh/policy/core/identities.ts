import type { IdentityMatch } from './config.ts';

/** What names of workloads are made of (`linkerd/pkg/identity`). */
export interface IdentityDomain {
  controlPlaneNamespace: string;
  trustDomain: string;
}

/** `web.shop.serviceaccount.identity.linkerd.cluster.local` */
export const serviceAccountIdentity = (domain: IdentityDomain, namespace: string, name: string): string =>
  `${name}.${namespace}.serviceaccount.identity.${domain.controlPlaneNamespace}.${domain.trustDomain}`;

/** Every service account of a namespace. */
export const namespaceIdentities = (domain: IdentityDomain, namespace: string): IdentityMatch => ({
  suffix: `${namespace}.serviceaccount.identity.${domain.controlPlaneNamespace}.${domain.trustDomain}`,
});

/** Reads an entry of `MeshTLSAuthentication.spec.identities`: a name, `*`, `*.suffix` or a SPIFFE URI. */
export function parseIdentity(text: string): IdentityMatch {
  if (text === '*') return { suffix: '' };
  if (text.startsWith('*.')) return { suffix: text.slice(2) };
  return { exact: text };
}

/** A suffix never matches a SPIFFE URI (policy rule 9). DNS names are compared without regard to case. */
export function identityMatches(matches: IdentityMatch[], identity: string): boolean {
  const uri = identity.startsWith('spiffe://');
  const name = identity.toLowerCase();
  return matches.some((match) => {
    if ('exact' in match) return uri ? match.exact === identity : match.exact.toLowerCase() === name;
    return !uri && (match.suffix === '' || name.endsWith(`.${match.suffix.toLowerCase()}`));
  });
}
