import type { Clock } from '#base/clock.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeClient } from '#kube/client/client.ts';

const NAME = 'policy-controller-write';
const DURATION_S = 30;
/** Claims are renewed well before they run out. */
const RENEW_MS = 15_000;

const micro = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/**
 * Keeps the lease by which replicas agree who writes statuses. With one replica it is always held; a second one waits
 * until the first stops renewing it.
 */
export class WriteLease {
  #held = false;
  readonly #options: { client: KubeClient; clock: Clock; namespace: string; identity: string; signal: AbortSignal };

  constructor(options: {
    client: KubeClient;
    clock: Clock;
    namespace: string;
    identity: string;
    signal: AbortSignal;
  }) {
    this.#options = options;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Claims and renews until the signal aborts; calls `onClaim` each time the lease becomes ours. */
  async keep(onClaim: () => void): Promise<void> {
    const { clock, signal } = this.#options;
    while (!signal.aborted) {
      const before = this.#held;
      this.#held = await this.#claim().catch(() => before);
      if (this.#held && !before) onClaim();
      await clock.sleep(RENEW_MS, signal).catch(() => {});
    }
  }

  async #claim(): Promise<boolean> {
    const { client, clock, namespace, identity } = this.#options;
    const target = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace };
    const now = clock.now();
    const spec = { holderIdentity: identity, leaseDurationSeconds: DURATION_S, renewTime: micro(now) };
    let lease: Awaited<ReturnType<KubeClient['get']>>;
    try {
      lease = await client.get(target, NAME);
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 404) throw error;
      await client.create(target, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          name: NAME,
          namespace,
          labels: { 'linkerd.io/control-plane-component': 'destination', 'linkerd.io/control-plane-ns': namespace },
        },
        spec: { ...spec, acquireTime: micro(now), leaseTransitions: 0 },
      });
      return true;
    }
    const holder = lease.spec?.holderIdentity;
    const expired = now - Date.parse(lease.spec?.renewTime ?? '') > DURATION_S * 1000;
    if (holder && holder !== identity && !expired) return false;
    const taken = holder !== identity;
    await client.patch(target, NAME, 'merge', {
      spec: taken
        ? { ...spec, acquireTime: micro(now), leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 }
        : spec,
    });
    return true;
  }
}
