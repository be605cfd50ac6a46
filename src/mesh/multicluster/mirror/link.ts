import type { KubeObject } from '#kube/api/types.ts';
import { type LabelSelector, selects } from '#mesh/policy/core/selectors.ts';

export interface ProbeSpec {
  path?: string;
  port?: string;
  /** Go durations. */
  period?: string;
  timeout?: string;
  /** A number, as text. */
  failureThreshold?: string;
}

/** `spec` of a Link (multicluster.linkerd.io/v1alpha3). */
export interface LinkSpec {
  /** Empty: the cluster itself, whose Services join federated ones. */
  targetClusterName: string;
  targetClusterDomain?: string;
  targetClusterLinkerdNamespace?: string;
  clusterCredentialsSecret?: string;
  /** Addresses or names, comma separated. */
  gatewayAddress?: string;
  gatewayPort?: string;
  gatewayIdentity?: string;
  probeSpec?: ProbeSpec;
  selector?: LabelSelector;
  remoteDiscoverySelector?: LabelSelector;
  federatedServiceSelector?: LabelSelector;
  excludedAnnotations?: string[];
  excludedLabels?: string[];
}

/** What a link makes of a Service of the other cluster. */
export interface Wanted {
  /** A mirror behind the gateway, a flat one, or none. */
  mirror: 'gateway' | 'flat' | undefined;
  federated: boolean;
}

export function wantedOf(spec: LinkSpec, service: KubeObject): Wanted {
  const { labels } = service.metadata;
  const flat = chosen(spec.remoteDiscoverySelector, labels);
  return {
    mirror: flat ? 'flat' : chosen(spec.selector, labels) ? 'gateway' : undefined,
    federated: chosen(spec.federatedServiceSelector, labels),
  };
}

/** An absent or empty selector chooses nothing, unlike elsewhere. */
function chosen(selector: LabelSelector | undefined, labels: Record<string, string> | undefined): boolean {
  const size = Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length;
  return size > 0 && selects(selector, labels);
}

export const mirrorName = ({ targetClusterName }: LinkSpec, remote: string): string => `${remote}-${targetClusterName}`;
export const federatedName = (remote: string): string => `${remote}-federated`;

/** The Service that a mirror stands for. */
export function remoteName({ targetClusterName }: LinkSpec, mirror: string): string {
  const suffix = `-${targetClusterName}`;
  return mirror.endsWith(suffix) ? mirror.slice(0, -suffix.length) : mirror;
}

export const remoteFqdn = (spec: LinkSpec, service: KubeObject): string =>
  `${service.metadata.name}.${service.metadata.namespace}.svc.${spec.targetClusterDomain ?? 'cluster.local'}`;
