import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, keyOf, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';

const COMPONENT = 'load-balancer';

interface Ingress {
  ip?: string;
}

const givenTo = (service: KubeObject): string[] =>
  ((service.status?.loadBalancer?.ingress ?? []) as Ingress[]).flatMap(({ ip }) => (ip ? [ip] : []));

/**
 * Gives Services of type LoadBalancer an address out of a /24, as an implementation like MetalLB does in clusters without a
 * cloud: a wish in `loadBalancerIP` is granted where it can be, a `loadBalancerClass` is somebody else's.
 */
export function startLoadBalancer(context: ControllerContext, cidr: string): WorkQueue {
  const services = context.informer('services');
  const prefix = cidr.split('.').slice(0, 3).join('.');
  // What was just given is not in the informer yet; one key at a time keeps two from getting the same.
  const given = new Map<string, string>();
  const queue = new WorkQueue(context.clock, (key) => reconcile(key), 1);
  services.onChange(({ type, object }) => {
    if (type === 'delete') {
      given.delete(keyOf(object));
      // Somebody may wait for the address.
      for (const other of services.list()) if (wants(other) && givenTo(other).length === 0) queue.add(keyOf(other));
    } else queue.add(keyOf(object));
  });

  const wants = (service: KubeObject) => service.spec.type === 'LoadBalancer' && !service.spec.loadBalancerClass;
  const inRange = (ip: string) => new RegExp(`^${prefix.replaceAll('.', '\\.')}\\.\\d+$`).test(ip);

  function choose(key: string, wish: string | undefined): string | undefined {
    const taken = new Set(given.values());
    for (const other of services.list()) if (keyOf(other) !== key) for (const ip of givenTo(other)) taken.add(ip);
    const isFree = (ip: string) => inRange(ip) && !taken.has(ip);
    if (wish) return isFree(wish) ? wish : undefined;
    for (let last = 1; last < 255; last++) if (isFree(`${prefix}.${last}`)) return `${prefix}.${last}`;
    return undefined;
  }

  async function reconcile(key: string): Promise<void> {
    const service = services.get(...splitKey(key));
    if (!service) return;
    const now = givenTo(service);
    if (!wants(service)) {
      given.delete(key);
      if (service.spec.type !== 'LoadBalancer' && now.length > 0)
        await context.putStatus('services', service, { ...service.status, loadBalancer: {} });
      return;
    }
    const wish: string | undefined = service.spec.loadBalancerIP || undefined;
    if (now.some((ip) => inRange(ip) && (!wish || ip === wish))) return;
    const before = given.get(key);
    given.delete(key);
    const ip = before && (!wish || wish === before) ? before : choose(key, wish);
    if (!ip) {
      const reason = wish ? `["${wish}"] is not free in ${cidr}` : `no available IPs in ${cidr}`;
      context.event(service, 'Warning', 'AllocationFailed', `Failed to allocate IP: ${reason}`, COMPONENT);
      return;
    }
    given.set(key, ip);
    await context.putStatus('services', service, {
      ...service.status,
      loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] },
    });
    context.event(service, 'Normal', 'IPAllocated', `Assigned IP ["${ip}"]`, COMPONENT);
  }
  return queue;
}
