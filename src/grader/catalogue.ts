import type { Check } from './check.ts';
import { certificate } from './checks/certificate.ts';
import { defaultPolicy } from './checks/default-policy.ts';
import { eventSeen } from './checks/event-seen.ts';
import { issuer } from './checks/issuer.ts';
import { mutualTls } from './checks/mutual-tls.ts';
import { object } from './checks/object.ts';
import { podsReady } from './checks/pods-ready.ts';
import { policyMatrix } from './checks/policy-matrix.ts';
import { proxyInjected } from './checks/proxy-injected.ts';
import { traffic } from './checks/traffic.ts';
import { trustBundle } from './checks/trust-bundle.ts';

/** Every check that a lab can name. One file a check. */
export const CATALOGUE: ReadonlyMap<string, Check> = new Map(
  [
    certificate,
    defaultPolicy,
    eventSeen,
    issuer,
    mutualTls,
    object,
    podsReady,
    policyMatrix,
    proxyInjected,
    traffic,
    trustBundle,
  ].map((check) => [check.name, check]),
);
