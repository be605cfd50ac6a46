/**
 * The names that a resolver with `ndots:5` tries for a name, in order, as a pod's resolv.conf makes it. Source:
 * Kubernetes, "DNS for Services and Pods".
 */
export function searchNames(name: string, namespace: string, clusterDomain: string): string[] {
  const plain = name.toLowerCase();
  if (plain.endsWith('.')) return [plain.slice(0, -1)];
  const searched = [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain].map(
    (suffix) => `${plain}.${suffix}`,
  );
  return plain.split('.').length > 5 ? [plain, ...searched] : [...searched, plain];
}
