import type { Check } from './check.ts';
import { answer } from './checks/answer.ts';
import { certificate } from './checks/certificate.ts';
import { commandOutput } from './checks/command-output.ts';
import { defaultPolicy } from './checks/default-policy.ts';
import { eventSeen } from './checks/event-seen.ts';
import { fileContains } from './checks/file-contains.ts';
import { issuer } from './checks/issuer.ts';
import { latency } from './checks/latency.ts';
import { linkerdCheck } from './checks/linkerd-check.ts';
import { metric } from './checks/metric.ts';
import { mutualTls } from './checks/mutual-tls.ts';
import { object } from './checks/object.ts';
import { podsReady } from './checks/pods-ready.ts';
import { policyMatrix } from './checks/policy-matrix.ts';
import { proxyInjected } from './checks/proxy-injected.ts';
import { request } from './checks/request.ts';
import { retries } from './checks/retries.ts';
import { rotationTimeline } from './checks/rotation-timeline.ts';
import { successRate } from './checks/success-rate.ts';
import { traffic } from './checks/traffic.ts';
import { trustBundle } from './checks/trust-bundle.ts';
import { weightSplit } from './checks/weight-split.ts';

/** Every check that a lab can name. One file a check. */
export const CATALOGUE: ReadonlyMap<string, Check> = new Map(
  [
    answer,
    certificate,
    commandOutput,
    defaultPolicy,
    eventSeen,
    fileContains,
    issuer,
    latency,
    linkerdCheck,
    metric,
    mutualTls,
    object,
    podsReady,
    policyMatrix,
    proxyInjected,
    request,
    retries,
    rotationTimeline,
    successRate,
    traffic,
    trustBundle,
    weightSplit,
  ].map((check) => [check.name, check]),
);
