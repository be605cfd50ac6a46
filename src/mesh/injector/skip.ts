import type { KubeObject } from '#kube/api/types.ts';

/** Why a pod is left alone; the words are those of the event (pkg/inject/report.go). */
export const SKIP_REASONS = {
  host_network_enabled: 'hostNetwork is enabled',
  sidecar_already_exists: 'pod has a sidecar injected already',
  unsupported_resource: 'this resource kind is unsupported',
  injection_enable_annotation_absent:
    'neither the namespace nor the pod have the annotation "linkerd.io/inject:enabled"',
  injection_disable_annotation_present: 'pod has the annotation "linkerd.io/inject:disabled"',
  invalid_inject_annotation_at_workload: 'invalid value for annotation "linkerd.io/inject" at workload',
  invalid_inject_annotation_at_ns: 'invalid value for annotation "linkerd.io/inject" at namespace',
  disabled_automount_service_account_token_account: 'automountServiceAccountToken set to "false"',
} as const;
export type SkipReason = keyof typeof SKIP_REASONS;

const INJECT = 'linkerd.io/inject';
const ON = new Set(['enabled', 'ingress']);

/** Reasons not to inject a pod; none: inject it. */
export function skipReasons(
  pod: Pick<KubeObject, 'metadata' | 'spec'>,
  namespaceAnnotations: Record<string, string>,
): SkipReason[] {
  const reasons: SkipReason[] = [];
  const spec = pod['spec'] ?? {};
  if (spec.hostNetwork) reasons.push('host_network_enabled');
  const containers: { name: string }[] = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  if (containers.some(({ name }) => name === 'linkerd-proxy' || name === 'linkerd-init')) {
    reasons.push('sidecar_already_exists');
  }
  const own = pod.metadata?.annotations?.[INJECT];
  const inherited = namespaceAnnotations[INJECT];
  if (own !== undefined && own !== '' && !ON.has(own) && own !== 'disabled') {
    reasons.push('invalid_inject_annotation_at_workload');
  } else if (own === 'disabled') reasons.push('injection_disable_annotation_present');
  else if (!own) {
    if (inherited && !ON.has(inherited) && inherited !== 'disabled') reasons.push('invalid_inject_annotation_at_ns');
    else if (!inherited || !ON.has(inherited)) reasons.push('injection_enable_annotation_absent');
  }
  if (spec.automountServiceAccountToken === false) reasons.push('disabled_automount_service_account_token_account');
  return reasons;
}
