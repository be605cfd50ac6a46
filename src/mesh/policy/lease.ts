import type { Clock } from '#base/clock.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeClient } from '#kube/client/client.ts';

const NAME = 'policy-controller-write';
const DURATION_S = 30;
/** A claim younger than this needs no renewal. */
const FRESH_MS = 10_000;

/** How long until another replica's claim can have run out. */
export const LEASE_MS = DURATION_S * 1000;

const micro = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

export interface LeaseOptions {
  client: KubeClient;
  clock: Clock;
  namespace: string;
  /** The replica's name. */
  identity: string;
  /** Default: the policy controller's. */
  name?: string;
}

/**
 * The lease by which replicas agree who writes statuses. It is claimed at the start and renewed when there is something to
 * write, not by a timer: an idle controller does nothing, however far the cluster's clock is moved.
 */
export class WriteLease {
  #renewed = Number.NEGATIVE_INFINITY;
  readonly #options: LeaseOptions;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Claims the lease, if need be when the claim of the replica before has run out. Rejects when the signal aborts. */
  async claimed(signal: AbortSignal): Promise<void> {
    while (!(await this.hold())) await this.#options.clock.sleep(LEASE_MS, signal, { lazy: true });
  }

  /** Whether this replica may write now; claims or renews the lease when that takes it. Never rejects. */
  async hold(): Promise<boolean> {
    const { clock } = this.#options;
    if (clock.now() - this.#renewed < FRESH_MS) return true;
    try {
      if (!(await this.#claim())) return false;
      this.#renewed = clock.now();
      return true;
    } catch {
      // Somebody else was faster, or the server can't be reached.
      return false;
    }
  }

  async #claim(): Promise<boolean> {
    const { client, clock, namespace, identity, name = NAME } = this.#options;
    const target = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace };
    const now = clock.now();
    const spec = { holderIdentity: identity, leaseDurationSeconds: DURATION_S, renewTime: micro(now) };
    let lease: Awaited<ReturnType<KubeClient['get']>>;
    try {
      lease = await client.get(target, name);
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 404) throw error;
      await client.create(target, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace },
        // The policy controller makes its lease before it claims it.
        spec: { ...spec, acquireTime: micro(now), leaseTransitions: name === NAME ? 1 : 0 },
      });
      return true;
    }
    const holder = lease.spec?.holderIdentity;
    const expired = now - Date.parse(lease.spec?.renewTime ?? '') > LEASE_MS;
    if (holder && holder !== identity && !expired) return false;
    const transitions = (lease.spec?.leaseTransitions ?? 0) + 1;
    await client.patch(target, name, 'merge', {
      metadata: { resourceVersion: lease.metadata.resourceVersion },
      spec: holder === identity ? spec : { ...spec, acquireTime: micro(now), leaseTransitions: transitions },
    });
    return true;
  }
}
