/** The addresses of one embedded cluster. No two clusters that are joined share any. */
export interface AddressPlan {
  node: { name: string; ip: string };
  /** A /16. */
  podCidr: string;
  /** A /16. */
  serviceCidr: string;
  /** A /24 from which Services of type LoadBalancer get addresses; without one they wait for ever, as on bare machines. */
  balancerCidr?: string;
}

/** A cluster that is alone, with the addresses that kubeadm's documentation uses. */
export const ALONE: AddressPlan = {
  node: { name: 'academy', ip: '172.18.0.2' },
  podCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/16',
};

/** The plan of a cluster that is joined to others; `index` is its place among them, from 0. */
export const joinedPlan = (name: string, index: number): AddressPlan => ({
  node: { name, ip: `172.18.0.${2 + index}` },
  podCidr: `10.${244 + index}.0.0/16`,
  serviceCidr: `10.${96 + index}.0.0/16`,
  balancerCidr: `172.18.${200 + index}.0/24`,
});

const within = (cidr: string, rest: string): string => `${cidr.split('.').slice(0, 2).join('.')}.${rest}`;

/** Address of the Service `kubernetes`: the first of its range. */
export const apiServiceIp = (plan: AddressPlan): string => within(plan.serviceCidr, '0.1');

/** Address of the cluster's name server. */
export const dnsIp = (plan: AddressPlan): string => within(plan.serviceCidr, '0.10');
