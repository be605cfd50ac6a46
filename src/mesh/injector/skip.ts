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

const isValid = (value: string): boolean => value === '' || value === 'disabled' || ON.has(value);

interface Container {
  name: string;
  image?: string;
}

/** Whether a proxy or its preparation is there, of this mesh or of another that is known. */
export function hasSidecar(spec: { containers?: Container[]; initContainers?: Container[] }): boolean {
  const is =
    (names: string[], images: string[]) =>
    ({ name, image = '' }: Container) =>
      names.includes(name) || images.some((prefix) => image.startsWith(prefix));
  const proxies = is(['linkerd-proxy', 'istio-proxy'], ['cr.l5d.io/linkerd/proxy:', 'gcr.io/istio-release/proxyv2:']);
  const inits = is(
    ['linkerd-init', 'istio-init'],
    ['cr.l5d.io/linkerd/proxy-init:', 'gcr.io/istio-release/proxy_init:'],
  );
  const { containers = [], initContainers = [] } = spec;
  return [...initContainers, ...containers].some(proxies) || initContainers.some(inits);
}

/** Reasons not to inject a pod; none: inject it. */
export function skipReasons(
  pod: { metadata: KubeObject['metadata']; spec?: KubeObject['spec'] },
  namespaceAnnotations: Record<string, string>,
  ownToken = true,
): SkipReason[] {
  const reasons: SkipReason[] = [];
  const spec = pod.spec ?? {};
  if (spec.hostNetwork) reasons.push('host_network_enabled');
  if (hasSidecar(spec)) reasons.push('sidecar_already_exists');
  const own = pod.metadata?.annotations?.[INJECT] ?? '';
  const inherited = namespaceAnnotations[INJECT] ?? '';
  if (!isValid(inherited)) reasons.push('invalid_inject_annotation_at_ns');
  else if (!isValid(own)) reasons.push('invalid_inject_annotation_at_workload');
  else if (ON.has(inherited)) {
    if (own === 'disabled') reasons.push('injection_disable_annotation_present');
  } else if (!ON.has(own)) reasons.push('injection_enable_annotation_absent');
  // The proxy has a token of its own, unless the installation says that it shall use the account's.
  if (!ownToken && spec.automountServiceAccountToken === false)
    reasons.push('disabled_automount_service_account_token_account');
  return reasons;
}
