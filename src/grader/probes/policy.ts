import type { Trigger } from '../check.ts';

const POLICY = { group: 'policy.linkerd.io' } as const;
const GATEWAY = { group: 'gateway.networking.k8s.io' } as const;

/** What can change who may do what, and where requests go. */
export const POLICY_TRIGGERS: Trigger[] = [
  { ...POLICY, version: 'v1beta3', resource: 'servers' },
  { ...POLICY, version: 'v1beta3', resource: 'httproutes' },
  { ...POLICY, version: 'v1alpha1', resource: 'authorizationpolicies' },
  { ...POLICY, version: 'v1alpha1', resource: 'meshtlsauthentications' },
  { ...POLICY, version: 'v1alpha1', resource: 'networkauthentications' },
  { ...POLICY, version: 'v1alpha1', resource: 'httplocalratelimitpolicies' },
  { ...POLICY, version: 'v1alpha1', resource: 'egressnetworks' },
  { ...POLICY, version: 'v1beta1', resource: 'serverauthorizations' },
  { ...GATEWAY, version: 'v1', resource: 'httproutes' },
  { ...GATEWAY, version: 'v1', resource: 'grpcroutes' },
];

/** The routes that say where requests go. */
export const ROUTE_TRIGGERS: Trigger[] = POLICY_TRIGGERS.filter(
  (trigger) => 'resource' in trigger && /routes$/.test(trigger.resource),
);
