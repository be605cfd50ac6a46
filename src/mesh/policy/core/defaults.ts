import { type Authorization, builtIn, type NetworkMatch } from './config.ts';

/** Values of `default-inbound-policy` and of `Server.spec.accessPolicy`. */
export const DEFAULT_POLICIES = [
  'all-unauthenticated',
  'all-authenticated',
  'cluster-unauthenticated',
  'cluster-authenticated',
  'deny',
  'audit',
] as const;
export type DefaultPolicy = (typeof DEFAULT_POLICIES)[number];

export const isDefaultPolicy = (text: unknown): text is DefaultPolicy =>
  (DEFAULT_POLICIES as readonly unknown[]).includes(text);

export const networksOf = (cidrs: readonly string[]): NetworkMatch[] => cidrs.map((cidr) => ({ cidr, except: [] }));

export const ALL_NETWORKS: NetworkMatch[] = networksOf(['0.0.0.0/0', '::/0']);

/** The form of a policy on a port listed in `proxy-require-identity-inbound-ports`. */
export function requireIdentity(policy: DefaultPolicy): DefaultPolicy {
  if (policy === 'all-unauthenticated') return 'all-authenticated';
  return policy === 'cluster-unauthenticated' ? 'cluster-authenticated' : policy;
}

/** What a default policy grants: nothing for `deny`, one authorization otherwise (policy-controller defaults.rs). */
export function defaultAuthorizations(policy: DefaultPolicy, clusterNetworks: NetworkMatch[]): Authorization[] {
  if (policy === 'deny') return [];
  return [
    {
      ref: builtIn(policy),
      networks: policy.startsWith('cluster-') ? clusterNetworks : ALL_NETWORKS,
      authentication: policy.endsWith('-authenticated')
        ? { kind: 'tls', identities: [{ suffix: '' }] }
        : { kind: 'unauthenticated' },
    },
  ];
}
