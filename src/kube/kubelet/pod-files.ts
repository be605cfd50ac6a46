import type { KubeObject } from '#kube/api/types.ts';

/** Names that every container has. */
const OWN_NAMES = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;
const SEARCH = ['svc.cluster.local', 'cluster.local'];

/** A pod's /etc/hosts, as the kubelet writes it (pkg/kubelet/kubelet_pods.go). */
export function hostsFile({ metadata, spec }: KubeObject, host: string, ip: string): string {
  const full = spec.subdomain ? `${host}.${spec.subdomain}.${metadata.namespace}.svc.cluster.local\t${host}` : host;
  const aliases = (spec.hostAliases ?? []) as { ip: string; hostnames?: string[] }[];
  const more = aliases.map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}\n`).join('');
  const head = `# Kubernetes-managed hosts file.\n${OWN_NAMES}${ip}\t${full}\n`;
  return more === '' ? head : `${head}\n# Entries added by HostAliases.\n${more}`;
}

/** The names in a pod's /etc/hosts, for those who look names up. */
export function hostNames({ metadata, spec }: KubeObject, ip: string): Map<string, string> {
  const aliases = (spec.hostAliases ?? []) as { ip: string; hostnames?: string[] }[];
  return new Map([
    ...aliases.flatMap((alias) =>
      (alias.hostnames ?? []).map((name): [string, string] => [name.toLowerCase(), alias.ip]),
    ),
    [String(spec.hostname ?? metadata.name), ip],
    ['localhost', '127.0.0.1'],
  ]);
}

interface DnsConfig {
  nameservers?: string[];
  searches?: string[];
  options?: { name: string; value?: string }[];
}

/** A pod's /etc/resolv.conf: the cluster's, unless its policy is None, and what it adds itself. */
export function resolverFile({ metadata, spec }: KubeObject, dnsIp: string): string {
  const own = (spec.dnsConfig ?? {}) as DnsConfig;
  const isOwn = spec.dnsPolicy === 'None';
  const searches = [...(isOwn ? [] : [`${metadata.namespace}.svc.cluster.local`, ...SEARCH]), ...(own.searches ?? [])];
  const servers = [...(isOwn ? [] : [dnsIp]), ...(own.nameservers ?? [])];
  const options = new Map(isOwn ? [] : [['ndots', '5']]);
  for (const { name, value } of own.options ?? []) options.set(name, value ?? '');
  const told = [...options].map(([name, value]) => (value ? `${name}:${value}` : name));
  return [
    ...(searches.length > 0 ? [`search ${[...new Set(searches)].join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(told.length > 0 ? [`options ${told.join(' ')}`] : []),
    '',
  ].join('\n');
}
