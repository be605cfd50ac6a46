import type { KubeObject } from '#kube/api/types.ts';
import { networkHolds, parseAddress, parseNetwork } from './addresses.ts';
import { networkMatches } from './authorizations.ts';
import type { NetworkMatch } from './config.ts';
import { byAge, type ObjectSet } from './objects.ts';

/** An EgressNetwork without networks holds everything that is not the cluster's. */
export function networksOfEgress(egress: KubeObject, clusterNetworks: NetworkMatch[]): NetworkMatch[] {
  if (egress.spec?.networks) return networkMatches(egress.spec.networks);
  const cluster = clusterNetworks.map(({ cidr }) => cidr);
  return [
    { cidr: '0.0.0.0/0', except: cluster.filter((cidr) => !cidr.includes(':')) },
    { cidr: '::/0', except: cluster.filter((cidr) => cidr.includes(':')) },
  ];
}

/** Length of the longest prefix among the networks that hold the address; undefined when none does. */
function bestPrefix(networks: NetworkMatch[], ip: string): number | undefined {
  const address = parseAddress(ip);
  if (!address) return undefined;
  const holds = (cidr: string) => {
    const network = parseNetwork(cidr);
    return network && networkHolds(network, address) ? network : undefined;
  };
  let best: number | undefined;
  for (const { cidr, except } of networks) {
    const network = holds(cidr);
    if (!network || except.some((each) => holds(each))) continue;
    if (best === undefined || network.prefix > best) best = network.prefix;
  }
  return best;
}

/**
 * The EgressNetwork that an address outside the cluster belongs to, for clients of a namespace: those of its own
 * namespace when there are any, else those of the global one; the narrowest network, then the oldest.
 */
export function egressNetworkAt(
  objects: ObjectSet,
  ip: string,
  clientNamespace: string,
  globalNamespace: string,
  clusterNetworks: NetworkMatch[],
): KubeObject | undefined {
  const own = [...objects.list('EgressNetwork', clientNamespace)];
  const candidates = own.length > 0 ? own : [...objects.list('EgressNetwork', globalNamespace)];
  return candidates
    .map((egress) => ({ egress, prefix: bestPrefix(networksOfEgress(egress, clusterNetworks), ip) }))
    .filter((each) => each.prefix !== undefined)
    .sort((a, b) => b.prefix! - a.prefix! || byAge(a.egress, b.egress))[0]?.egress;
}
