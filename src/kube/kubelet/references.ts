import { quantityValue } from '#kube/api/quantity.ts';
import type { KubeObject } from '#kube/api/types.ts';

type Fields = Record<string, KubeObject['spec']>;

/** The value of a downward-API field. Source: pkg/fieldpath and pkg/kubelet/kubelet_pods.go. */
export function fieldValue(pod: KubeObject, path: string, podIp: string, hostIp: string): string {
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (subscript) return pod.metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name ?? '';
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'spec.nodeName':
      return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.podIP':
    case 'status.podIPs':
      return podIp;
    case 'status.hostIP':
    case 'status.hostIPs':
      return hostIp;
    default:
      throw new Error(`unsupported field path: ${path}`);
  }
}

const formatMap = (map: Record<string, string> | undefined): string =>
  Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');

/** `limits.cpu` and its kind, in whole units of the divisor, rounded up. */
export function resourceValue(container: Fields, resource: string, divisor: string | undefined): string {
  const [kind = '', name = ''] = resource.split(/\.(.*)/);
  const set: Fields = container.resources?.[kind] ?? {};
  // Without a limit the node's own size is the limit.
  const fallback = kind === 'limits' ? (name === 'cpu' ? '2' : '8Gi') : '0';
  const value = quantityValue(String(set[name] ?? fallback)) ?? 0;
  const unit = quantityValue(divisor && divisor !== '0' ? divisor : '1') ?? 1;
  return String(Math.ceil(value / unit));
}

/** Replaces `$(NAME)` by what is known; `$$(NAME)` is a literal. Source: third_party/forked/golang/expansion. */
export function expand(text: string, env: Record<string, string>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, next: string, name: string) =>
    next === '$' ? '$' : (env[name] ?? whole),
  );
}
