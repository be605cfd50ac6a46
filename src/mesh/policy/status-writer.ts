import type { Clock, Timer } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { groupKind, WATCHED } from './core/objects.ts';
import { dueStatuses } from './core/status.ts';
import { LEASE_MS, type WriteLease } from './lease.ts';
import type { PolicyIndex } from './policy-index.ts';

/**
 * Writes what ought to be in the statuses of routes, rate limits and egress networks. One pass at a time; a change that
 * comes meanwhile starts another. Only the replica that holds the lease writes.
 */
export class StatusWriter {
  readonly #index: PolicyIndex;
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #clusterNetworks: string[];
  readonly #lease: WriteLease;
  readonly #log: (message: string) => void;
  #later: Timer | undefined;
  #running = false;
  #again = false;
  #stopped = false;

  constructor(options: {
    index: PolicyIndex;
    client: KubeClient;
    clock: Clock;
    clusterNetworks: string[];
    lease: WriteLease;
    log(message: string): void;
  }) {
    this.#index = options.index;
    this.#client = options.client;
    this.#clock = options.clock;
    this.#clusterNetworks = options.clusterNetworks;
    this.#lease = options.lease;
    this.#log = options.log;
  }

  stop(): void {
    this.#stopped = true;
    this.#later?.cancel();
  }

  async write(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    try {
      do {
        this.#again = false;
        const now = rfc3339(this.#clock.now());
        const all = [...dueStatuses(this.#index.objects, this.#clusterNetworks, now)];
        if (all.length > 0 && !(await this.#lease.hold())) {
          this.#lookAgain();
          return;
        }
        for (const due of all) {
          if (this.#stopped) return;
          await this.#patch(due);
        }
      } while (this.#again);
    } finally {
      this.#running = false;
    }
  }

  /** Another replica holds the lease and will write; if it does not, it is gone by then. */
  #lookAgain(): void {
    this.#later ??= this.#clock.setTimeout(() => {
      this.#later = undefined;
      if (!this.#stopped) void this.write();
    }, LEASE_MS);
  }

  async #patch({ kind, object, status }: ReturnType<typeof dueStatuses> extends Generator<infer T> ? T : never) {
    const { namespace = '', name = '' } = object.metadata;
    const names = groupKind(kind);
    const span = `status_controller:patch{name="${name}" namespace="${namespace}" group=${names.group} kind=${names.kind}}`;
    try {
      await this.#client.patch({ ...WATCHED[kind], namespace }, name, 'merge', { status }, { subresource: 'status' });
      this.#log(`${span}: linkerd_policy_controller_k8s_status::index: Patched status`);
    } catch (error) {
      // Gone meanwhile: the watch will say so.
      if (error instanceof StatusError && error.code === 404) return;
      this.#log(
        `${span}: linkerd_policy_controller_k8s_status::index: Failed to patch status error=${messageOf(error)}`,
      );
    }
  }
}
