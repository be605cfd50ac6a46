import type { KubeObject } from '#kube/api/types.ts';

const PROXY = 'linkerd.io/proxy-';
const sanitized = (name: string): string => name.replace(/[^a-zA-Z0-9_]/g, '_');

/**
 * The labels that the extension's Prometheus adds to what a pod's proxy reports: whose pod it is, and the pod's own labels
 * (the job `linkerd-proxy` of its configuration).
 */
export function proxyTargetLabels({ metadata }: KubeObject): Record<string, string> {
  const labels: Record<string, string> = { namespace: metadata.namespace ?? '', pod: metadata.name ?? '' };
  for (const [name, value] of Object.entries(metadata.labels ?? {})) {
    if (name.startsWith(PROXY)) {
      const owner = name.slice(PROXY.length);
      labels[owner === 'job' ? 'k8s_job' : sanitized(owner)] = value;
    } else labels[sanitized(name.replace(/^linkerd\.io\//, ''))] = value;
  }
  return labels;
}
