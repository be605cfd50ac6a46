import type { Clock } from '#base/clock.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';

const LEASES = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace: 'kube-node-lease' };
const NODES = { group: '', version: 'v1', resource: 'nodes' };
const LEASE_S = 40;
const RENEW_EVERY_MS = 30_000;
const REPORT_EVERY_MS = 300_000;

/** Says that the node lives: renews its Lease, and now and then the times in its conditions. */
export function startHeartbeat(client: KubeClient, clock: Clock, node: KubeObject): { close(): void } {
  const name = node.metadata.name!;
  const renew = async (): Promise<void> => {
    const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: name, leaseDurationSeconds: LEASE_S, renewTime };
    try {
      await client.patch(LEASES, name, 'merge', { spec });
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 404) return;
      const owner = { apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid! };
      await client
        .create(LEASES, {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name, ownerReferences: [owner] },
          spec,
        })
        .catch(() => {});
    }
  };
  const report = async (): Promise<void> => {
    const lastHeartbeatTime = rfc3339(clock.now());
    const current = await client.get(NODES, name);
    const conditions = (current.status?.conditions ?? []).map((one: object) => ({ ...one, lastHeartbeatTime }));
    await client.update(
      NODES,
      { ...current, status: { ...current.status, conditions } },
      { subresource: 'status', fieldManager: 'kubelet' },
    );
  };
  void renew();
  const timers = [
    clock.setInterval(() => void renew(), RENEW_EVERY_MS, { lazy: true }),
    clock.setInterval(() => void report().catch(() => {}), REPORT_EVERY_MS, { lazy: true }),
  ];
  return {
    close() {
      for (const timer of timers) timer.cancel();
    },
  };
}
